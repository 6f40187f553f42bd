/**
 * How the rows that a search compares are coded in memory, and how many bytes that takes.
 *
 *   sq8   a byte per dimension, on a range of its own
 *   f32   the rows as they were given
 */
import { alignUp } from '../../base/bytes.js';
import type { Metric } from '../../kernel/index.js';

export type Coding = { readonly kind: 'sq8' } | { readonly kind: 'f32' };

/** What an index's numbers and the kernels' state call it. Files that say nothing are sq8. */
export const codingNumbers = { sq8: 0, f32: 1 } as const;

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

export function codeSizes(
  { kind }: Coding,
  { dimension, metric }: { readonly dimension: number; readonly metric: Metric },
): CodeSizes {
  if (kind === 'sq8') return { stride: codeStride(dimension), termBytes: 4, paramBytes: 8 };
  return { stride: 4 * alignUp(dimension, 4), termBytes: metric === 'cosine' ? 4 : 0, paramBytes: 0 };
}
