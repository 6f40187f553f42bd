/** Scalar twins of wasm/projection.ts. `project` is exact but for the roundings to f32; the others sum in f64. */

export interface Weights {
  /** i8[outputs][values]. */
  readonly weights: Int8Array;
  readonly factors: Float32Array;
}

/** factor x scale x sum of weight x value, per output. */
export function projectScalar(
  values: Int16Array,
  { weights, factors }: Weights,
  scale: number,
): Float32Array {
  return factors.map((factor, p) => {
    const own = weights.subarray(p * values.length, (p + 1) * values.length);
    const sum = values.reduce((total, value, d) => total + value * own[d]!, 0);
    return Math.fround(sum) * Math.fround(factor * Math.fround(scale));
  });
}

/** out[i][j] + the product of row i of `a` with row j of `b`. */
export function addProductsScalar(
  a: Float32Array,
  b: Float32Array,
  length: number,
  out: Float32Array,
): Float64Array {
  const bRows = b.length / length;
  return Float64Array.from(out, (before, at) => {
    const i = Math.floor(at / bRows) * length;
    const j = (at % bRows) * length;
    let sum = before;
    for (let d = 0; d < length; d++) sum += a[i + d]! * b[j + d]!;
    return sum;
  });
}

/** target + factor x source, each step rounded. */
export function addScaledScalar(target: Float32Array, source: Float32Array, factor: number): Float32Array {
  return target.map((value, d) => value + Math.fround(Math.fround(factor) * source[d]!));
}
