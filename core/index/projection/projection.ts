/** A projection of rows on fewer dimensions, as it is learnt and as it lies in a segment (shape.ts). */
import type { Arena } from '../../kernel/index.js';
import { codeStride } from '../layout/index.js';
import type { CodeParams } from '../layout/index.js';

/** Coarse, but rows and queries go through the same: what is compared is as good as exact. */
const WEIGHT_MAX = 127;

/** Directions of length 1, one after another, and what rows are on them. */
export interface Projection {
  readonly outputs: number;
  /** f32[outputs][dimension]. */
  readonly directions: Float32Array;
  /** Of the rows less the sample's mean. */
  readonly means: Float32Array;
  readonly params: CodeParams;
}

/** Writes a projection as the section lies: i8 weights of codes less 128, and what one unit of them is worth. */
export function putProjection(
  arena: Arena,
  at: number,
  { outputs, directions }: Projection,
  { step }: CodeParams,
): void {
  const dimension = step.length;
  const stride = codeStride(dimension);
  const weights = new Int8Array(arena.u8.buffer, at, outputs * stride).fill(0);
  const factors = (at + outputs * stride) / 4;
  for (let p = 0; p < outputs; p++) {
    const exact = step.map((width, d) => width * directions[p * dimension + d]!);
    const unit = exact.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / WEIGHT_MAX || 1;
    for (let d = 0; d < dimension; d++) weights[p * stride + d] = Math.round(exact[d]! / unit);
    arena.f32[factors + p] = unit;
  }
}

/** Ranges of what the kernels project: of codes less 128, from which the mean was not taken. */
export function projectedParams({ directions, means, params }: Projection, codes: CodeParams): CodeParams {
  const dimension = means.length;
  const lo = params.lo.map((low, p) => {
    let shift = 0;
    for (let d = 0; d < dimension; d++)
      shift += directions[p * dimension + d]! * (means[d]! - codes.lo[d]! - 128 * codes.step[d]!);
    return low + shift;
  });
  return { lo, step: params.step };
}
