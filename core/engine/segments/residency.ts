/**
 * Which indexes lie in WebAssembly memory. One per database: all collections share the pool, and where it refuses, the
 * indexes used longest ago make room.
 *
 * An index may go at every tick, so nobody holds one across an `await`: it is used in the step in which it is found. One for
 * which there is no room, even once all others have left, is not loaded: it is streamed (streamed-scan.ts).
 */
import { CairnError, hasCode } from '../../base/errors.js';
import { limits, tierLimits } from '../../base/limits.js';
import type { TierLimits } from '../../base/limits.js';
import type { Clock, Sleep } from '../../base/ports.js';
import { acquireBytes } from '../../index/index.js';
import type { Hits, ScanRequest } from '../../index/index.js';
import { arenaBytes, arenaClassFor } from '../../kernel/index.js';
import type { Arena, ArenaPool } from '../../kernel/index.js';
import { LoadRoom } from '../../segment/index.js';
import type { ResidentLoad } from '../../segment/index.js';
import { attachIndex, beginLoad, indexBytes } from './index-loader.js';
import type { LoadedIndex } from './index-loader.js';
import type { SearchThreads } from './search-threads.js';
import { withRoom } from './room.js';
import type { SegmentFile } from './segment-file.js';
import { scanStreamed, streamBytes } from './streamed-scan.js';

interface Resident {
  readonly arena: Arena;
  readonly loaded: LoadedIndex;
}

/** Requests that need one index load it together: each goes on where the others stand. */
interface Loading {
  readonly arena: Arena;
  readonly load: ResidentLoad;
  users: number;
  /** The one fetching that all wait for, where a promise may be shared. */
  shared: Promise<void> | undefined;
}

/** An index that passes through an arena. */
interface Stream {
  readonly arena: Arena;
  /** When it went on last. */
  heardMs: number;
  lost: boolean;
}

/** What is read beside an index that is not in memory: ids, for who will name the rows that it finds. */
export type Beside = 'ids' | 'nothing';

export type LoadReads = Pick<TierLimits, 'requestsParallel' | 'idsAheadBytes'>;

export interface ResidencyOptions {
  readonly pool: ArenaPool;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly sleep: Sleep;
  /** Let several requests wait for one load. Off where a promise must not cross requests (Workers). */
  readonly shareLoads: boolean;
  /** As the handler's tier has them. */
  readonly reads: LoadReads;
  /** That search indexes in memory beside the caller's own. */
  readonly threads?: SearchThreads | undefined;
}

export class Residency {
  readonly #options: ResidencyOptions;
  /** Of loads that several requests take part in. */
  readonly #loadRoom: LoadRoom;
  /** Walks from the one used longest ago. */
  readonly #resident = new Map<SegmentFile, Resident>();
  /** The one used last: it is at its place in the order. */
  #newest: SegmentFile | undefined;
  readonly #loading = new Map<SegmentFile, Loading>();
  readonly #streams = new Set<Stream>();
  /** Of indexes that are none any more, but at which a thread still looks. */
  readonly #leaving = new Set<Arena>();
  #othersMayLeave: () => boolean = () => false;

