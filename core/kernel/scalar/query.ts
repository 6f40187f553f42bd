/**
 * Scalar twins of wasm/query.ts: what a query becomes, to the bit. All of it is f64; sums run in the kernels' order: even and
 * odd dimensions apart, added at the end.
 */
import { KERNEL_DOT } from '../metric.js';

const WEIGHT_MAX = 32_767;
const SUM_MAX = 2_147_483_647;
const CODE_MAX = 255;
const VALUE_MAX = 4_095;
const BYTE_MAX = 127;
const BYTES_UP_TO = 190.5;

/** Ranges per dimension, in the units of the kernels. */
export interface Grid {
  readonly middles: Float64Array;
  readonly steps: Float64Array;
}

export interface PreparedQuery {
  readonly weights: Int16Array<ArrayBuffer>;
  /** distance = base + termFactor x term + scale x sum of weight x code. */
  readonly base: number;
  readonly scale: number;
  readonly termFactor: number;
  /** From the middles of the ranges; of dot from 0. */
  readonly fromMiddles: Float64Array<ArrayBuffer>;
}

/** A sum of two lanes. */
function sumOf(terms: Float64Array): number {
  const lanes = [0, 0];
  for (const [d, term] of terms.entries()) lanes[d % 2]! += term;
  return lanes[0]! + lanes[1]!;
}

/** Of what are numbers. */
function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => (largest < Math.abs(value) ? Math.abs(value) : largest), 0);
}

function wholesOf(values: Float64Array, factor: number): Float64Array {
  return values.map((value) => Math.floor(value * factor + 0.5));
}

/** The query times `factor` on the grid of L1, and how far outside of it. */
export function prepareCodesScalar(
  query: Float32Array,
  { middles, steps }: Grid,
  factor: number,
): { readonly codes: Uint8Array<ArrayBuffer>; readonly base: number } {
  const above0 = (value: number): number => (value > 0 ? value : 0);
  const fromLow = Float64Array.from(query, (value, d) => value * factor - (middles[d]! - steps[d]! * 128));
  const outside = fromLow.map((value, d) => above0(-value) + above0(value - steps[d]! * CODE_MAX));
  const codes = Uint8Array.from(fromLow, (value, d) => {
    const place = steps[d]! > 0 ? value / steps[d]! : 0;
    return Math.min(CODE_MAX, above0(Math.floor(place + 0.5)));
  });
  return { codes, base: sumOf(outside) };
}

/** As i16: what is too large becomes the largest, and what is no number 0. */
function wordsOf(wholes: Float64Array): Int16Array<ArrayBuffer> {
  return Int16Array.from(wholes, (whole) => Math.max(-32_768, Math.min(32_767, whole)));
}

/** 1 / |query|; 0 for one without length. */
export function inverseLengthScalar(query: Float32Array): number {
  const squared = sumOf(Float64Array.from(query, (value) => value * value));
  return squared > 0 ? 1 / Math.sqrt(squared) : 0;
}

/** Kind of a code kernel (L2 or dot). `isCosine`: brought to length 1 first. */
export function prepareQueryScalar(
  kind: number,
  query: Float32Array,
  { middles, steps }: Grid,
  { isCosine, factor }: { readonly isCosine: boolean; readonly factor: number },
): PreparedQuery {
  const wide = Float64Array.from(query);
  const length = isCosine ? inverseLengthScalar(query) * factor : factor;
  const isDot = kind === KERNEL_DOT;
  const values = wide.map((value) => value * length);
  const fromMiddles = isDot ? values : values.map((value, d) => value - middles[d]!);
  const weighed = fromMiddles.map((value, d) => value * steps[d]!);
  const room = SUM_MAX - (query.length + 1) * CODE_MAX;
  const ofSum = (sumOf(weighed.map(Math.abs)) * CODE_MAX) / room;
  const scale = Math.max(largestOf(weighed) / WEIGHT_MAX, ofSum) || 1;
  const wholes = wholesOf(weighed, 1 / scale);
  const total = sumOf(wholes);
  const weights = wordsOf(wholes);
  if (isDot) {
    const base = 128 * scale * total - sumOf(values.map((value, d) => value * middles[d]!));
    return { weights, base, scale: -scale, termFactor: 0, fromMiddles };
  }
  const base = sumOf(fromMiddles.map((value) => value * value)) + 256 * scale * total;
  return { weights, base, scale: -2 * scale, termFactor: 1, fromMiddles };
}

/** A prepared query on the grid of the codes, and what one unit of it is worth. */
export function putValuesScalar(
  fromMiddles: Float64Array,
  inverseSteps: Float64Array,
): { readonly values: Int16Array<ArrayBuffer>; readonly unit: number } {
  const exact = fromMiddles.map((value, d) => value * inverseSteps[d]!);
  const most = largestOf(exact);
  const unit = most > 0 ? most / (most <= BYTES_UP_TO ? BYTE_MAX : VALUE_MAX) : 1;
  return { values: wordsOf(wholesOf(exact, 1 / unit)), unit: Math.fround(unit) };
}
