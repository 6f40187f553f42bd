/**
 * What shares the memory budget of a database with the arenas: pages, what filters select, and what is on its way from the store
 * and to it. Only pages give way; for what is on its way room is kept free.
 */
import { MemoryPart } from '../base/memory-account.js';
import { limits } from '../base/limits.js';
import type { TierLimits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import type { ArenaPool } from '../kernel/index.js';
import { FilterCache } from '../segment/index.js';
import { holdingStore, PageCache } from '../store/index.js';
import type { HoldingStore, ObjectStore } from '../store/index.js';
import type { MemoryUsage } from './interface/index.js';

export class SharedMemory {
  readonly cache: PageCache;
  readonly filters: FilterCache;
  /** Whatever goes through it counts. */
  readonly store: HoldingStore;
  /** Of open segments. */
  readonly tails: MemoryPart;
  readonly #pool: ArenaPool;

  constructor(
    pool: ArenaPool,
    {
      store,
      clock,
      reads,
    }: {
      readonly store: ObjectStore;
      readonly clock: Ports['clock'];
      /** As the handler's tier has them. */
      readonly reads: Pick<TierLimits, 'requestsParallel' | 'readRoomBytes'>;
    },
  ) {
    const { account, budgetBytes } = pool;
    const filters = new FilterCache(Math.min(limits.filterCacheBytes, Math.floor(budgetBytes / 64)), account);
    const tails = new MemoryPart(account);
    const held = holdingStore(store, {
      clock,
      account,
      isCounted: (memory) => pool.isInUse(memory),
      makeRoom: (bytes) => pool.makeRoom(bytes),
    });
    const besides = (): number => filters.budgetBytes + tails.bytes + held.heldBytes;
    const cache = new PageCache({
      account,
      hold: (bytes, call) => held.during(bytes, call),
      parallel: reads.requestsParallel,
      // A quarter at most, and what the arenas in use and all else leave. Idle ones have gone when the pages were asked for.
      budgetBytes: Math.floor(budgetBytes / 4) - filters.budgetBytes,
      roomBytes: () => budgetBytes - besides() - pool.usage().usedBytes,
    });
    const free = Math.min(reads.readRoomBytes, Math.floor(budgetBytes / 4)) + filters.budgetBytes;
    pool.shareWith({
      reservedBytes: () => free + tails.bytes,
      bytes: () => cache.usage().bytes + besides(),
      trim: (bytes) => cache.trim(bytes - besides()),
    });
    this.#pool = pool;
    this.cache = cache;
    this.filters = filters;
    this.store = held;
    this.tails = tails;
  }

  usage(): MemoryUsage {
    const { usedBytes, idleBytes, budgetBytes } = this.#pool.usage();
    const { bytes: totalBytes, peakBytes } = this.#pool.account;
    return {
      budgetBytes,
      totalBytes,
      peakBytes,
      arenaBytes: usedBytes,
      idleArenaBytes: idleBytes,
      pageCacheBytes: this.cache.usage().bytes,
      filterCacheBytes: this.filters.bytes,
      tailBytes: this.tails.bytes,
      inFlightBytes: this.store.heldBytes,
    };
  }
}
