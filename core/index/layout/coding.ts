/**
 * How the rows that a search compares are coded in memory, and how many bytes that takes.
 *
 *   sq8   a byte per dimension, on a range of its own
 *   f32   the rows as they were given
 *   pq    four bits for a sub-vector of some dimensions: the number of one of 16 centroids
 */
import { alignUp } from '../../base/bytes.js';
import type { Metric } from '../../kernel/index.js';

export type Coding = { readonly kind: 'sq8' } | { readonly kind: 'f32' } | PqCoding;

export interface PqCoding {
  readonly kind: 'pq';
  /** Of codes to f32 numbers, about: one of `pqCompressions`. */
  readonly compression: number;
}

export const pqCompressions: readonly number[] = [8, 16, 32];

/** What an index's numbers and the kernels' state call it. Files that say nothing are sq8. */
export const codingNumbers = { sq8: 0, f32: 1, pq: 3 } as const;

/** What an index's numbers say of its coding. */
export function numbersOf(coding: Coding): { readonly coding: number; readonly compression?: number } {
  const number = codingNumbers[coding.kind];
  return coding.kind === 'pq' ? { coding: number, compression: coding.compression } : { coding: number };
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

/** Centroids of a sub-vector, as many as four bits tell apart. */
export const PQ_CENTROIDS = 16;

/** Bytes of the codes of a row: blocks of 16, as near to the compression as they come. */
export function pqStride(dimension: number, compression: number): number {
  return 16 * Math.max(1, Math.round((dimension * 4) / compression / 16));
}

/** Sub-vectors of a row: one for each code that there is room for, each of a dimension at least. */
export function pqSubVectors(dimension: number, compression: number): number {
  return Math.min(2 * pqStride(dimension, compression), dimension);
}

export function codeSizes(
  coding: Coding,
  { dimension, metric }: { readonly dimension: number; readonly metric: Metric },
): CodeSizes {
  const { kind } = coding;
  // Of each dimension its centroids, its place and its middle.
  if (kind === 'pq')
    return {
      stride: pqStride(dimension, coding.compression),
      termBytes: 0,
      paramBytes: (PQ_CENTROIDS + 2) * 4,
    };
  if (kind === 'sq8') return { stride: codeStride(dimension), termBytes: 4, paramBytes: 8 };
  return { stride: 4 * alignUp(dimension, 4), termBytes: metric === 'cosine' ? 4 : 0, paramBytes: 0 };
}

/** Entries of the section `params`. */
export function paramCount({ kind }: Coding, dimension: number): number {
  if (kind === 'sq8') return dimension;
  // The last one holds the unit.
  return kind === 'pq' ? dimension + 1 : 0;
}
