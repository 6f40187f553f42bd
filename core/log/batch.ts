/**
 * A batch: the operations of one request, in order, as they are committed. Pure data; `batch-codec.ts` is its bytes.
 */

/** What an operation does to its id. `hide` is a soft delete. */
export const OP_UPSERT = 0;
export const OP_DELETE = 1;
export const OP_HIDE = 2;
export type OpKind = typeof OP_UPSERT | typeof OP_DELETE | typeof OP_HIDE;

export interface Batch {
  /** One kind per operation. */
  readonly kinds: Uint8Array;
  /** One id per operation. The same id may come twice: the later one wins. */
  readonly ids: readonly string[];
  /** Floats per vector. */
  readonly dimension: number;
  /** The upserts' vectors in operation order, row-major: upserts x dimension. */
  readonly vectors: Float32Array;
  /** The upserts' metadata as JSON text, '' where there is none. */
  readonly metadata: readonly string[];
  /** The upserts' expiry in milliseconds since 1970, Infinity where there is none. Undefined where no row has one. */
  readonly expiresMs: Float64Array | undefined;
}

/** What a batch did, as its first answer said it. Kept in the log, so that a repeated key gets the same answer. */
export interface ResultCounts {
  readonly upserted: number;
  readonly patched: number;
  readonly missing: number;
  readonly deleted: number;
  readonly restored: number;
  /** 1 where a filter matched more rows than one call takes. */
  readonly more: number;
}

export const NO_COUNTS: ResultCounts = {
  upserted: 0,
  patched: 0,
  missing: 0,
  deleted: 0,
  restored: 0,
  more: 0,
};

export function emptyBatch(dimension: number): Batch {
  return {
    kinds: new Uint8Array(0),
    ids: [],
    dimension,
    vectors: new Float32Array(0),
    metadata: [],
    expiresMs: undefined,
  };
}

/** A batch of deletions of one kind. */
export function deletionBatch(ids: readonly string[], kind: OpKind, dimension: number): Batch {
  return { ...emptyBatch(dimension), kinds: new Uint8Array(ids.length).fill(kind), ids };
}

/** The operations of several batches, in order, as one. */
export function joinBatches(batches: readonly Batch[], dimension: number): Batch {
  if (batches.length === 1) return batches[0]!;
  const upserts = batches.reduce((sum, batch) => sum + batch.metadata.length, 0);
  const kinds = new Uint8Array(batches.reduce((sum, batch) => sum + batch.ids.length, 0));
  const vectors = new Float32Array(upserts * dimension);
  const expiring = batches.some((batch) => batch.expiresMs !== undefined);
  const expiresMs = expiring ? new Float64Array(upserts).fill(Infinity) : undefined;
  let op = 0;
  let upsert = 0;
  for (const batch of batches) {
    kinds.set(batch.kinds, op);
    vectors.set(batch.vectors, upsert * dimension);
    if (batch.expiresMs !== undefined) expiresMs?.set(batch.expiresMs, upsert);
    op += batch.ids.length;
    upsert += batch.metadata.length;
  }
  return {
    kinds,
    ids: batches.flatMap((batch) => batch.ids),
    dimension,
    vectors,
    metadata: batches.flatMap((batch) => batch.metadata),
    expiresMs,
  };
}
