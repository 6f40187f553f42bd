/**
 * Makes of an f32 query what the code kernels compare with: i16 weights (L1: codes), and the constants around the integer sum.
 * In f64, because the difference of large numbers would leave f32 no digits where all data are far out.
 *
 * L2: |q - v|^2 = |q - mid|^2 + |v - mid|^2 - 2 (q - mid)(v - mid), with v - mid = step (code - 128).
 * Dot: -(q v) = -(q mid) - sum q step (code - 128).
 * L1: |q - v| = step |q' - code| where q lies on the grid, q' being its place there; beside it, the way to its edge on top.
 *
 * The order of the additions is the twin's (core/kernel/scalar/query.ts): two lanes, even and odd dimensions, added at the end.
 */
import {
  BASE, DOT, FROM_MIDDLES, INVERSE_STEPS, KIND, L1, MIDDLES, QUERY_CODES, SCALE, STEPS, TERM_FACTOR, VALUES, WEIGHED, WEIGHTS,
} from './index-state';

const WEIGHT_MAX: f64 = 32767;
const SUM_MAX: f64 = 2147483647;
const CODE_MAX: f64 = 255;
/** Values of a projected query: 127 x this x 4,096 dimensions stays in i32. */
const VALUE_MAX: f64 = 4095;
/** Values that fit a byte, which the relaxed module multiplies faster. */
const BYTE_MAX: f64 = 127;
/** A query so near the grid loses no more by bytes than rows do, whose codes are bytes: one unit is 1.5 codes at most. */
const BYTES_UP_TO: f64 = 190.5;

// @ts-ignore: decorator
@inline
function sumLanes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline
function maxLanes(sum: v128): f64 {
  return max<f64>(f64x2.extract_lane(sum, 0), f64x2.extract_lane(sum, 1));
}

/** 1 / |query|; 0 for one without length. */
export function inverseLength(query: usize, dimension: u32): f64 {
  let sum = f64x2.splat(0);
  for (const end = query + (<usize>dimension << 2); query < end; query += 8) {
    const wide = f64x2.promote_low_f32x4(v128.load64_zero(query));
    sum = f64x2.add(sum, f64x2.mul(wide, wide));
  }
  const squared = sumLanes(sum);
  return squared > 0 ? 1 / sqrt<f64>(squared) : 0;
}

/** floor(value x factor + 1/2) of two f64, as f64. */
// @ts-ignore: decorator
@inline
function rounded(at: usize, factor: v128): v128 {
  return f64x2.floor(f64x2.add(f64x2.mul(v128.load(at), factor), f64x2.splat(0.5)));
}

/** Writes `dimension` (even) f64, each times `factor` and rounded, as i16 to `out`; returns their sum. */
function writeRounded(from: usize, dimension: u32, factor: f64, out: usize): f64 {
  const factors = f64x2.splat(factor);
  let total = f64x2.splat(0);
  for (const end = from + (<usize>dimension << 3); from < end; from += 16) {
    const whole = rounded(from, factors);
    total = f64x2.add(total, whole);
    const words = i32x4.trunc_sat_f64x2_s_zero(whole);
    v128.store32_lane(out, i16x8.narrow_i32x4_s(words, words), 0);
    out += 4;
  }
  return sumLanes(total);
}

/**
 * Prepares the query (f32, a zero behind an odd number of them) times `factor`. `isCosine`: brought to length 1 first. Requires:
 * the table selected is of as many dimensions, the f64 at MIDDLES and STEPS padded by zeros to an even number; for L1 SCALE is
 * what one unit of the weights is worth, whatever the query.
 */
export function prepareQuery(query: usize, dimension: u32, isCosine: bool, factor: f64): void {
  if (load<u32>(KIND) == L1) prepareCodes(query, dimension, factor);
  else prepareWeights(query, dimension, isCosine, factor);
}

/** What lies above 0, and 0 for what does not or is no number. */
// @ts-ignore: decorator
@inline
function above0(value: v128): v128 {
  return f64x2.pmax(f64x2.splat(0), value);
}

