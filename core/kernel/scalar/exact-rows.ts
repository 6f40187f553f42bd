/** Scalar twin of wasm/exact-rows.ts, of one row; its distance is that of scalar/distance.ts. */

/** lo + step x code, rounded to f32 at each step. */
export function decodeRowScalar(codes: Uint8Array, lo: Float32Array, step: Float32Array): Float32Array {
  return Float32Array.from(codes, (code, d) => Math.fround(step[d]! * code) + lo[d]!);
}
