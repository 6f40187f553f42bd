/**
 * The public vocabulary of collections: what goes in and what comes out. The HTTP interface carries the same names in
 * snake_case. Shapes only; the checks live in `input/`, the meaning in `reads/` and `writes/`.
 */
import type { Tier } from '../../base/limits.js';
import type { Metric } from '../../kernel/index.js';
import type { CollectionSchema, Quantization } from '../../log/index.js';
import type { StoreUsage } from '../../store/index.js';

/** A JSON value as metadata holds it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** One vector: numbers, 32-bit floats, or base64 of little-endian 32-bit floats. Length = the collection's dimension. */
export type VectorInput = Float32Array | readonly number[] | string;

export interface FieldDeclaration {
  /** False keeps the field out of the filter indexes. It can still be filtered, by reading documents. Default true. */
  readonly filterable?: boolean;
}

export interface CollectionSettings {
  /** Numbers per vector, 1 to 20,000. */
  readonly dimension: number;
  /** Default `cosine`. */
  readonly metric?: Metric;
  /** Sizes that every writer and compactor keeps to. Default: the creating handler's own. */
  readonly tier?: Tier;
  readonly index?: {
    /** HNSW out-degree above level 0. Default 16, 4 to 64. */
    readonly m?: number;
    /** HNSW candidate list while building. Default 128, 16 to 1,000. */
    readonly efConstruction?: number;
  };
  /** How segments code vectors. Default `sq8`. */
  readonly quantization?: Quantization;
  readonly fields?: Readonly<Record<string, FieldDeclaration>>;
  /** Days after which a soft-deleted record is gone for good. Default 30, 0 to 3,650. */
  readonly softDeleteDays?: number;
}

/** Settings with every default filled in, as they are stored. */
export type ResolvedSettings = CollectionSchema;

export interface RecordInput {
  /** 1 to 512 bytes of UTF-8. Where absent, a UUID derived from the idempotency key and the row number. */
  readonly id?: string;
  readonly vector: VectorInput;
  /** At most 64 KiB as JSON. */
  readonly metadata?: JsonObject | null;
  /** RFC 3339 date-time after which the record is hidden and later dropped. */
  readonly expiresAt?: string | null;
}

export interface ColumnsInput {
  readonly ids?: readonly string[];
  /** `n x dimension` floats, row-major (array or one base64 string), or an array of n vectors. */
  readonly vectors: Float32Array | string | readonly VectorInput[];
  readonly metadata?: readonly (JsonObject | null)[];
  readonly expiresAt?: readonly (string | null)[];
}

export type UpsertInput = readonly RecordInput[] | ColumnsInput;

export interface WriteOptions {
  /** 1 to 255 printable ASCII characters. The same key and request give the first answer again; default: random. */
  readonly idempotencyKey?: string;
  /** The tail that a failed try of the same key reported (`details.first_tail`): makes a late retry safe. */
  readonly firstTail?: number;
  /** After this the call fails with `outcome_unknown` or `unavailable`. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface UpsertResult {
  /** Distinct ids named. */
  readonly upserted: number;
  readonly sequence: number;
  /** All ids in row order, where at least one was derived. */
  readonly ids?: readonly string[];
  /** Rows that a later row of the same batch replaced; absent where none. */
  readonly duplicates?: number;
}

export interface PatchRecord {
  readonly id: string;
  readonly vector?: VectorInput;
  /** Absent: left as it is. Null: taken away whole, in either mode. */
  readonly metadata?: JsonObject | null;
}
export type PatchMode = 'merge' | 'replace';
export type FilterInput = string | JsonObject;

/** Records by their ids, or one change of metadata for all that match a filter. */
export type PatchInput =
  | {
      readonly records: readonly PatchRecord[];
      /** `merge` (default): RFC 7396 merge patch, null removes a field. `replace`: the metadata given is the metadata. */
      readonly mode?: PatchMode;
    }
  | {
      readonly filter: FilterInput;
      /** Null: taken away whole, in either mode. */
      readonly metadata: JsonObject | null;
      readonly mode?: PatchMode;
    };
export interface PatchResult {
  /** By ids: distinct ids that were there. By filter: exactly the records that are now another than they were. */
  readonly patched: number;
  /** By ids: distinct ids of which there is no visible record. */
  readonly missing?: number;
  readonly sequence: number;
  /** By filter, where there are more records to change than one call takes (10,000, or 64 MiB of them): call again. */
  readonly more?: true;
}

export type DeleteInput =
  | { readonly ids: readonly string[]; readonly soft?: boolean }
  | { readonly filter: FilterInput; readonly soft?: boolean };
export interface DeleteResult {
  /** By ids: distinct ids named. By filter: exactly the rows deleted. */
  readonly deleted: number;
  readonly sequence: number;
  /** By filter, where more rows match than one call takes (10,000): call again. */
  readonly more?: true;
}

