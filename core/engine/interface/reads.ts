/** Reads, and what they answer. */
import type { Explanation } from './explanation.js';
import type { FilterInput, Include, JsonObject, VectorInput } from './values.js';

export type Consistency = 'strong' | 'eventual';

export interface ReadOptions {
  /** `strong` (default) sees every write acknowledged before the call; `eventual` is at most 10 s old. */
  readonly consistency?: Consistency;
  /** Default 30,000, at most 120,000. */
  readonly timeoutMs?: number;
}

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

/** A sequence; or a time as RFC 3339 has it, within retention: the state that was the newest then, by the clocks of writers. */
export type AsOf = number | string;

/** Of reads of records. */
export interface ViewOptions extends ReadOptions {
  /**
   * Answer as of a state that no compaction has folded yet, that a snapshot keeps, or that retention keeps. Else
   * `sequence_out_of_range`.
   */
  readonly asOf?: AsOf;
  readonly includeDeleted?: boolean;
}

export interface QueryInput extends ViewOptions {
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
  /**
   * Which of its indexes a segment is searched by. `auto` (default): by its graph where that is in memory, else by whatever reads
   * less; `hnsw`: by its graph, which is read where it is not in memory; `ivf`: by the leaves that the query is near, read from the
   * store or the page cache; `flat`: by a scan of all codes. A segment that has no such index, or whose leaves do not keep the
   * target, is searched as by `auto`. Not with `exact`; `ef` goes with `auto` and `hnsw`.
   */
  readonly index?: 'auto' | 'hnsw' | 'ivf' | 'flat';
  /** For `cosine` and `dot`: only matches with at least this score. */
  readonly minScore?: number;
  /** For `euclidean` and `manhattan`: only matches at most this far. */
  readonly maxDistance?: number;
  /** Tell how each segment was searched. */
  readonly explain?: boolean;
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

/**
 * `hot`: all of it in memory; what there is of requests asked what is new. `warm`: some of it in the warm cache, and none had to come
 * from the bucket. `cold`: some came from the bucket.
 */
export type Temperature = 'hot' | 'warm' | 'cold';

export interface Usage {
  /** Requests to the store made for this call, and bytes of their answers. */
  readonly requests: number;
  readonly bytesRead: number;
  /** Whether this call had to load the collection: its head and what of its log is in no segment. */
  readonly loaded: boolean;
  /** Where that lay which does not change and this call was answered from. */
  readonly temperature: Temperature;
  /** Reads that the warm cache answered in the place of requests, and their bytes. */
  readonly warmReads: number;
  readonly warmBytes: number;
  /** Segments searched. */
  readonly segments: number;
  /** Of these, those whose index was not in memory, and of which the leaves that the query is near were read in its place. */
  readonly segmentsProbed: number;
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
  /** Where it was asked for. */
  readonly explain?: Explanation;
}

/** How a query was answered, without its answer. */
export type ExplainResult = Required<Pick<QueryResult, 'explain' | 'sequence' | 'usage'>>;

export interface FetchInput extends ViewOptions {
  readonly ids: readonly string[];
  /** Default `["metadata", "vector"]`. */
  readonly include?: Include;
}

export interface FetchResult {
  /** In the order of the ids asked; ids that are not there are left out. */
  readonly records: readonly RecordOutput[];
  readonly sequence: number;
}

export interface CountInput extends ViewOptions {
  readonly filter?: FilterInput;
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

export interface ScanInput extends ViewOptions {
  readonly filter?: FilterInput;
  /** Default 100, at most 10,000. */
  readonly limit?: number;
  /** 1 to 4 fields, the first one first; ties by id. Default: the order of the ids. */
  readonly orderBy?: readonly OrderBy[];
  /** From an earlier answer in the same order. Stays valid for ever: it names the last record seen, by value and id. */
  readonly cursor?: string;
  /** Default `["metadata"]`. */
  readonly include?: Include;
}

export interface ScanResult {
  /** In the order of `orderBy`, else of the ids' UTF-8 bytes. */
  readonly records: readonly RecordOutput[];
  /** Absent at the end. */
  readonly cursor?: string;
  readonly sequence: number;
}

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