function prepareCodes(query: usize, dimension: u32, factor: f64): void {
  const middles = <usize>load<u32>(MIDDLES);
  const steps = <usize>load<u32>(STEPS);
  const codes = <usize>load<u32>(QUERY_CODES);
  const factors = f64x2.splat(factor);
  const most = f64x2.splat(CODE_MAX);
  let outside = f64x2.splat(0);
  for (let d: usize = 0; d < <usize>dimension; d += 2) {
    const value = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(query + (d << 2))), factors);
    const step = v128.load(steps + (d << 3));
    const low = f64x2.sub(v128.load(middles + (d << 3)), f64x2.mul(step, f64x2.splat(128)));
    const fromLow = f64x2.sub(value, low);
    const past = f64x2.sub(fromLow, f64x2.mul(step, most));
    outside = f64x2.add(outside, f64x2.add(above0(f64x2.neg(fromLow)), above0(past)));
    // Where there is no step the code is 0: no row has another.
    const place = v128.and(f64x2.div(fromLow, step), f64x2.gt(step, f64x2.splat(0)));
    const whole = f64x2.pmin(most, above0(f64x2.floor(f64x2.add(place, f64x2.splat(0.5)))));
    const words = i32x4.trunc_sat_f64x2_s_zero(whole);
    const bytes = i16x8.narrow_i32x4_s(words, words);
    v128.store16_lane(codes + d, i8x16.narrow_i16x8_u(bytes, bytes), 0);
  }
  store<f64>(BASE, sumLanes(outside));
  store<f64>(TERM_FACTOR, 0);
}

function prepareWeights(query: usize, dimension: u32, isCosine: bool, factor: f64): void {
  const even = (dimension + 1) & ~1;
  const length = isCosine ? inverseLength(query, even) * factor : factor;
  const isDot = load<u32>(KIND) == DOT;
  const middles = <usize>load<u32>(MIDDLES);
  const steps = <usize>load<u32>(STEPS);
  const weighed = <usize>load<u32>(WEIGHED);
  const fromMiddles = <usize>load<u32>(FROM_MIDDLES);
  const lengths = f64x2.splat(length);
  let squared = f64x2.splat(0);
  let largest = f64x2.splat(0);
  let sum = f64x2.splat(0);
  for (let at: usize = 0, end = <usize>even << 3; at < end; at += 16) {
    const value = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(query + (at >> 1))), lengths);
    const middle = v128.load(middles + at);
    let offset = value;
    if (isDot) squared = f64x2.add(squared, f64x2.mul(value, middle));
    else {
      offset = f64x2.sub(value, middle);
      squared = f64x2.add(squared, f64x2.mul(offset, offset));
    }
    const weight = f64x2.mul(offset, v128.load(steps + at));
    const size = f64x2.abs(weight);
    sum = f64x2.add(sum, size);
    largest = f64x2.pmax(largest, size);
    v128.store(fromMiddles + at, offset);
    v128.store(weighed + at, weight);
  }
  // Rounding may add half a unit in every dimension.
  const room = SUM_MAX - (<f64>dimension + 1) * CODE_MAX;
  let scale = max<f64>(maxLanes(largest) / WEIGHT_MAX, (sumLanes(sum) * CODE_MAX) / room);
  if (!(scale > 0)) scale = 1;
  const total = writeRounded(weighed, even, 1 / scale, <usize>load<u32>(WEIGHTS));
  if (isDot) {
    store<f64>(BASE, 128 * scale * total - sumLanes(squared));
    store<f64>(SCALE, -scale);
    store<f64>(TERM_FACTOR, 0);
  } else {
    store<f64>(BASE, sumLanes(squared) + 256 * scale * total);
    store<f64>(SCALE, -2 * scale);
    store<f64>(TERM_FACTOR, 1);
  }
}

/**
 * Writes the query that was prepared last, on the grid of the codes, to VALUES: in bytes where it lies on the grid or near it,
 * else as fine as values may be. Returns what one unit of them is worth. Requires: not L1.
 */
export function putValues(dimension: u32): f32 {
  const even = (dimension + 1) & ~1;
  const fromMiddles = <usize>load<u32>(FROM_MIDDLES);
  const inverses = <usize>load<u32>(INVERSE_STEPS);
  let largest = f64x2.splat(0);
  for (let at: usize = 0, end = <usize>even << 3; at < end; at += 16) {
    const value = f64x2.mul(v128.load(fromMiddles + at), v128.load(inverses + at));
    largest = f64x2.pmax(largest, f64x2.abs(value));
    v128.store(fromMiddles + at, value);
  }
  const most = maxLanes(largest);
  const unit: f64 = most > 0 ? most / (most <= BYTES_UP_TO ? BYTE_MAX : VALUE_MAX) : 1;
  writeRounded(fromMiddles, even, 1 / unit, <usize>load<u32>(VALUES));
  return <f32>unit;
}
