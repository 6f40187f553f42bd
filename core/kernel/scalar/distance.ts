/**
 * Scalar twins of wasm/distance.ts: what the distances are, to the bit. Every operation is rounded to f32, and the
 * additions run in the kernels' order (16 lanes over blocks of 16, then fours into the first four lanes, lanes folded
 * in pairs, then the last 0-3 elements).
 */
import { KERNEL_DOT, KERNEL_L1 } from '../metric.js';

const { fround } = Math;

function term(metric: number, a: number, b: number): number {
  if (metric === KERNEL_DOT) return fround(a * b);
  const difference = fround(a - b);
  return metric === KERNEL_L1 ? Math.abs(difference) : fround(difference * difference);
}

/** Internal distance (metric.ts): squared L2, L1 or the negated dot product. Requires: equal lengths. */
export function distanceScalar(metric: number, a: Float32Array, b: Float32Array): number {
  const lanes = new Float32Array(16);
  const blocks = a.length & ~15;
  const fours = a.length & ~3;
  for (let i = 0; i < fours; i++) {
    const lane = i < blocks ? i & 15 : i & 3;
    lanes[lane] = lanes[lane]! + term(metric, a[i]!, b[i]!);
  }
  const sums = [0, 1, 2, 3].map((i) =>
    fround(fround(lanes[i]! + lanes[i + 4]!) + fround(lanes[i + 8]! + lanes[i + 12]!)),
  );
  let sum = fround(fround(sums[0]! + sums[1]!) + fround(sums[2]! + sums[3]!));
  for (let i = fours; i < a.length; i++) sum = fround(sum + term(metric, a[i]!, b[i]!));
  return metric === KERNEL_DOT ? -sum : sum;
}
