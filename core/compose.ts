/**
 * A database of its parts: the one order in which the wrappers of a store lie on each other. Who chooses the parts is a door:
 * `open.ts` by a URL, `r2.ts` by a Worker's binding.
 */
import { tierLimits } from './base/limits.js';
import type { Tier } from './base/limits.js';
import type { Clock, Deflate, Digests, Random, Sleep } from './base/ports.js';
import { EngineDatabase } from './engine/index.js';
import type { Compactor, Database, DatabaseThreads } from './engine/index.js';
import { createDigests, Kernel } from './kernel/index.js';
import type { ArenaPool, KernelModule } from './kernel/index.js';
import { trySegmentObject } from './log/index.js';
import {
  accountingStore,
  boundingStore,
  hedgingStore,
  meteringStore,
  retryingStore,
  warmStore,
} from './store/index.js';
import type { Invocation, ObjectStore, WarmCache } from './store/index.js';

export interface Parts {
  readonly store: ObjectStore;
  /** Of the store, for a warm cache that several of them share. */
  readonly identity: string;
  readonly ports: { readonly clock: Clock; readonly random: Random; readonly sleep: Sleep };
  /** The host's own, where it has one. */
  readonly sha256: Digests['sha256'] | undefined;
  readonly deflate: Deflate;
  readonly kernelModule: KernelModule;
  readonly memoryBudgetBytes: number;
  readonly tier: Tier;
  readonly shareRequests: boolean;
  readonly background: boolean;
  readonly hedgeReads: boolean;
  /** Whose requests are being made, where a host bounds them. */
  readonly invocation?: (() => Invocation | undefined) | undefined;
  /** Of a host that ends with a request what the request began. */
  readonly waitUntil?: ((call: Promise<void>) => void) | undefined;
  readonly cache?: WarmCache | undefined;
  readonly maintenance?: { readonly intervalMs: number } | undefined;
  readonly onWorkDue?: (() => void) | undefined;
  readonly compactor?: Compactor | undefined;
  /** Of kernels for shared memory, which are `kernelModule` then. */
  readonly threads?: ((pool: ArenaPool) => DatabaseThreads) | undefined;
}

export function composeDatabase(parts: Parts): Database {
  const { store, ports, sha256, deflate, tier, cache, identity } = parts;
  const { memoryBudgetBytes } = parts;
  const kernel = new Kernel(parts.kernelModule, { memoryBudgetBytes, shared: parts.threads !== undefined });
  const threads = parts.threads?.(kernel.pool);
  kernel.threads = threads;
  const digests = createDigests(kernel, sha256);
  const { requestsParallel: parallel } = tierLimits[tier];
  const { invocation: current, waitUntil } = parts;
  const bounded = tier === 'edge' ? boundingStore(store, { ...ports, parallel, waitUntil }) : store;
  // Above it nothing but what repeats requests, and each of them counts.
  const metered = current === undefined ? bounded : meteringStore(bounded, { current });
  const bucket = retryingStore(metered, ports);
  // Below the warm cache: what that has is not asked for twice.
  const near = parts.hedgeReads ? hedgingStore(bucket, ports) : bucket;
  const warm = cache && warmStore(near, { cache, digests, identity, placeOf: trySegmentObject });
  return new EngineDatabase({
    store: accountingStore(warm ?? near),
    ports: { ...ports, digests, deflate },
    kernel,
    tier,
    shareRequests: parts.shareRequests,
    background: parts.background,
    waitUntil,
    maintenance: parts.maintenance,
    onWorkDue: parts.onWorkDue,
    compactor: parts.compactor,
    threads,
  });
}
