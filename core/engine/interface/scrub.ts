/** What a check of a store looks at, and how it tells what it finds. */

export interface ScrubOptions {
  /** The name of one collection. Default: all of the store. */
  readonly collection?: string;
  /** Mend what can be mended without a guess (docs/SCRUB.md). Default false: nothing is written. */
  readonly repair?: boolean;
  /** Ends the check early, with what it has found so far. */
  readonly signal?: AbortSignal;
}

/** Something is lost, damaged or contradicts something else. */
export type ScrubErrorCode =
  | 'entry_corrupt'
  | 'entry_missing'
  | 'entry_without_head'
  | 'entry_mismatch'
  | 'head_missing'
  | 'head_corrupt'
  | 'head_lineage'
  | 'head_copy_missing'
  | 'head_copy_corrupt'
  | 'branch_unlisted'
  | 'slot_missing'
  | 'slot_corrupt'
  | 'chain_broken'
  | 'restore_unkept'
  | 'label_back'
  | 'batch_missing'
  | 'batch_corrupt'
  | 'window_missing'
  | 'window_corrupt'
  | 'window_mismatch'
  | 'segment_missing'
  | 'segment_corrupt'
  | 'segment_mismatch'
  | 'deletions_missing'
  | 'deletions_corrupt'
  | 'deletions_mismatch'
  | 'vector_invalid'
  | 'document_invalid'
  | 'ids_invalid'
  | 'sequence_invalid'
  | 'columns_mismatch'
  | 'leaves_mismatch'
  | 'index_invalid'
  | 'id_twice';

/** Worth knowing, and nothing is wrong with any record. */
export type ScrubNoticeCode =
  | 'entry_of_dropped'
  | 'head_unnamed'
  | 'branch_unborn'
  | 'inbox_corrupt'
  | 'garbage'
  | 'unknown_key'
  | 'root_unusable'
  | 'index_unchecked'
  | 'columns_unchecked';

export interface ScrubFinding {
  readonly code: ScrubErrorCode | ScrubNoticeCode;
  readonly severity: 'error' | 'notice';
  /** Of the object, or of the one that should be there. A prefix where it is about all below it. */
  readonly key: string;
  readonly message: string;
  /** Where in the object, in bytes. */
  readonly offset?: number;
  /** True where it was mended by this call. */
  readonly repaired?: boolean;
}

/** Findings of one place. All are counted; of each severity the first 100 are kept. */
export interface ScrubFindings {
  readonly errors: number;
  readonly notices: number;
  readonly findings: readonly ScrubFinding[];
}

/** Objects, and their bytes. */
export interface ObjectTotals {
  readonly objects: number;
  readonly bytes: number;
}

export interface ScrubbedCollection extends ScrubFindings {
  readonly uid: string;
  /** As its head says; null where that cannot be read. */
  readonly name: string | null;
  readonly state: 'active' | 'dropped' | 'unreadable';
  /** What lies under its prefix, and what of that was looked at from the first byte to the last. */
  readonly stored: ObjectTotals;
  readonly checked: ObjectTotals;
  /** What nothing names and `collect` would delete; and what nothing names, but a writer or a compaction at work may need. */
  readonly garbage: ObjectTotals;
  readonly pending: ObjectTotals;
}

export interface ScrubResult extends ScrubFindings {
  /** `errors`, `notices` and `findings` beside are those of the catalog and of keys outside of collections. */
  readonly collections: readonly ScrubbedCollection[];
  /** Over all: what the catalog and the collections count. */
  readonly errorsTotal: number;
  readonly noticesTotal: number;
  /** Findings that are in no list because there are too many. */
  readonly leftOut: number;
  /** Requests to the store, and bytes of bodies. */
  readonly requests: number;
  readonly bytesRead: number;
  /** False where it was ended before it was through. */
  readonly complete: boolean;
}
