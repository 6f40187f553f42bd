/** Scalar twins of wasm/rotation.ts, rabitq.ts and fast-scan.ts: the same numbers to the bit. */
import { KERNEL_DOT } from '../metric.js';
import { distanceScalar } from './distance.js';

const { fround } = Math;

/** f32 of length `padded` from a row times `scale`. */
export function rotateScalar(
  row: Float32Array,
  scale: number,
  signs: Uint8Array,
  padded: number,
): Float32Array {
  const out = new Float32Array(padded);
  row.forEach((value, d) => (out[d] = value * fround(scale)));
  const count = 2 ** Math.floor(Math.log2(padded));
  const whole = count === padded;
  const factor = fround(1 / Math.sqrt(count) / (whole ? 1 : Math.SQRT2));
  for (let round = 0; round < 4; round++) {
    for (let d = 0; d < padded; d++) {
      const bit = round * padded + d;
      if (((signs[bit >> 3]! >> (bit & 7)) & 1) === 1) out[d] = -out[d]!;
    }
    const first = round % 2 === 0 ? 0 : padded - count;
    transform(out.subarray(first, first + count), factor);
    if (whole) continue;
    const rest = round % 2 === 0 ? out.subarray(count) : out.subarray(0, padded - count);
    rest.forEach((value, d) => (rest[d] = value * fround(Math.SQRT1_2)));
    butterflies(out, padded / 2);
  }
  return out;
}

function transform(values: Float32Array, factor: number): void {
  values.forEach((value, d) => (values[d] = value * factor));
  for (let half = 1; half < values.length; half *= 2) {
    for (let at = 0; at < values.length; at += 2 * half)
      butterflies(values.subarray(at, at + 2 * half), half);
  }
}

function butterflies(values: Float32Array, half: number): void {
  for (let d = 0; d < half; d++) {
    const [a, b] = [values[d]!, values[d + half]!];
    values[d] = a + b;
    values[d + half] = a - b;
  }
}

export interface RabitqRecord {
  /** Per dimension. */
  readonly code: Uint8Array;
  readonly add: number;
  readonly rescale: number;
}

/** By bits of a code. */
const STEPS: Readonly<Record<number, number>> = { 1: 1, 2: 0.9957, 4: 0.3352 };

export function rabitqEncodeScalar(
  row: Float32Array,
  centroid: Float32Array,
  bits: number,
  isDot: boolean,
): RabitqRecord {
  const rest = row.map((value, d) => value - centroid[d]!);
  const squared = sumInLanes(rest.map((r) => fround(r * r)));
  const step =
    bits === 1 ? 1 : fround(fround(STEPS[bits]!) * fround(Math.sqrt(fround(squared / rest.length))));
  const inverse = step > 0 ? fround(1 / step) : 0;
  const levels = 2 ** bits;
  const code = Uint8Array.from(rest, (r) =>
    bits === 1
      ? Number(r > 0)
      : Math.max(0, Math.min(levels - 1, Math.floor(fround(r * inverse)) + levels / 2)),
  );
  const u = Float32Array.from(code, (x) => x - (levels - 1) / 2);
  const products = (a: Float32Array, b: Float32Array): number =>
    sumInLanes(a.map((value, d) => fround(value * b[d]!)));
  const product = products(rest, u);
  const factor = squared > 0 && product > 0 ? fround(squared / product) : 0;
  const shift = fround(factor * products(centroid, u));
  return isDot
    ? { code, add: fround(shift - products(rest, centroid)), rescale: -factor }
    : { code, add: fround(squared + fround(2 * shift)), rescale: fround(-2 * factor) };
}

/** As four lanes add up. */
function sumInLanes(values: Float32Array): number {
  const lanes = new Float32Array(4);
  values.forEach((value, d) => (lanes[d % 4]! += value));
  return fround(fround(lanes[0]! + lanes[1]!) + fround(lanes[2]! + lanes[3]!));
}

export interface SignedQuery {
  readonly values: Int8Array;
  readonly unit: number;
}

/** The rotated query on its grid: of 4 bits where codes have one, else of 8. */
export function signedQueryScalar(rotated: Float32Array, bits: number): SignedQuery {
  const most = rotated.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const unit = most > 0 ? fround(most / (bits === 1 ? 7 : 127)) : 1;
  const inverse = fround(1 / unit);
  return { values: Int8Array.from(rotated, (value) => nearest(fround(value * inverse))), unit };
}

/** To even where two are as near. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  return over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

export interface LeafShare {
  readonly share: number;
  /** Of the term `add`. */
  readonly weight: number;
}

/** What distances owe to a leaf of this centroid. */
export function centroidShareScalar(
  metric: number,
  rotated: Float32Array,
  centroid: Float32Array,
): LeafShare {
  const share = distanceScalar(metric, rotated, centroid);
  if (metric !== KERNEL_DOT) return { share, weight: 1 };
  const squared = distanceScalar(metric, centroid, centroid);
  return { share, weight: squared < -fround(1e-20) ? fround(share / squared) : 0 };
}

export function rabitqDistanceScalar(
  { code, add, rescale }: RabitqRecord,
  { values, unit }: SignedQuery,
  bits: number,
  { share, weight }: LeafShare,
): number {
  const sum = code.reduce((total, x, d) => total + x * values[d]!, 0);
  const ofQuery = values.reduce((total, value) => total + value, 0);
  const middle = fround(fround((2 ** bits - 1) / 2) * ofQuery);
  const inner = fround(unit * fround(sum - middle));
  return fround(fround(fround(rescale * inner) + fround(add * weight)) + share);
}