export interface RestoreInput {
  readonly ids: readonly string[];
}
export interface RestoreResult {
  readonly restored: number;
  /** Distinct ids of which there is no soft-deleted record. */
  readonly missing: number;
  readonly sequence: number;
}

/** One commit, done in the order of these fields. */
export interface WriteInput {
  readonly upsert?: UpsertInput;
  readonly patch?: PatchInput;
  readonly delete?: DeleteInput;
  /**
   * Refuse (`conflict`, `sequence_conflict`) where a named id changed after this sequence, or may have: of a record that is
   * not there a compaction forgets when it was deleted, so only 0 and sequences since the last fold tell there.
   */
  readonly ifSequence?: number;
}
export interface WriteResult {
  readonly upserted?: number;
  readonly ids?: readonly string[];
  readonly duplicates?: number;
  readonly patched?: number;
  readonly missing?: number;
  readonly deleted?: number;
  /** A filter of the patch or of the delete has more to do. */
  readonly more?: true;
  readonly sequence: number;
}

export type Consistency = 'strong' | 'eventual';

export interface ReadOptions {
  /** `strong` (default) sees every write acknowledged before the call; `eventual` is at most 10 s old. */
  readonly consistency?: Consistency;
  /** Default 30,000, at most 120,000. */
  readonly timeoutMs?: number;
}

/** At most 100 of `metadata`, `vector`, `expires_at`, or a metadata field as `metadata.path`. */
export type Include = readonly string[];

/**
 * A field that records are put in order by, as a dotted path. Types order as null < false < true < numbers < instants < other
 * strings (of which the first 1,024 bytes decide); of an array the smallest element counts, for `desc` the largest. Records
 * without such a value come last either way.
 */
export interface OrderBy {
  readonly field: string;
  /** Default `asc`. */
  readonly direction?: 'asc' | 'desc';
}

export interface QueryInput extends ReadOptions {
  /**
   * One of the three: a vector; the id of a stored record, whose vector is asked (that record is a match like any other);
   * or `orderBy`, then nothing is measured and the first k records in that order are the matches.
   */
  readonly vector?: VectorInput;
  readonly id?: string;
  /** 1 to 4 fields, the first one first; ties by id. */
  readonly orderBy?: readonly OrderBy[];
  /** Default 10, at most 10,000. */
  readonly k?: number;
  readonly filter?: FilterInput;
  /** Default `["metadata"]`. */
  readonly include?: Include;
  /** 0 < r <= 1, default 0.95. At most one of `targetRecall`, `ef`, `exact`. */
  readonly targetRecall?: number;
  /**
   * Candidates of the graph walk, 1 to 10,000. For k up to 10 that is what walks keep on average: where the neighbours stand out
   * a walk ends early, and among many alike it keeps up to twice as many.
   */
  readonly ef?: number;
  /** Compare with every record. */
  readonly exact?: boolean;
  /** For `cosine` and `dot`: only matches with at least this score. */
  readonly minScore?: number;
  /** For `euclidean` and `manhattan`: only matches at most this far. */
  readonly maxDistance?: number;
  /** Answer as of this sequence. */
  readonly asOf?: number;
  readonly includeDeleted?: boolean;
}

export interface RecordOutput {
  readonly id: string;
  readonly vector?: readonly number[];
  readonly metadata?: JsonObject;
  readonly expiresAt?: string;
  /** True where the record is soft-deleted (only with `includeDeleted`). */
  readonly deleted?: true;
}
export interface Match extends RecordOutput {
  /**
   * The metric's own value: cosine similarity, dot product (higher is nearer), Euclidean or Manhattan distance. Absent with
   * `orderBy`, where nothing was measured.
   */
  readonly score?: number;
}

export interface Usage {
  /** Requests to the store made for this call, and bytes of their answers. */
  readonly requests: number;
  readonly bytesRead: number;
  /** `cold` where this call had to load the collection. */
  readonly cache: 'cold' | 'warm';
  /** Segments searched. */
  readonly segments: number;
  /** Vectors compared, coded ones included. */
  readonly rowsScanned: number;
  /**
   * Milliseconds by the handler's monotonic clock: bringing the state up to date, finding candidates, and reading from
   * segments what decides between them and what is answered of them.
   */
  readonly ms: {
    readonly freshen: number;
    readonly search: number;
    readonly fetch: number;
    readonly total: number;
  };
}

export interface QueryResult {
  /** Nearest first, or in the order of `orderBy`; ties by id. At most k. */
  readonly matches: readonly Match[];
  /** The log position that this answer reflects. */
  readonly sequence: number;
  readonly usage: Usage;
}

export interface FetchInput extends ReadOptions {
  readonly ids: readonly string[];
  /** Default `["metadata", "vector"]`. */
  readonly include?: Include;
  readonly includeDeleted?: boolean;
}
export interface FetchResult {
  /** In the order of the ids asked; ids that are not there are left out. */
  readonly records: readonly RecordOutput[];
  readonly sequence: number;
}

