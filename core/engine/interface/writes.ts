/** Writes, and what they answer. */
import type { FilterInput, JsonObject, VectorInput } from './values.js';

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
