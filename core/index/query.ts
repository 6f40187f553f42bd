/** Prepares an f32 query for the code kernels: integer weights and the constants around their sum. */
import type { Metric } from '../kernel/index.js';
import { inverseLengths, weightScale } from './code-params.js';
import type { CodeParams } from './shape.js';

/** distance = base + termFactor x term + scale x sum; the kernel distance = that x unit + offset. */
export interface QueryConstants {
  readonly base: number;
  readonly scale: number;
  readonly termFactor: number;
  readonly unit: number;
  readonly offset: number;
}

/**
 * L2: |q - v|^2 = |q - mid|^2 + |v - mid|^2 - 2 (q - mid)(v - mid), with v - mid = step (code - 128). From the middle
 * rather than from 0, because the difference of large numbers would leave f32 no digits where all data are far out.
 * Cosine is the same of vectors of length 1: half of it, less 1, is -cos with an error that vanishes with the distance.
 */
export function prepareL2(
  query: Float32Array,
  metric: Metric,
  params: CodeParams,
  unit: number,
  weights: Int16Array,
): QueryConstants {
  const { lo, step } = params;
  const dimension = query.length;
  const length = metric === 'cosine' ? inverseLengths(query, dimension)[0]! : 1;
  let squared = 0;
  let largest = 0;
  let sum = 0;
  for (let d = 0; d < dimension; d++) {
    const fromMiddle = (query[d]! * length - lo[d]! - 128 * step[d]!) / unit;
    const weight = Math.abs(fromMiddle * (step[d]! / unit));
    squared += fromMiddle * fromMiddle;
    sum += weight;
    if (weight > largest) largest = weight;
  }
  const scale = weightScale(largest, sum, dimension);
  let total = 0;
  for (let d = 0; d < dimension; d++) {
    const fromMiddle = (query[d]! * length - lo[d]! - 128 * step[d]!) / unit;
    const weight = Math.round((fromMiddle * (step[d]! / unit)) / scale);
    weights[d] = weight;
    total += weight;
  }
  const half = metric === 'cosine' ? 0.5 : 1;
  return {
    base: squared + 256 * scale * total,
    scale: -2 * scale,
    termFactor: 1,
    unit: unit * unit * half,
    offset: metric === 'cosine' ? -1 : 0,
  };
}

/** -(q v) = -(q mid) - sum q step (code - 128). */
export function prepareDot(query: Float32Array, params: CodeParams, weights: Int16Array): QueryConstants {
  const { lo, step } = params;
  const dimension = query.length;
  let middle = 0;
  let largest = 0;
  let sum = 0;
  for (let d = 0; d < dimension; d++) {
    const weight = Math.abs(query[d]! * step[d]!);
    middle += query[d]! * (lo[d]! + 128 * step[d]!);
    sum += weight;
    if (weight > largest) largest = weight;
  }
  const scale = weightScale(largest, sum, dimension);
  let total = 0;
  for (let d = 0; d < dimension; d++) {
    const weight = Math.round((query[d]! * step[d]!) / scale);
    weights[d] = weight;
    total += weight;
  }
  return { base: 128 * scale * total - middle, scale: -scale, termFactor: 0, unit: 1, offset: 0 };
}

/** Sum of step |q' - code|, q' on the grid of the codes; what lies outside the grid is the same for every row. */
export function prepareL1(
  query: Float32Array,
  params: CodeParams,
  unit: number,
  stepScale: number,
  codes: Uint8Array,
): QueryConstants {
  const { lo, step } = params;
  let outside = 0;
  for (let d = 0; d < query.length; d++) {
    const fromLow = query[d]! - lo[d]!;
    const width = step[d]!;
    const code = width > 0 ? Math.max(0, Math.min(255, Math.round(fromLow / width))) : 0;
    codes[d] = code;
    if (fromLow < 0) outside -= fromLow;
    else if (fromLow > 255 * width) outside += fromLow - 255 * width;
  }
  return { base: outside / unit, scale: stepScale, termFactor: 0, unit, offset: 0 };
}
