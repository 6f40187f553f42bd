/**
 * What reads need of a segment's file and of its index: the narrow side of core/segment and core/index.
 */
import type { Awaitable } from '../../base/awaitable.js';
import type { GraphSource } from '../../index/index.js';
import type { Arena } from '../../kernel/index.js';
import type { SegmentEntry } from '../../log/index.js';

export interface SegmentFile {
  readonly rows: number;
  /** Bytes of an arena's payload that the index and its scratch take. */
  readonly arenaBytes: number;
  /** The recall curve as it lies in the file: to be checked. */
  readonly curve: unknown;
  mayHoldId(id: string): boolean;
  /** Positions in id order; ids that are not there are left out. */
  findRanks(ids: readonly string[]): Awaitable<ReadonlyMap<string, number>>;
  idsOfRanks(ranks: Uint32Array): Awaitable<readonly string[]>;
  rowsOfRanks(ranks: Uint32Array): Awaitable<Uint32Array>;
  ranksOfRows(rows: Uint32Array): Awaitable<Uint32Array>;
  /** JSON texts, '' where a record has no metadata. */
  documents(rows: Uint32Array): Awaitable<readonly string[]>;
  /** Raw vectors one behind the other. */
  vectors(rows: Uint32Array): Awaitable<Float32Array>;
  seqs(rows: Uint32Array): Awaitable<ArrayLike<number>>;
  /** Up to `count` ids after `after` in id order, and the rank of the first. */
  idsFrom(
    after: string,
    count: number,
  ): Awaitable<{ readonly firstRank: number; readonly ids: readonly string[] }>;
  rawChunks(
    maxBytes: number,
    fromRow?: number,
  ): AsyncIterable<{ readonly firstRow: number; readonly vectors: Float32Array }>;
  /** Reads the index into an arena. */
  loadIndex(arena: Arena): Promise<SegmentIndex>;
}

export interface IndexQuery {
  readonly query: Float32Array;
  readonly limit: number;
  /** Bitmap of the rows that may be answered; absent: every row. */
  readonly allowed: Uint8Array | undefined;
}

/** Rows by approximate distance, nearest first, and how many were compared. */
export interface IndexHits {
  readonly rows: Uint32Array;
  readonly distances: Float32Array;
  readonly visited: number;
}

export interface SegmentIndex {
  walk(query: IndexQuery & { readonly ef: number }): IndexHits;
  scan(query: IndexQuery): IndexHits;
  /** What a compaction takes over; undefined where there is none. Valid until the next tick. */
  graph(): GraphSource | undefined;
}

/** Rows that a later head took out of a segment. */
export interface SegmentDeletions {
  readonly dead: Uint8Array;
  /** Rows that were soft-deleted, ascending, with the sequence and the label of that slot. */
  readonly hiddenRows: Uint32Array;
  readonly hiddenSeqs: Float64Array;
  readonly hiddenMs: Float64Array;
}

/** Rows that expire, in the order of their time. */
export interface Expiries {
  readonly rows: Uint32Array;
  readonly ms: Float64Array;
}

export const NO_EXPIRIES: Expiries = { rows: new Uint32Array(), ms: new Float64Array() };

/** A segment as a head names it, open: the file may be shared with other heads, the deletions are this one's. */
export interface LiveSegment {
  readonly entry: SegmentEntry;
  readonly file: SegmentFile;
  readonly deletions: SegmentDeletions | undefined;
  readonly expiries: Expiries;
}
