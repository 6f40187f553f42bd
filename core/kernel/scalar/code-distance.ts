/** Scalar twins of wasm/code-distance.ts. Integer sums are exact; `squares` and `centred` leave i32 as the kernels do. */

/** Sum of code x weight. */
export function codeProductScalar(codes: Uint8Array, weights: Int16Array): number {
  return codes.reduce((sum, code, d) => sum + code * weights[d]!, 0);
}

/** Sum of |a - b| x weight. */
export function codeAbsoluteScalar(a: Uint8Array, b: Uint8Array, weights: Int16Array): number {
  return a.reduce((sum, code, d) => sum + Math.abs(code - b[d]!) * weights[d]!, 0);
}

/** Sum of ((a - b) x weight)^2, exact. */
export function codeSquaresScalar(a: Uint8Array, b: Uint8Array, weights: Int16Array): number {
  return a.reduce((sum, code, d) => sum + ((code - b[d]!) * weights[d]!) ** 2, 0);
}

/** Sum of (a - 128) x weight x (b - 128) x weight, exact. */
export function codeCentredScalar(a: Uint8Array, b: Uint8Array, weights: Int16Array): number {
  return a.reduce((sum, code, d) => sum + (code - 128) * (b[d]! - 128) * weights[d]! ** 2, 0);
}
