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

/** Weights of queries by the codes of one index. What no query changes is computed once, and no search allocates here. */
export class QueryWeights {
  readonly #metric: Metric;
  readonly #unit: number;
  /** In units: the middle of each dimension's range, and its step. */
  readonly #middles: Float64Array;
  readonly #steps: Float64Array;
  readonly #exact: Float64Array;

  /** `unit`: of the distances; 1 for dot. */
  constructor(metric: Metric, { lo, step }: CodeParams, unit: number) {
    this.#metric = metric;
    this.#unit = unit;
    this.#steps = Float64Array.from(step, (width) => width / unit);
    this.#middles = Float64Array.from(lo, (low, d) => (low + 128 * step[d]!) / unit);
    this.#exact = new Float64Array(lo.length);
  }

  /**
   * |q - v|^2 = |q - mid|^2 + |v - mid|^2 - 2 (q - mid)(v - mid), with v - mid = step (code - 128). From the middle rather
   * than from 0, because the difference of large numbers would leave f32 no digits where all data are far out. Cosine is
   * the same of vectors of length 1: half of it, less 1, is -cos with an error that vanishes with the distance.
   */
  l2(query: Float32Array, weights: Int16Array): QueryConstants {
    const [middles, steps, exact, unit] = [this.#middles, this.#steps, this.#exact, this.#unit];
    const cosine = this.#metric === 'cosine';
    const length = (cosine ? inverseLengths(query, query.length)[0]! : 1) / unit;
    let squared = 0;
    let largest = 0;
    let sum = 0;
    for (let d = 0; d < exact.length; d++) {
      const fromMiddle = query[d]! * length - middles[d]!;
      const weight = fromMiddle * steps[d]!;
      exact[d] = weight;
      squared += fromMiddle * fromMiddle;
      const size = Math.abs(weight);
      sum += size;
      if (size > largest) largest = size;
    }
    const scale = weightScale(largest, sum, exact.length);
    return {
      base: squared + 256 * scale * this.#round(scale, weights),
      scale: -2 * scale,
      termFactor: 1,
      unit: unit * unit * (cosine ? 0.5 : 1),
      offset: cosine ? -1 : 0,
    };
  }

  /** -(q v) = -(q mid) - sum q step (code - 128). */
  dot(query: Float32Array, weights: Int16Array): QueryConstants {
    const [middles, steps, exact] = [this.#middles, this.#steps, this.#exact];
    let middle = 0;
    let largest = 0;
    let sum = 0;
    for (let d = 0; d < exact.length; d++) {
      const weight = query[d]! * steps[d]!;
      exact[d] = weight;
      middle += query[d]! * middles[d]!;
      const size = Math.abs(weight);
      sum += size;
      if (size > largest) largest = size;
    }
    const scale = weightScale(largest, sum, exact.length);
    const total = this.#round(scale, weights);
    return { base: 128 * scale * total - middle, scale: -scale, termFactor: 0, unit: 1, offset: 0 };
  }

  /** The weights in whole multiples of `scale`, and their sum. */
  #round(scale: number, weights: Int16Array): number {
    const exact = this.#exact;
    const inverse = 1 / scale;
    let total = 0;
    for (let d = 0; d < exact.length; d++) {
      const weight = Math.floor(exact[d]! * inverse + 0.5);
      weights[d] = weight;
      total += weight;
    }
    return total;
  }
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
