/**
 * A store's URL to a database. Brings the store that it names, the real clock and the embedded kernel together.
 */
import { invalid } from './base/errors.js';
import { limits, tierLimits } from './base/limits.js';
import type { Tier } from './base/limits.js';
import type { Clock, Random, Sleep } from './base/ports.js';
import { composeDatabase } from './compose.js';
import { mustBeObject, mustBeTier, mustHaveOnly, optionalBoolean, optionalInteger } from './engine/index.js';
import type { Compactor, Database, DatabaseThreads } from './engine/index.js';
import { compileEmbeddedKernel } from './kernel/index.js';
import type { ArenaPool, KernelModule } from './kernel/index.js';
import { openStore, openWarmCache, portableStore } from './open-store.js';
import type { WarmDirectory } from './open-store.js';
import type { ObjectStore, WarmCache } from './store/index.js';
import { systemClock, systemRandom, systemSleep } from './system-ports.js';

export interface OpenOptions {
  /** Time, chance and waiting, for tests and simulations. Default: the real ones. */
  readonly clock?: Clock;
  readonly random?: Random;
  readonly sleep?: Sleep;
  /** Bytes of WebAssembly memory that all collections together may take. Default 1 GiB. */
  readonly memoryBudgetBytes?: number;
  /**
   * Threads that search beside the caller's own, up to 15: answers are the same, and many queries at once are answered faster
   * (docs/THREADS.md). Each needs a core of its own. Of Node alone: elsewhere 0 is all that may be asked for. Default 0.
   */
  readonly threads?: number;
  /**
   * The tier of collections created without one, and how much is in flight: on `edge` never more than 6 calls of the store, on
   * `server` 96 for an index. What a store makes of one call (parts of an upload, single deletions) is not counted, nor is a cache.
   * Default `server`.
   */
  readonly tier?: Tier;
  /** Let concurrent calls share reads and commits. Default true. */
  readonly shareRequests?: boolean;
  /**
   * Hints of work and folds of a long log go on when the write that found them due is answered. Default as `shareRequests`. False where the host
   * freezes or ends what an answer leaves behind, as functions in clouds are: there such a write waits for them.
   */
  readonly background?: boolean;
  /** Ask a second time for ranges of segments that take unusually long: up to a tenth more requests. Default false. */
  readonly hedgeReads?: boolean;
  /** Make the store's directory where it is missing. Default true. A bucket is never made. */
  readonly createStore?: boolean;
  /** Fold, merge and collect in this process: at this interval, and when a write says that there is work. Default off. */
  readonly maintenance?: boolean | { readonly intervalMs?: number };
  /** Called when a write has passed a trigger of compaction, for maintenance that runs elsewhere. */
  readonly onWorkDue?: () => void;
  /** Does the compactions of this database elsewhere, in another thread for one: `compact`, and the folds of writers. */
  readonly compactor?: Compactor;
  /** A store of your own instead of one that the URL names; the URL is then only a name. */
  readonly store?: ObjectStore;
  /** 32 bytes that the bucket's store encrypts every object with and forgets. Whoever loses them loses the data. */
  readonly customerKey?: Uint8Array;
  /**
   * A second tier for what never changes, between memory and a bucket: a directory of a local disk, which `bytes` (default 1 GiB)
   * cap, or a cache of your own (`cacheApi`). Several processes may share it. Refused for `file:` and `memory:`, which are as
   * near. Default none.
   */
  readonly warmCache?: WarmDirectory | WarmCache;
}

const MEMORY_BUDGET = {
  name: 'memoryBudgetBytes',
  min: 1024 * 1024,
  max: Number.MAX_SAFE_INTEGER,
  fallback: tierLimits.server.memoryBytes,
} as const;
const INTERVAL = {
  name: 'intervalMs',
  min: 100,
  max: 86_400_000,
  fallback: limits.maintenanceIntervalMs,
} as const;
const OPTIONS = [
  ...['clock', 'random', 'sleep', 'store'],
  ...[
    'memoryBudgetBytes',
    'threads',
    'tier',
    'shareRequests',
    'background',
    'createStore',
    'maintenance',
    'onWorkDue',
  ],
  ...['compactor', 'customerKey', 'hedgeReads', 'warmCache'],
];

/** Threads of a host, and the kernels for memory that they share. */
export interface StartedThreads {
  readonly module: KernelModule;
  /** Starts them. */
  readonly open: (pool: ArenaPool) => DatabaseThreads;
}

export type StartThreads = (count: number) => Promise<StartedThreads>;

/** `open` (open-threaded.ts) with the threads of a host, where it has any. */
export async function openWith(
  startThreads: StartThreads | undefined,
  url: string,
  options: OpenOptions,
): Promise<Database> {
  const given = mustBeObject(options, 'options');
  mustHaveOnly(given, OPTIONS, 'options');
  const memoryBudgetBytes = optionalInteger(given['memoryBudgetBytes'], MEMORY_BUDGET);
  const max = startThreads === undefined ? 0 : limits.threads;
  const threadCount = optionalInteger(given['threads'], { name: 'threads', min: 0, max, fallback: 0 });
  const tier = mustBeTier(given['tier'] ?? 'server');
  const maintenance = maintenanceOf(given['maintenance']);
  const createStore =
    given['createStore'] === undefined || optionalBoolean(given['createStore'], 'createStore');
  const shareRequests =
    given['shareRequests'] === undefined || optionalBoolean(given['shareRequests'], 'shareRequests');
  const background =
    given['background'] === undefined ? shareRequests : optionalBoolean(given['background'], 'background');
  const hedgeReads = given['hedgeReads'] !== undefined && optionalBoolean(given['hedgeReads'], 'hedgeReads');
  if (options.store !== undefined && given['customerKey'] !== undefined)
    throw invalid('invalid_customer_key', 'a store of your own has its customer key from whoever opened it');
  const ports = {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    sleep: options.sleep ?? systemSleep,
  };
  const cache = await openWarmCache(options, url);
  const { store, sha256, deflate } =
    options.store === undefined
      ? await openStore(url, { clock: ports.clock, create: createStore, customerKey: customerKeyOf(given) })
      : portableStore(options.store);
  const threads = threadCount === 0 ? undefined : await startThreads!(threadCount);
  return composeDatabase({
    store,
    identity: `${store.description} ${url}`,
    ports,
    sha256,
    deflate,
    kernelModule: threads?.module ?? (await compileEmbeddedKernel()),
    threads: threads?.open,
    memoryBudgetBytes,
    tier,
    shareRequests,
    background,
    hedgeReads,
    cache,
    maintenance,
    onWorkDue: options.onWorkDue,
    compactor: options.compactor,
  });
}

function maintenanceOf(given: unknown): { readonly intervalMs: number } | undefined {
  if (given === undefined || given === false) return undefined;
  const fields = given === true ? {} : mustBeObject(given, 'maintenance');
  mustHaveOnly(fields, ['intervalMs'], 'maintenance');
  return { intervalMs: optionalInteger(fields['intervalMs'], INTERVAL) };
}

function customerKeyOf(given: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const key = given['customerKey'];
  if (key === undefined || key instanceof Uint8Array) return key;
  throw invalid('invalid_customer_key', `the customer key is ${typeof key}, not a Uint8Array of 32 bytes`);
}
