/**
 * How the rows that a search compares are coded in memory, and how many bytes that takes.
 *
 *   sq8     a byte per dimension, on a range of its own
 *   f32     the rows as they were given
 *   rabitq  1, 2 or 4 bits per dimension of what is left of the rotated row without the centroid of its leaf, and two f32
 *   pq      4 bits for a sub-vector of some dimensions: which of 16 centroids is nearest
 */
import { alignUp } from '../../base/bytes.js';
import type { Metric } from '../../kernel/index.js';

export type Coding =
  | { readonly kind: 'sq8' }
  | { readonly kind: 'f32' }
  | { readonly kind: 'rabitq'; readonly bits: number }
  | PqCoding;

export interface PqCoding {
  readonly kind: 'pq';
  /** Bytes of f32 numbers by those of their codes, about: one of `pqCompressions`. */
  readonly compression: number;
}

export const pqCompressions: readonly number[] = [8, 16, 32];

/** What an index's numbers and the kernels' state call it. Files that say nothing are sq8. */
export const codingNumbers = { sq8: 0, f32: 1, rabitq: 2, pq: 3 } as const;

/** What the distances by a coding say of the order of near rows is little: much of it is found by the rows themselves. */
export function isCoarse({ kind }: Coding): boolean {
  return kind === 'rabitq' || kind === 'pq';
}

export interface CodeSizes {
  /** Of a row. */
  readonly stride: number;
  /** Of what a row's distance has beside its code. */
  readonly termBytes: number;
  /** Of each of the parameters. */
  readonly paramBytes: number;
}

export function codeStride(dimension: number): number {
  return alignUp(dimension, 16);
}

/** Dimensions of a rotated vector. */
export function paddedDimension(dimension: number): number {
  return alignUp(dimension, 64);
}

/** Centroids of a sub-vector, as many as four bits tell apart. */
export const PQ_CENTROIDS = 16;

/** Bytes of the codes of a row: blocks of 16, as near to the compression as they come. */
export function pqStride(dimension: number, { compression }: PqCoding): number {
  return 16 * Math.max(1, Math.round((dimension * 4) / compression / 16));
}

/** Sub-vectors of a row: one for each code that there is room for, each of a dimension at least. */
export function pqSubVectors(dimension: number, coding: PqCoding): number {
  return Math.min(2 * pqStride(dimension, coding), dimension);
}

export function codeSizes(
  coding: Coding,
  { dimension, metric }: { readonly dimension: number; readonly metric: Metric },
): CodeSizes {
  if (coding.kind === 'sq8') return { stride: codeStride(dimension), termBytes: 4, paramBytes: 8 };
  if (coding.kind === 'f32')
    return { stride: 4 * alignUp(dimension, 4), termBytes: metric === 'cosine' ? 4 : 0, paramBytes: 0 };
  // Of each dimension its centroids, its place and its middle.
  if (coding.kind === 'pq')
    return { stride: pqStride(dimension, coding), termBytes: 0, paramBytes: (PQ_CENTROIDS + 2) * 4 };
  const padded = paddedDimension(dimension);
  return { stride: (coding.bits * padded) / 8 + 8, termBytes: 0, paramBytes: 4 * padded };
}
