/**
 * `openR2`: a Worker's binding to a database. What matters on Workers is decided here: the kernel is a module that the Worker's
 * code has imported, no promise crosses requests, six calls of the bucket are in flight at most, and memory ends at 96 MB.
 *
 *     import kernel from 'cairndb/kernel.wasm';
 *     const db = await openR2(env.BUCKET, { kernel, prefix: 'cairn' });
 */
import { invalid } from './base/errors.js';
import { tierLimits } from './base/limits.js';
import type { Tier } from './base/limits.js';
import { composeDatabase } from './compose.js';
import { mustBeObject, mustBeTier, mustHaveOnly, optionalBoolean, optionalInteger } from './engine/index.js';
import type { Database } from './engine/index.js';
import { openR2Store, r2StoreOptions } from './open-r2-store.js';
import type { R2StoreOptions } from './open-r2-store.js';
import { portableDeflate } from './segment/index.js';
import type { R2Binding } from './store/adapters/r2/index.js';
import type { Invocation, WarmCache } from './store/index.js';
import { systemClock, systemRandom, systemSleep } from './system-ports.js';

export interface R2Options extends R2StoreOptions {
  /** What `import kernel from 'cairndb/kernel.wasm'` gives: a compiled WebAssembly module. */
  readonly kernel: object;
  /** Bytes of WebAssembly memory that all collections together may take. Default 96,000,000 of the 128 MB of an isolate. */
  readonly memoryBudgetBytes?: number;
  /** Of collections created without one. Default `edge`. */
  readonly tier?: Tier;
  /** Ask a second time for ranges of segments that take unusually long: up to a tenth more requests. Default false. */
  readonly hedgeReads?: boolean;
  /**
   * The account of the request or scheduled event that is being worked on, `{ limit, used: 0 }` when it began: from an
   * AsyncLocalStorage, for one. What would pass its limit is refused (`subrequests_exhausted`). Default none: nothing is counted.
   */
  readonly invocation?: () => Invocation | undefined;
  /**
   * `waitUntil` of `cloudflare:workers`. An answer may be given while calls of the bucket are under way that it needs no more, after an
   * error for one: where the end of the request cuts them off, later requests take them to be under way for 30 s. Default none.
   */
  readonly waitUntil?: (call: Promise<void>) => void;
  /** What never changes, kept nearer than the bucket: `cacheApi(caches.default, { waitUntil })`. Default none. */
  readonly warmCache?: WarmCache;
}

const OWN = ['kernel', 'memoryBudgetBytes', 'tier', 'hedgeReads', 'invocation', 'waitUntil', 'warmCache'];
const MEMORY_BUDGET = {
  name: 'memoryBudgetBytes',
  min: 1024 * 1024,
  max: Number.MAX_SAFE_INTEGER,
  fallback: tierLimits.edge.memoryBytes,
} as const;

/**
 * Opens the database in the bucket of a binding, for all requests of an isolate. Asks nothing of the bucket but for its self-test.
 * Throws as `openR2Store` does, and `invalid` (`invalid_kernel`) for a kernel that is no compiled module.
 */
export async function openR2(bucket: R2Binding, options: R2Options): Promise<Database> {
  const given = mustBeObject(options, 'options');
  mustHaveOnly(given, [...r2StoreOptions, ...OWN], 'options');
  const kernelModule = kernelOf(given['kernel']);
  const memoryBudgetBytes = optionalInteger(given['memoryBudgetBytes'], MEMORY_BUDGET);
  const tier = mustBeTier(given['tier'] ?? 'edge');
  const hedgeReads = given['hedgeReads'] !== undefined && optionalBoolean(given['hedgeReads'], 'hedgeReads');
  const ofStore = Object.fromEntries(Object.entries(given).filter(([name]) => !OWN.includes(name)));
  const store = await openR2Store(bucket, ofStore);
  return composeDatabase({
    store,
    identity: store.description,
    ports: {
      clock: systemClock,
      random: systemRandom,
      sleep: systemSleep,
    },
    sha256: undefined,
    deflate: portableDeflate,
    kernelModule,
    memoryBudgetBytes,
    tier,
    shareRequests: false,
    background: false,
    hedgeReads,
    invocation: options.invocation,
    waitUntil: options.waitUntil,
    cache: options.warmCache,
  });
}

function kernelOf(given: unknown): object {
  if (Object.prototype.toString.call(given) === '[object WebAssembly.Module]') return given as object;
  const message = `the kernel is ${given === null ? 'null' : typeof given}, not a compiled WebAssembly module: import it from 'cairndb/kernel.wasm'`;
  throw invalid('invalid_kernel', message);
}
