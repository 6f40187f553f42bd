/**
 * What searches of indexes in memory need of threads, where a host has them (core/threads). Without, all is searched where it is
 * asked for.
 */
import type { DirectoryOptions } from '../../index/index.js';
import type { Arena } from '../../kernel/index.js';
import type { PageReading } from '../../store/index.js';
import type { Compared } from './probe-curve.js';
import type { Effort } from './recall-curve.js';

export interface IndexSearch {
  readonly query: Float32Array;
  readonly k: number;
  readonly effort: Exclude<Effort, { kind: 'exact' }>;
  /** Bitmap of the rows that may be answered; undefined: all. */
  readonly allowed: Uint8Array | undefined;
  /** Of them. */
  readonly count: number;
}

/** Candidates of which no distance is known, but about what they are. */
export interface Estimated {
  /** Ascending, in one unit for all segments of a collection. */
  readonly distances: Float64Array;
  /** In that unit. */
  readonly compared: Compared;
}

/** Rows in the order that the index says, and their ranks. */
export interface Candidates {
  readonly rows: Uint32Array;
  readonly ranks: Uint32Array;
  /** The kernels' own, where no raw row is needed for them. */
  readonly distances?: Float32Array | undefined;
  readonly visited: number;
  /** How raw rows are read. */
  readonly reading?: PageReading;
  /** Of what was probed. */
  readonly estimated?: Estimated;
  /** Of one of the rows, where no page of ids is needed for it. */
  readonly idOf?: (row: number) => string;
}

/** An index in an arena, as other threads find it there. */
export interface SharedIndex {
  readonly arena: Arena;
  readonly directory: DirectoryOptions;
  /** Address of the ranks of its rows. */
  readonly ranks: number;
}

export interface SearchThreads {
  /** Threads beside the caller's own. */
  readonly count: number;
  /** Lets the threads search an index. Requires: scratch for each of them behind it. */
  attach(index: SharedIndex): ThreadedIndex;
  /** For the searches of one query. */
  group(): SearchGroup;
}

/** What one query begins. */
export interface SearchGroup {
  /** Nothing that it has begun is still to be found. */
  readonly isFound: boolean;
  /** Runs `end` in a later turn of the event loop: of queries that wait for theirs, those first of which all is found. It throws nothing. */
  endLater(end: () => void): void;
}

export interface BegunSearch {
  /** As whoever had the time has found them: the caller's own thread, in this step, where no other had. Throws what `here` throws. */
  candidates(): Candidates;
}

export interface ThreadedIndex {
  /**
   * Lets whatever thread is free search: the caller's own, by `here`, for one. Requires: what is asked stays as it is until the
   * answer is there.
   */
  begin(wanted: IndexSearch, here: () => Candidates, group?: SearchGroup): BegunSearch;
  /**
   * Ends what is under way: what nobody has begun is done here and now. Calls `free` once no thread looks at the index any more, in
   * this step where that can be, and answers whether it was.
   */
  detach(free: () => void): boolean;
}
