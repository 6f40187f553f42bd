/** What a collection is made with. */
import type { Tier } from '../../base/limits.js';
import type { Metric } from '../../kernel/index.js';
import type { CollectionSchema, QuantizationInput } from '../../log/index.js';

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
  /** How segments code vectors. Default `sq8`. `rabitq` is not for `manhattan`; its bits are 1, 2 or 4; `pq` compresses 8, 16 or 32 times. */
  readonly quantization?: QuantizationInput;
  readonly fields?: Readonly<Record<string, FieldDeclaration>>;
  /** Days after which a soft-deleted record is gone for good. Default 30, 0 to 3,650. */
  readonly softDeleteDays?: number;
}

/** Settings with every default filled in, as they are stored. */
export type ResolvedSettings = CollectionSchema;
