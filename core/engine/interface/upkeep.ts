/** What collections tell of themselves, and what keeps them in shape. */
import type { ResolvedSettings } from './settings.js';

/** What a list tells of a collection: no more than its head does, so that listing loads none. */
export interface CollectionSummary extends ResolvedSettings {
  readonly name: string;
  /** For how many hours superseded states are kept. */
  readonly retentionHours: number;
  readonly createdAt: string;
}

/** A collection whose head cannot be read. The others of a list go on. */
export interface UnreadableCollection {
  readonly name: string;
  readonly error: { readonly code: string; readonly message: string };
}

export interface CollectionDescription extends CollectionSummary {
  readonly sequence: number;
  /** Visible records. */
  readonly count: number;
  readonly segments: number;
}

export interface SegmentStats {
  readonly key: string;
  readonly bytes: number;
  /** Rows in the file, and those that still count. */
  readonly rows: number;
  readonly live: number;
  /** What its index takes in memory, whether it has a graph, and whether it is in memory here. */
  readonly residentBytes: number;
  readonly graph: boolean;
  readonly loaded: boolean;
}

export interface CollectionStats {
  readonly name: string;
  readonly sequence: number;
  readonly records: {
    readonly visible: number;
    readonly softDeleted: number;
    readonly expired: number;
  };
  readonly log: {
    /** Slots and bytes that no segment holds yet, and the tier's limits for them. */
    readonly slots: number;
    readonly bytes: number;
    readonly slotsMax: number;
    readonly bytesMax: number;
    readonly foldedSequence: number;
  };
  readonly memory: {
    /** WebAssembly memory held for the unfolded log, versions of records in it, and those replaced or deleted. */
    readonly vectorBytes: number;
    readonly rows: number;
    readonly deadRows: number;
    /** WebAssembly memory of indexes, and pages of segments, over all collections of the process. */
    readonly segmentBytes: number;
    readonly pageCacheBytes: number;
  };
  readonly segments: readonly SegmentStats[];
  /** How many of them are too large for this handler's memory: queries read them from the store each time. */
  readonly segmentsStreamed: number;
  readonly head: { readonly version: number; readonly gcFloor: number };
}

/** Bytes of memory that a database holds under its budget. What it does not count: docs/CONFIGURATION.md. */
export interface MemoryUsage {
  /** What `memoryBudgetBytes` allows. */
  readonly budgetBytes: number;
  /** Of all below together, and the most of it since the database was opened. */
  readonly totalBytes: number;
  readonly peakBytes: number;
  /** WebAssembly memories in use: indexes, unfolded logs, scratch; and those that wait for reuse. */
  readonly arenaBytes: number;
  readonly idleArenaBytes: number;
  /** Pages of segments, and what filters were found to select. */
  readonly pageCacheBytes: number;
  readonly filterCacheBytes: number;
  /** Directories and small indexes of open segments. */
  readonly tailBytes: number;
  /** Asked for by reads under way that do not arrive in one of these memories, and sent by writes. */
  readonly inFlightBytes: number;
}

export interface CompactResult {
  /** Log slots folded into segments, and segments written and merged by this call. */
  readonly foldedSlots: number;
  readonly segmentsWritten: number;
  readonly segmentsMerged: number;
  /** Rows that were read, live and dead; those of them that were written, and that are gone for good. */
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsDropped: number;
  /** Of all objects written. */
  readonly bytesWritten: number;
  readonly sequence: number;
  /** True where the work that one invocation may do was done before there was none left: call again. */
  readonly more: boolean;
  /** True where what is left is more than this handler may hold, and one of a larger tier has to do it. */
  readonly tooLarge: boolean;
}

export interface CompactOptions {
  /** Ends the compaction early. What it had not committed is done again by the next one. */
  readonly signal?: AbortSignal;
  /**
   * Only fold the log, into a segment without a graph, and merge nothing: soon done. Writers do it by themselves at half of
   * the log's limit. Default false.
   */
  readonly minor?: boolean;
}

/** One compaction that another thread or process is to do. */
export interface CompactionRequest {
  readonly collection: string;
  readonly minor: boolean;
  /** Aborted where nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/**
 * Compacts in place of the database that it is given to: has `compact` called on another one that has the same store open,
 * answers what that answered and throws what that threw.
 */
export type Compactor = (request: CompactionRequest) => Promise<CompactResult>;

export interface ListInput {
  readonly prefix?: string;
  /** Default 100, at most 1,000. */
  readonly limit?: number;
  /** `next` of an earlier answer. */
  readonly cursor?: string;
}

export interface ListResult {
  readonly collections: readonly (CollectionSummary | UnreadableCollection)[];
  /** The cursor of the next page. Absent at the end. */
  readonly next?: string;
}

export interface CollectResult {
  /** Objects deleted, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** Dropped collections whose objects were deleted. */
  readonly collections: number;
}

export interface MaintainOptions {
  /** Ends the run early. What it had not committed is done again by the next one. */
  readonly signal?: AbortSignal;
  /**
   * Sleep for the minute between fencing what is to be deleted and deleting it. Default true. False: a later call on this
   * database deletes it, for callers that come again at intervals.
   */
  readonly wait?: boolean;
}

export interface MaintainResult {
  /** Collections looked at, and those of them that were compacted. */
  readonly collections: number;
  readonly compacted: number;
  /** Of all compactions together, as `compact` tells them. */
  readonly foldedSlots: number;
  readonly segmentsWritten: number;
  readonly segmentsMerged: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
  /** Objects deleted, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** Compactions whose process has died, and whose inputs are free again. */
  readonly abandonedJobs: number;
  /** True where this was the pass of the day over all collections, hinted or not. */
  readonly pass: boolean;
  /** True where work is left: the budget was spent, the run was ended, or a fence is waited for. */
  readonly more: boolean;
  /**
   * Collections (uids) of which something is left that this handler is too small for, `collection_too_large_for_handler`: one of a
   * larger tier has to compact them.
   */
  readonly left: readonly { readonly collection: string; readonly reason: string }[];
  /** What failed for one collection (its uid) and did not stop the others. */
  readonly failures: readonly {
    readonly collection: string;
    readonly code: string;
    readonly message: string;
  }[];
}