export interface CountInput extends ReadOptions {
  readonly filter?: FilterInput;
  readonly includeDeleted?: boolean;
  /** At most 16 fields, as dotted paths, and how many values of each are wanted: 1 to 1,000. */
  readonly facets?: Readonly<Record<string, number>>;
}
export interface FacetValue {
  readonly value: string | number | boolean | null;
  /** Records that have it: each once, however often an array holds it. */
  readonly count: number;
}
export interface CountResult {
  readonly count: number;
  readonly sequence: number;
  /** With `facets`: of each field its most frequent values, ties by value. Exact. */
  readonly facets?: Readonly<Record<string, readonly FacetValue[]>>;
}

export interface ScanInput extends ReadOptions {
  readonly filter?: FilterInput;
  /** Default 100, at most 10,000. */
  readonly limit?: number;
  /** 1 to 4 fields, the first one first; ties by id. Default: the order of the ids. */
  readonly orderBy?: readonly OrderBy[];
  /** From an earlier answer in the same order. Stays valid for ever: it names the last record seen, by value and id. */
  readonly cursor?: string;
  /** Default `["metadata"]`. */
  readonly include?: Include;
  readonly includeDeleted?: boolean;
}
export interface ScanResult {
  /** In the order of `orderBy`, else of the ids' UTF-8 bytes. */
  readonly records: readonly RecordOutput[];
  /** Absent at the end. */
  readonly cursor?: string;
  readonly sequence: number;
}

/** What a list tells of a collection: no more than its head does, so that listing loads none. */
export interface CollectionSummary extends ResolvedSettings {
  readonly name: string;
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
  readonly head: { readonly version: number; readonly gcFloor: number };
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

export interface RecallInput extends ReadOptions {
  /** Queries to measure with; else stored records are sampled. */
  readonly vectors?: readonly VectorInput[];
  /** Sampled queries where no vectors are given. Default 20, at most 100. */
  readonly queries?: number;
  /** Default 10, at most 10,000. */
  readonly k?: number;
}
export interface RecallResult {
  /** Mean share of the exact k nearest that the query path finds. */
  readonly recall: number;
  readonly queries: number;
  readonly k: number;
  /** Where the queries came from. */
  readonly source: 'given' | 'stored_records';
}

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
  /** What failed for one collection (its uid) and did not stop the others. */
  readonly failures: readonly {
    readonly collection: string;
    readonly code: string;
    readonly message: string;
  }[];
}

/** One collection of an open database. Every method throws `CairnError`. */
export interface Collection {
  readonly name: string;
  upsert(input: UpsertInput, options?: WriteOptions): Promise<UpsertResult>;
  patch(input: PatchInput, options?: WriteOptions): Promise<PatchResult>;
  delete(input: DeleteInput, options?: WriteOptions): Promise<DeleteResult>;
  restore(input: RestoreInput, options?: WriteOptions): Promise<RestoreResult>;
  write(input: WriteInput, options?: WriteOptions): Promise<WriteResult>;
  query(input: QueryInput): Promise<QueryResult>;
  queryMany(queries: readonly QueryInput[]): Promise<readonly QueryResult[]>;
  fetch(input: FetchInput): Promise<FetchResult>;
  count(input?: CountInput): Promise<CountResult>;
  scan(input?: ScanInput): Promise<ScanResult>;
  describe(options?: ReadOptions): Promise<CollectionDescription>;
  stats(options?: ReadOptions): Promise<CollectionStats>;
  compact(options?: CompactOptions): Promise<CompactResult>;
  recall(input?: RecallInput): Promise<RecallResult>;
}

export interface CreatedCollection extends Collection {
  /** False where the collection was there already, with the same settings. */
  readonly created: boolean;
}

/** An open store. Several processes may have the same store open at once; they meet in the bucket only. */
export interface Database {
  /** The store's own description, without secrets. */
  readonly store: string;
  /** Creates it, or opens it where it exists with the same settings; `conflict` (`collection_exists`) where they differ. */
  createCollection(name: string, settings: CollectionSettings): Promise<CreatedCollection>;
  /** A handle, without a request; `not_found` comes from the first call on it. */
  collection(name: string): Collection;
  /** In the order of the names' bytes. */
  listCollections(input?: ListInput): Promise<ListResult>;
  /** `not_found` where there is none. */
  dropCollection(name: string): Promise<void>;
  /** Deletes what nothing needs any more. Takes a minute and more where there is something: it waits before it deletes. */
  collect(): Promise<CollectResult>;
  /**
   * Compacts collections that have work, within a budget, and deletes what nothing needs any more. To be called by a
   * schedule where no server runs; `open` with `maintenance` calls it at intervals.
   */
  maintain(options?: MaintainOptions): Promise<MaintainResult>;
  /** Requests to the store since it was opened, by operation and outcome, and bytes both ways. */
  storeUsage(): StoreUsage;
  /** One cheap request to the store; throws where it cannot be reached. */
  ping(): Promise<void>;
  /** Waits for writes under way, then frees memory. Further calls throw. */
  close(): Promise<void>;
}
