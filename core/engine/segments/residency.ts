/**
 * Which indexes lie in WebAssembly memory. One per database: all collections share the pool, and where it refuses, the
 * indexes used longest ago make room.
 *
 * An index may go at every tick, so nobody holds one across an `await`: it is used in the step in which it is found.
 */
import { assertInternal, CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { Sleep } from '../../base/ports.js';
import { arenaClasses } from '../../kernel/index.js';
import type { Arena, ArenaClass, ArenaPool } from '../../kernel/index.js';
import type { SegmentFile, SegmentIndex } from './segment-file.js';

interface Resident {
  readonly arena: Arena;
  readonly index: SegmentIndex;
}

export interface ResidencyOptions {
  readonly pool: ArenaPool;
  readonly sleep: Sleep;
  /** Let several requests wait for one load. Off where a promise must not cross requests (Workers). */
  readonly shareLoads: boolean;
}

export class Residency {
  readonly #options: ResidencyOptions;
  /** Walks from the one used longest ago. */
  readonly #resident = new Map<SegmentFile, Resident>();
  readonly #loading = new Map<SegmentFile, Promise<void>>();
  #loads = 0;

  constructor(options: ResidencyOptions) {
    this.#options = options;
  }

  /** Bytes of arenas that hold indexes. */
  get bytes(): number {
    let bytes = 0;
    for (const { arena } of this.#resident.values()) bytes += arena.bytes;
    return bytes;
  }

  isResident(file: SegmentFile): boolean {
    return this.#resident.has(file);
  }

  /** The index where it is in memory. To be used before the next tick. */
  tryIndex(file: SegmentFile): SegmentIndex | undefined {
    const resident = this.#resident.get(file);
    if (resident === undefined) return undefined;
    this.#resident.delete(file);
    this.#resident.set(file, resident);
    return resident.index;
  }

  /**
   * Runs `use` on the index, which is read into memory where it is not there. `use` is synchronous.
   * Throws `memory_budget_exceeded` where there is no room for it even alone.
   */
  async withIndex<T>(file: SegmentFile, use: (index: SegmentIndex) => T): Promise<T> {
    for (let round = 0; round < limits.freshenRounds; round++) {
      const index = this.tryIndex(file);
      if (index !== undefined) return use(index);
      if (!this.#options.shareLoads) {
        const loaded = await this.#load(file, use);
        if (loaded !== undefined) return loaded.answer;
      } else await this.#sharedLoad(file);
    }
    throw new CairnError(
      'unavailable',
      'read_contended',
      'an index left memory each time before it was used',
      {
        retryAfterS: 1,
      },
    );
  }

  /** Gives back the memory of the index used longest ago. False where there is none. */
  evictOldest(): boolean {
    for (const file of this.#resident.keys()) {
      this.evict(file);
      return true;
    }
    return false;
  }

  evict(file: SegmentFile): void {
    const resident = this.#resident.get(file);
    if (resident === undefined) return;
    this.#resident.delete(file);
    this.#options.pool.release(resident.arena);
  }

  async #sharedLoad(file: SegmentFile): Promise<void> {
    const known = this.#loading.get(file);
    if (known !== undefined) return await known;
    const load = this.#load(file, () => {}).then(() => {});
    this.#loading.set(file, load);
    try {
      await load;
    } finally {
      this.#loading.delete(file);
    }
  }

  /** Undefined where another load was faster. */
  async #load<T>(
    file: SegmentFile,
    use: (index: SegmentIndex) => T,
  ): Promise<{ readonly answer: T } | undefined> {
    const arena = await this.#acquire(file);
    if (arena === undefined) return undefined;
    this.#loads++;
    try {
      const index = await file.loadIndex(arena);
      if (this.#resident.has(file)) {
        this.#options.pool.release(arena);
        return undefined;
      }
      this.#resident.set(file, { arena, index });
      return { answer: use(index) };
    } catch (error) {
      if (this.#resident.get(file)?.arena !== arena) this.#options.pool.release(arena);
      throw error;
    } finally {
      this.#loads--;
    }
  }

  /** Undefined where the index came into memory meanwhile. */
  async #acquire(file: SegmentFile): Promise<Arena | undefined> {
    const arenaClass = arenaClasses.find((candidate) => candidate >= file.arenaBytes);
    assertInternal(arenaClass !== undefined, `an index of ${file.arenaBytes} bytes fits no arena`);
    for (let wait = 0; ; wait++) {
      const arena = this.#tryAcquire(arenaClass, wait === limits.indexRoomWaits);
      if (arena !== undefined) return arena;
      // The room is taken by loads under way: each ends, and its index can then be evicted.
      await this.#options.sleep(limits.indexRoomWaitMs);
      if (this.#resident.has(file)) return undefined;
    }
  }

  #tryAcquire(arenaClass: ArenaClass, last: boolean): Arena | undefined {
    for (;;) {
      try {
        return this.#options.pool.acquire(arenaClass);
      } catch (error) {
        if (!isOverBudget(error)) throw error;
        if (this.evictOldest()) continue;
        if (last || this.#loads === 0) throw error;
        return undefined;
      }
    }
  }
}

function isOverBudget(error: unknown): boolean {
  return error instanceof CairnError && error.code === 'memory_budget_exceeded';
}
