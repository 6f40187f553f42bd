/**
 * A Worker around the portable app, for the suite of this folder only: it shows that core and functions/http need
 * nothing but what workerd gives. Where it has a bucket of R2 its data is there, else in the memory of one isolate, with which
 * it goes.
 *
 * What matters on Workers and is done here: the kernel is a static import (compiling bytes is refused there), the one of
 * relaxed SIMD, which workerd takes; nothing happens at module load (I/O, chance and timers are refused there); and requests
 * share no promise, only the app that the first of them has made.
 */
import compiledKernel from '../../build/wasm/relaxed.wasm';
import type { Clock, Digests } from '../../core/base/ports.js';
import { EngineDatabase } from '../../core/engine/index.js';
import { createDigests, Kernel } from '../../core/kernel/index.js';
import { trySegmentObject } from '../../core/log/index.js';
import { openR2Store } from '../../core/r2.js';
import type { R2Binding } from '../../core/r2.js';
import { accountingStore, cacheApi, memoryStore, retryingStore, warmStore } from '../../core/store/index.js';
import type { ObjectStore, WebCache } from '../../core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../core/system-ports.js';
import { createApp, createGuard, webResponse } from '../../functions/http/index.js';
import type { App, Guard } from '../../functions/http/index.js';
import type { ServerSettings } from '../http/suite/index.js';
import { portableDeflate } from '../../core/segment/index.js';

export interface WorkerSettings extends ServerSettings {
  /** Makes each answer of the store take a timer's time, so that requests interleave as they do before a bucket. */
  readonly storeDelayMs?: number;
  /** `standing`: time as Workers show it to code that computes, only more so: it never moves. Default: local time. */
  readonly clock?: 'standing';
  /** Puts the cache of the platform before the bucket, and lets `/restart` do what an end of the isolate does: only that stays. */
  readonly warmCache?: boolean;
}

interface Environment {
  readonly SETTINGS: WorkerSettings;
  readonly BUCKET?: R2Binding;
}

/** As Workers have it: the types of this folder are Node's. */
declare const caches: { readonly default: WebCache };

const memoryBudgetBytes = 96_000_000;

let app: App | undefined;
let bucket: ObjectStore | undefined;
/** Of the request that came last. A deployment takes `waitUntil` of `cloudflare:workers`, which knows whose code runs. */
let context: ExecutionContext | undefined;

interface ExecutionContext {
  waitUntil(work: Promise<void>): void;
}

function standingClock(): Clock {
  const wallMs = systemClock.wallMs();
  return { wallMs: () => wallMs, monotonicMs: () => 0 };
}

function delayingStore(store: ObjectStore, delayMs: number): ObjectStore {
  const late = async <T>(call: () => Promise<T>): Promise<T> => {
    await systemSleep(delayMs);
    return await call();
  };
  return {
    description: store.description,
    get: (key, options) => late(() => store.get(key, options)),
    put: (key, bytes, options) => late(() => store.put(key, bytes, options)),
    upload: (key) => late(() => store.upload(key)),
    list: (prefix, options) => late(() => store.list(prefix, options)),
    delete: (keys) => late(() => store.delete(keys)),
    close: () => store.close(),
  };
}

const waitUntil = (filling: Promise<void>): void => context!.waitUntil(filling);

function behindCache(store: ObjectStore, digests: Digests): ObjectStore {
  const options = { digests, identity: store.description, placeOf: trySegmentObject };
  return warmStore(store, { cache: cacheApi(caches.default, { waitUntil }), ...options });
}

function makeApp(guard: Guard, settings: WorkerSettings, r2: ObjectStore | undefined): App {
  const { corsOrigins, load, storeDelayMs } = settings;
  const kernel = new Kernel(compiledKernel, { memoryBudgetBytes });
  const clock = settings.clock === 'standing' ? standingClock() : systemClock;
  const ports = {
    clock,
    random: systemRandom,
    sleep: systemSleep,
    digests: createDigests(kernel),
    deflate: portableDeflate,
  };
  bucket ??= r2 ?? memoryStore(ports);
  const delayed = storeDelayMs === undefined ? bucket : delayingStore(bucket, storeDelayMs);
  const store = retryingStore(delayed, ports);
  const database = new EngineDatabase({
    store: accountingStore(settings.warmCache === true ? behindCache(store, ports.digests) : store),
    ports,
    kernel,
    tier: 'edge',
    shareRequests: false,
    background: false,
  });
  return createApp({
    database: () => database,
    guard,
    version: '0.0.0-test',
    clock,
    newId: () => crypto.randomUUID(),
    ...(corsOrigins === undefined ? {} : { corsOrigins }),
    ...(load === undefined ? {} : { load }),
  });
}

const worker = {
  async fetch(
    request: Request,
    { SETTINGS, BUCKET }: Environment,
    requestContext: ExecutionContext,
  ): Promise<Response> {
    context = requestContext;
    const { apiKeys = [], allowAnonymous = false, warmCache = false } = SETTINGS;
    if (warmCache && new URL(request.url).pathname === '/restart') {
      app = undefined;
      return new Response();
    }
    if (app === undefined) {
      // Each early request awaits a guard and a store of its own, and only the first that has them makes the app.
      const guard = await createGuard({ keys: apiKeys, allowAnonymous, exposure: 'loopback' });
      const r2 = BUCKET === undefined ? undefined : await openR2Store(BUCKET, { prefix: 'cairn' });
      app ??= makeApp(guard, SETTINGS, r2);
    }
    return webResponse(await app(request));
  },
};

export { worker as default };