  constructor(options: ResidencyOptions) {
    const { pool, clock, sleep } = options;
    this.#options = options;
    // What an edge handler keeps free for reads on their way (shared-memory.ts).
    const bytes = Math.min(tierLimits.edge.readRoomBytes, Math.floor(pool.budgetBytes / 4));
    this.#loadRoom = new LoadRoom({ bytes, clock, sleep });
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

  /**
   * `may`: whether somebody holds memory who gives it back where a call fails with `memory_budget_exceeded`. While that is so, an
   * index that lacks only this memory is not streamed.
   */
  askBefore(may: () => boolean): void {
    this.#othersMayLeave = may;
  }

  /** Of a load that found no room: whether it may find some where it is tried again, and not for loads of others to end. */
  get mayGainRoom(): boolean {
    return this.#loading.size === 0 && this.#othersMayLeave();
  }

  /**
   * Whether the index is too large for the room that there is when all other indexes have left: for the budget less kernels'
   * scratch and the logs in memory. Decided by what it says of itself, before anything is allocated.
   */
  mustStream(file: SegmentFile): boolean {
    if (this.#resident.has(file) || this.#loading.has(file)) return false;
    const { pool } = this.#options;
    const arenaClass = arenaClassFor(this.#bytesOf(file));
    if (arenaClass === undefined || arenaBytes(arenaClass) > pool.roomBytes) return true;
    let staying = pool.usage().usedBytes - this.bytes;
    for (const { arena } of this.#loading.values()) staying -= arena.bytes;
    for (const { arena } of this.#streams) staying -= arena.bytes;
    for (const { bytes } of this.#leaving) staying -= bytes;
    return arenaBytes(arenaClass) + staying > pool.roomBytes && !this.#othersMayLeave();
  }

  /**
   * What `SearchIndex.scan` answers, of an index that is not in memory: its rows pass through an arena of `limits.streamBytes`, or of a
   * quarter of the budget. Throws `memory_budget_exceeded` where there is no room for that. Cost: requests of up to 4 MiB for all codes
   * that count, and as many for their terms.
   */
  async stream(file: SegmentFile, request: ScanRequest): Promise<Hits> {
    const { pool, clock, reads } = this.#options;
    const wanted = Math.min(limits.streamBytes, pool.budgetBytes / 4);
    const begun = await this.#acquire(
      streamBytes(file, request, wanted),
      () => false,
      (arena): Stream => {
        const stream = { arena, heardMs: clock.monotonicMs(), lost: false };
        this.#streams.add(stream);
        return stream;
      },
    );
    const stream = begun!;
    const goOn = (): void => {
      if (stream.lost) throw contended('the memory that an index was streamed through was taken away');
      stream.heardMs = clock.monotonicMs();
    };
    try {
      return await scanStreamed(stream.arena, { file, request, parallel: reads.requestsParallel, goOn });
    } finally {
      this.#endStream(stream);
    }
  }

  /** The index where it is in memory. To be used before the next tick. */
  tryIndex(file: SegmentFile): LoadedIndex | undefined {
    const resident = this.#resident.get(file);
    if (resident === undefined) return undefined;
    if (this.#newest !== file) {
      this.#resident.delete(file);
      this.#resident.set(file, resident);
      this.#newest = file;
    }
    return resident.loaded;
  }

  /**
   * Runs `use` on the index, which is read into memory where it is not there. `use` is synchronous.
   * Throws `memory_budget_exceeded` where there is no room for it even alone.
   */
  async withIndex<T>(file: SegmentFile, beside: Beside, use: (index: LoadedIndex) => T): Promise<T> {
    for (let round = 0; round < limits.freshenRounds; round++) {
      const index = this.tryIndex(file);
      if (index !== undefined) return use(index);
      await this.#load(file, beside);
    }
    throw contended('an index left memory each time before it was used');
  }

  /** Memory for what is done in this step: indexes make room, the one used longest ago first. Throws `memory_budget_exceeded`. */
  inRoom<T>(use: (pool: ArenaPool) => T): T {
    return withRoom(
      () => this.evictOldest(),
      () => use(this.#options.pool),
    );
  }

  /** Bytes of the budget; of reads on their way it may be a part. */
  get budgetBytes(): number {
    return this.#options.pool.budgetBytes;
  }

  /**
   * Runs a read of so many bytes when there is room for them beside what others have on their way. Throws `unavailable`
   * (`read_contended`) where none came in 10 s.
   */
  async inReadRoom<T>(bytes: number, read: () => T): Promise<Awaited<T>> {
    for (let looks = 0; looks < limits.placeLooks; looks++) {
      const taken = this.#loadRoom.tryTake(bytes);
      if (taken === undefined) {
        await this.#loadRoom.lookLater();
        continue;
      }
      try {
        return await read();
      } finally {
        this.#loadRoom.give(taken);
      }
    }
    throw contended('no room for what leaves are read through was given back');
  }

  /** Reads an index that nobody waits for, where there is room for it and none that is in memory has to leave. */
  async warm(file: SegmentFile): Promise<void> {
    const { pool, threads } = this.#options;
    const arenaClass = arenaClassFor(indexBytes(file, threads?.count));
    if (arenaClass === undefined || this.#resident.has(file) || this.#loading.has(file)) return;
    if (arenaBytes(arenaClass) + pool.usage().usedBytes > pool.roomBytes) return;
    await this.#load(file, 'ids');
  }

  /** Ends loads that nobody waits for: what is on its way arrives, and is not used. Requires: no call under way. */
  endLoads(): void {
    for (const { load } of this.#loading.values()) load.abandon();
  }

  /** Gives back the memory of the index used longest ago, of those that can be left. False where there is none. */
  evictOldest(): boolean {
    for (const file of this.#resident.keys()) if (this.evict(file)) return true;
    return false;
  }

  /** False where no memory came back: there was none, or a thread still looks at it, and it will come back when that has ended. */
  evict(file: SegmentFile): boolean {
    const resident = this.#resident.get(file);
    if (resident === undefined) return false;
    this.#resident.delete(file);
    const { arena, loaded } = resident;
    const { pool } = this.#options;
    this.#leaving.add(arena);
    const free = (): void => {
      this.#leaving.delete(arena);
      pool.release(arena);
    };
    if (loaded.threaded !== undefined) return loaded.threaded.detach(free);
    free();
    return true;
  }

  #bytesOf(file: SegmentFile): number {
    return indexBytes(file, this.#options.threads?.count);
  }

  async #load(file: SegmentFile, beside: Beside): Promise<void> {
    const loading = this.#loading.get(file) ?? (await this.#begin(file));
    if (loading === undefined) return;
    loading.users++;
    try {
      if (this.#options.shareLoads) await (loading.shared ??= this.#fetch(file, loading, beside));
      else await this.#fetch(file, loading, beside);
      this.#finish(file, loading);
    } catch (error) {
      // Whoever comes next goes on where this stopped, and does not hear of its failure.
      loading.shared = undefined;
      throw error;
    } finally {
      loading.users--;
      if (loading.users === 0 && this.#loading.get(file) === loading) this.#abandon(file, loading);
    }
  }

  async #fetch(file: SegmentFile, { load }: Loading, beside: Beside): Promise<void> {
    // Beside it, and no part of it: whoever needs an id that could not be read asks again, and is told.
    const { idsAheadBytes } = this.#options.reads;
    const ids = beside === 'ids' ? file.readIdsAhead(idsAheadBytes).catch(() => {}) : undefined;
    await load.fetchMissing();
    await ids;
  }

  /** Undefined where the index came into memory meanwhile. */
  async #begin(file: SegmentFile): Promise<Loading | undefined> {
    const isBegun = (): boolean => this.#loading.has(file) || this.#resident.has(file);
    const begun = await this.#acquire(this.#bytesOf(file), isBegun, (arena) => {
      // Where one load is shared by all, it has settled before its arena goes.
      const { shareLoads: alone, reads } = this.#options;
      // Each request of a load that others take part in has a buffer of its own.
      const most = alone ? Infinity : tierLimits.edge.requestsParallel;
      const parallel = Math.min(most, reads.requestsParallel);
      const load = beginLoad(file, arena, { alone, room: this.#loadRoom, parallel });
      const loading = { arena, load, users: 0, shared: undefined };
      this.#loading.set(file, loading);
      return loading;
    });
    return begun ?? this.#loading.get(file);
  }

  /**
   * Has `take` make something of an arena in the step in which it is acquired. Undefined where nothing is needed any more. Throws
   * `memory_budget_exceeded` where no room was made in 10 s.
   */
  async #acquire<T>(
    bytes: number,
    isNeedless: () => boolean,
    take: (arena: Arena) => T,
  ): Promise<T | undefined> {
    for (let wait = 0; ; wait++) {
      if (isNeedless()) return undefined;
      const arena = this.#tryAcquire(bytes, wait === limits.indexRoomWaits);
      if (arena !== undefined) return take(arena);
      this.#endLostStreams();
      // The room is taken by loads under way, whose indexes can be evicted once they have ended, and by streams.
      await this.#options.sleep(limits.indexRoomWaitMs);
    }
  }

  #endStream(stream: Stream): void {
    if (this.#streams.delete(stream)) this.#options.pool.release(stream.arena);
  }

  /** Where requests share nothing the host may end one in the middle (Workers), and what it holds stays held. */
  #endLostStreams(): void {
    const { shareLoads, clock } = this.#options;
    if (shareLoads) return;
    const lost = clock.monotonicMs() - limits.streamLostMs;
    for (const stream of this.#streams) {
      if (stream.heardMs > lost) continue;
      stream.lost = true;
      this.#endStream(stream);
    }
  }

  #tryAcquire(bytes: number, last: boolean): Arena | undefined {
    for (;;) {
      try {
        return acquireBytes(this.#options.pool, bytes);
      } catch (error) {
        if (!hasCode(error, 'memory_budget_exceeded')) throw error;
        if (this.evictOldest()) continue;
        if (last || this.#loading.size + this.#streams.size + this.#leaving.size === 0) throw error;
        return undefined;
      }
    }
  }

  #finish(file: SegmentFile, loading: Loading): void {
    const { arena, load } = loading;
    if (!load.complete || this.#loading.get(file) !== loading) return;
    const loaded = attachIndex(file, arena, this.#options.threads);
    this.#loading.delete(file);
    this.#resident.set(file, { arena, loaded });
    this.#newest = file;
  }

  #abandon(file: SegmentFile, { arena, load }: Loading): void {
    load.abandon();
    this.#loading.delete(file);
    this.#options.pool.release(arena);
  }
}

function contended(message: string): CairnError {
  return new CairnError('unavailable', 'read_contended', message, { retryAfterS: 1 });
}
