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
import type { Clock } from '../../core/base/ports.js';
import { EngineDatabase } from '../../core/engine/index.js';
import { createDigests, Kernel } from '../../core/kernel/index.js';
import { openR2Store } from '../../core/r2.js';
import type { R2Binding } from '../../core/r2.js';
import { accountingStore, memoryStore, retryingStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
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
}

interface Environment {
  readonly SETTINGS: WorkerSettings;
  readonly BUCKET?: R2Binding;
}

const memoryBudgetBytes = 96_000_000;

let app: App | undefined;

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
  const bucket = r2 ?? memoryStore(ports);
  const store = storeDelayMs === undefined ? bucket : delayingStore(bucket, storeDelayMs);
  const database = new EngineDatabase({
    store: accountingStore(retryingStore(store, ports)),
    ports,
    kernel,
    tier: 'edge',
    shareRequests: false,
  });
  return createApp({
    database,
    guard,
    version: '0.0.0-test',
    clock,
    newId: () => crypto.randomUUID(),
    ...(corsOrigins === undefined ? {} : { corsOrigins }),
    ...(load === undefined ? {} : { load }),
  });
}

const worker = {
  async fetch(request: Request, { SETTINGS, BUCKET }: Environment): Promise<Response> {
    const { apiKeys = [], allowAnonymous = false } = SETTINGS;
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
