/** States of a collection that are kept. */
import type { AsOf } from './reads.js';

export interface Snapshot {
  readonly name: string;
  /** Reads with this `asOf` see it. */
  readonly sequence: number;
  readonly createdAt: string;
  /** Of the segments that it keeps, which it may share with the newest state and with other snapshots. */
  readonly bytes: number;
}

export interface SnapshotInput {
  /** As names of collections are; default `at-` and the sequence. */
  readonly name?: string;
  /** Default: the newest. An older one has to be kept still. */
  readonly asOf?: AsOf;
}

/** A state that is kept: of a snapshot, or as of a sequence or a time. */
export type PastInput = { readonly snapshot: string } | { readonly asOf: AsOf };

export interface RestoreToResult {
  /** Of the restore: from there on the collection is what it was. */
  readonly sequence: number;
  /** Of the state that it went back to. Absent where an earlier try of the same key did. */
  readonly restored?: number;
}

/** At most one of them. Default: the newest state. */
export interface BranchInput {
  readonly snapshot?: string;
  readonly asOf?: AsOf;
}

export interface BranchResult {
  readonly name: string;
  /** Of the state that it begins with. Its sequences go on from there. */
  readonly sequence: number;
}

export interface CollectionUpdate {
  /** For how many hours superseded states are kept. Default 0, at most 8,784. */
  readonly retentionHours: number;
}
