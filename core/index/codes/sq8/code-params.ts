/**
 * SQ8 with a range per dimension: learning the ranges, and the weights that follow from them. All distances of the
 * kernels are in units of the widest step ("unit"), squared for L2 and dot, so that numbers of any size stay in f32.
 */
import { assertInternal } from '../../../base/errors.js';
import type { Metric } from '../../../kernel/index.js';
import { codeStride } from '../../layout/index.js';
import type { CodeParams } from '../../layout/index.js';

/** What a sum of i32 may reach. */
const SUM_MAX = 2_147_483_647;
const WEIGHT_MAX = 32_767;
const CODE_MAX = 255;
/** Pair weights: the widest dimension gets at least this... */
const PAIR_WEIGHT_FEW = 31;
/** ...and at most this, where ranges differ so much that ordinary dimensions would round to nothing. */
const PAIR_WEIGHT_MOST = 127;
const PAIR_WEIGHT_MEDIAN = 8;
const WHOLE_MAX = 16_777_216;

/** 1 / |row| for each row; 0 for one without length, which no direction comes nearer to than another. */
export function inverseLengths(rows: Float32Array, dimension: number): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(rows.length / dimension);
  for (let row = 0, at = 0; row < scales.length; row++) {
    let sum = 0;
    for (const end = at + dimension; at < end; at++) sum += rows[at]! * rows[at]!;
    scales[row] = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  }
  return scales;
}

/**
 * Learns the smallest and largest value of each dimension, for cosine of vectors brought to length 1. Where all values are
 * whole and those of a dimension within 255 of each other, the step is 1 and nothing is lost: pixels, counts, vectors that
 * somebody coded before.
 */
export class RangeTrainer {
  readonly #dimension: number;
  readonly #normalised: boolean;
  readonly #low: Float32Array;
  readonly #high: Float32Array;
  /** All values so far were whole. */
  #whole: boolean;

  constructor(dimension: number, metric: Metric) {
    this.#dimension = dimension;
    this.#normalised = metric === 'cosine';
    this.#whole = !this.#normalised;
    this.#low = new Float32Array(dimension).fill(Number.POSITIVE_INFINITY);
    this.#high = new Float32Array(dimension).fill(Number.NEGATIVE_INFINITY);
  }

  /** Requires: whole rows of finite numbers. */
  add(rows: Float32Array): void {
    const dimension = this.#dimension;
    assertInternal(rows.length % dimension === 0, `${rows.length} numbers are no rows of ${dimension}`);
    const low = this.#low;
    const high = this.#high;
    const scales = this.#normalised ? inverseLengths(rows, dimension) : undefined;
    if (this.#whole) this.#whole = areWhole(rows);
    for (let at = 0, row = 0; at < rows.length; at += dimension, row++) {
      const scale = scales === undefined ? 1 : scales[row]!;
      for (let d = 0; d < dimension; d++) {
        const value = rows[at + d]! * scale;
        if (value < low[d]!) low[d] = value;
        if (value > high[d]!) high[d] = value;
      }
    }
  }

  finish(): CodeParams {
    const lo = this.#low.map((value) => (Number.isFinite(value) ? value : 0));
    const widths = this.#high.map((value, d) => (Number.isFinite(value) ? value - lo[d]! : 0));
    const exact = this.#whole && widths.every((width) => width <= CODE_MAX);
    const step = widths.map((width) => (exact ? Math.min(width, 1) : width / CODE_MAX));
    return { lo, step, exact };
  }
}

/** Whole, and no larger than that f32 has room for every number between. */
function areWhole(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Math.trunc(value) !== value || value > WHOLE_MAX || value < -WHOLE_MAX) return false;
  }
  return true;
}

/** The widest step, or 1 where no dimension varies. */
export function unitOf({ step }: CodeParams): number {
  let unit = 0;
  for (const value of step) if (value > unit) unit = value;
  return unit === 0 ? 1 : unit;
}

/** What one unit of i16 weights is worth, so that none leaves i16 and no sum over codes leaves i32. */
export function weightScale(largest: number, sum: number, dimension: number): number {
  // Rounding may add half a unit in every dimension.
  const room = SUM_MAX - (dimension + 1) * CODE_MAX;
  return Math.max(largest / WEIGHT_MAX, (sum * CODE_MAX) / room) || 1;
}

/** The least power of 2 that no value of the ranges is beyond, within what f32 can divide by. */
export function rangeUnit({ lo, step }: CodeParams): number {
  const largest = lo.reduce(
    (most, low, d) => Math.max(most, Math.abs(low), Math.abs(low + 255 * step[d]!)),
    0,
  );
  const exponent = largest === 0 ? 0 : Math.ceil(Math.log2(largest));
  return 2 ** Math.max(-126, Math.min(126, exponent));
}

export interface StepWeights {
  readonly weights: Int16Array<ArrayBuffer>;
  readonly scale: number;
}

/** Weights of |difference of codes|, in units. */
export function stepWeights({ step }: CodeParams, unit: number): StepWeights {
  let sum = 0;
  for (const value of step) sum += value / unit;
  const scale = weightScale(1, sum, step.length);
  const weights = new Int16Array(codeStride(step.length));
  for (let d = 0; d < step.length; d++) weights[d] = Math.round(step[d]! / unit / scale);
  return { weights, scale };
}

export interface PairWeights extends StepWeights {
  /** Blocks of 16 dimensions whose squares fit i32 together. */
  readonly blocks: number;
}

/** Weights of differences of codes that are squared, in squared units. */
export function pairWeights({ step }: CodeParams, unit: number): PairWeights {
  const widths = step.map((value) => value / unit).filter((value) => value > 0);
  const median = widths.toSorted()[widths.length >> 1] ?? 1;
  const most = Math.max(PAIR_WEIGHT_FEW, Math.min(PAIR_WEIGHT_MOST, Math.ceil(PAIR_WEIGHT_MEDIAN / median)));
  const weights = new Int16Array(codeStride(step.length));
  for (let d = 0; d < step.length; d++) weights[d] = Math.round((step[d]! / unit) * most);
  const blocks = Math.floor(SUM_MAX / (2 * (CODE_MAX * most) ** 2));
  return { weights, scale: 1 / (most * most), blocks };
}
