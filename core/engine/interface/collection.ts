/**
 * The methods of collections and databases. The HTTP interface carries the same names in snake_case. Shapes only; the
 * checks live in `input/`, the meaning in `reads/` and `writes/`.
 */
import type { StoreUsage } from '../../store/index.js';
import type {
  CountInput,
  CountResult,
  ExplainResult,
  FetchInput,
  FetchResult,
  QueryInput,
  QueryResult,
  ReadOptions,
  RecallInput,
  RecallResult,
  ScanInput,
  ScanResult,
} from './reads.js';
import type { ScrubOptions, ScrubResult } from './scrub.js';
import type { CollectionSettings } from './settings.js';
import type {
  BranchInput,
  BranchResult,
  CollectionUpdate,
  PastInput,
  RestoreToResult,
  Snapshot,
  SnapshotInput,
} from './snapshots.js';
import type {
  CollectResult,
  CollectionDescription,
  CollectionStats,
  CollectionSummary,
  CompactOptions,
  CompactResult,
  ListInput,
  ListResult,
  MaintainOptions,
  MaintainResult,
  MemoryUsage,
} from './upkeep.js';
import type {
  DeleteInput,
  DeleteResult,
  PatchInput,
  PatchResult,
  RestoreInput,
  RestoreResult,
  UpsertInput,
  UpsertResult,
  WriteInput,
  WriteOptions,
  WriteResult,
} from './writes.js';

/** One collection of an open database. Every method throws `CairnError`. */
export interface Collection {
  readonly name: string;
  upsert(input: UpsertInput, options?: WriteOptions): Promise<UpsertResult>;
  patch(input: PatchInput, options?: WriteOptions): Promise<PatchResult>;
  delete(input: DeleteInput, options?: WriteOptions): Promise<DeleteResult>;
  restore(input: RestoreInput, options?: WriteOptions): Promise<RestoreResult>;
  write(input: WriteInput, options?: WriteOptions): Promise<WriteResult>;
  query(input: QueryInput): Promise<QueryResult>;
  /** Runs a query and tells how each segment was searched. */
  explain(input: QueryInput): Promise<ExplainResult>;
  queryMany(queries: readonly QueryInput[]): Promise<readonly QueryResult[]>;
  fetch(input: FetchInput): Promise<FetchResult>;
  count(input?: CountInput): Promise<CountResult>;
  scan(input?: ScanInput): Promise<ScanResult>;
  describe(options?: ReadOptions): Promise<CollectionDescription>;
  stats(options?: ReadOptions): Promise<CollectionStats>;
  compact(options?: CompactOptions): Promise<CompactResult>;
  recall(input?: RecallInput): Promise<RecallResult>;
  /** Keeps a state until the snapshot is deleted, or the collection dropped. Repeated with the same `asOf` it does no harm. */
  createSnapshot(input?: SnapshotInput): Promise<Snapshot>;
  /** The oldest state first. */
  listSnapshots(): Promise<readonly Snapshot[]>;
  /** `not_found` (`snapshot_not_found`) where there is none. */
  deleteSnapshot(name: string): Promise<void>;
  /**
   * The whole collection goes back to a state that is kept, in place: a commit of its own, which later ones follow and
   * which can be gone back behind again.
   */
  restoreTo(input: PastInput, options?: WriteOptions): Promise<RestoreToResult>;
  /**
   * Makes another collection of that name which begins with a state of this one, with its settings. Nothing is copied
   * that segments hold, and neither sees what becomes of the other. `conflict` (`collection_exists`) where there is one
   * of that name.
   */
  branch(name: string, input?: BranchInput): Promise<BranchResult>;
  /** What retention has let go of does not come back when it becomes longer. */
  update(changes: CollectionUpdate): Promise<CollectionSummary>;
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
  /**
   * Reads everything that the store holds of its collections, or of one, and tells what is lost, damaged, in contradiction or
   * needed by nobody: docs/SCRUB.md. Runs beside writers. What it finds is no exception; it throws where the store does not
   * answer, and `not_found` where there is no such collection.
   */
  scrub(options?: ScrubOptions): Promise<ScrubResult>;
  /** Requests to the store since it was opened, by operation and outcome, and bytes both ways. */
  storeUsage(): StoreUsage;
  /** Bytes of memory held, by what holds them, with their peak and the budget. No request. */
  memoryUsage(): MemoryUsage;
  /** One cheap request to the store; throws where it cannot be reached. */
  ping(): Promise<void>;
  /** Waits for writes under way, then frees memory. Further calls throw. */
  close(): Promise<void>;
}
