/** States of a collection that are kept. */

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
  readonly asOf?: number;
}

export interface CollectionUpdate {
  /** For how many hours superseded states are kept. Default 0, at most 8,784. */
  readonly retentionHours: number;
}
