/**
 * Rows as SQ8 codes: making them, measuring lists of them against the prepared query, and against each other. Lists of rows of
 * other codings are measured by way of here, too.
 */
import { absolute, centred, product, products4, squares } from './code-distance';
import { measureF32 } from './f32-rows';
import {
  BASE, CODES, CODING, DOT, FACTORS, INVERSES, KIND, L1, L2, LOWS, OFFSETS, PAIR_BLOCKS, PAIR_SCALE, PAIR_WEIGHTS, PQ_CODES, QUERY_CODES,
  RABITQ_CODES, ROW_SCALE, SCALE, SQ8, STRIDE, TERMS, TERM_A, TERM_B, TERM_FACTOR, WEIGHTS,
} from './index-state';
import { measurePq } from './pq-rows';
import { measureRabitq } from './rabitq';

// @ts-ignore: decorator
@inline
export function codeAt(row: u32): usize {
  return <usize>load<u32>(CODES) + <usize>row * <usize>load<u32>(STRIDE);
}

// @ts-ignore: decorator
@inline
export function termAt(row: u32): f32 {
  return load<f32>(<usize>load<u32>(TERMS) + (<usize>row << 2));
}

// @ts-ignore: decorator
@inline
function grid4(at: usize, low: usize, inverse: usize, scale: v128): v128 {
  const value = f32x4.mul(f32x4.sub(f32x4.mul(v128.load(at), scale), v128.load(low)), v128.load(inverse));
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(value));
}

/** The f32 row at `at` -> codes at `code`; the padding's lows and inverses are 0, and so are its codes. */
function encodeRow(at: usize, code: usize, dimension: u32, scale: f32): void {
  let low = <usize>load<u32>(LOWS);
  let inverse = <usize>load<u32>(INVERSES);
  const end16 = at + (<usize>(dimension & ~15) << 2);
  const end = at + (<usize>dimension << 2);
  const padded = code + <usize>load<u32>(STRIDE);
  const factor = f32x4.splat(scale);
  while (at < end16) {
    const a = grid4(at, low, inverse, factor);
    const b = grid4(at + 16, low + 16, inverse + 16, factor);
    const c = grid4(at + 32, low + 32, inverse + 32, factor);
    const d = grid4(at + 48, low + 48, inverse + 48, factor);
    // Narrowing saturates: what lies outside the range becomes 0 or 255.
    v128.store(
      code,
      i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)),
    );
    at += 64;
    low += 64;
    inverse += 64;
    code += 16;
  }
  while (at < end) {
    const value = nearest<f32>((load<f32>(at) * scale - load<f32>(low)) * load<f32>(inverse));
    store<u8>(code, <u32>min<f32>(max<f32>(value, 0), 255));
    code++;
    at += 4;
    low += 4;
    inverse += 4;
  }
  for (; code < padded; code++) store<u8>(code, 0);
}

/**
 * Encodes `count` rows as rows `first`..., and their terms. `scales` is one f32 per row, multiplied in first (0: none).
 * A term is the sum of (a c + b) c with c = code - 128: for L2 a = the squared step, for dot b = middle x step.
 */
export function encodeRows(rows: usize, count: u32, dimension: u32, scales: usize, first: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const scale: f32 = scales != 0 ? load<f32>(scales + (<usize>i << 2)) : 1;
    const code = codeAt(first + i);
    encodeRow(rows + ((<usize>i * <usize>dimension) << 2), code, dimension, scale);
    store<f32>(<usize>load<u32>(TERMS) + (<usize>(first + i) << 2), termOf(code, dimension));
  }
}

function termOf(code: usize, dimension: u32): f32 {
  let a = <usize>load<u32>(TERM_A);
  let b = <usize>load<u32>(TERM_B);
  let sum: f64 = 0;
  for (const end = code + <usize>dimension; code < end; code++) {
    const c = <f32>(<i32>load<u8>(code) - 128);
    sum += <f64>((load<f32>(a) * c + load<f32>(b)) * c);
    a += 4;
    b += 4;
  }
  return <f32>sum;
}

// @ts-ignore: decorator
@inline
function weigh4(c: v128, factor: usize, offset: usize): v128 {
  const value = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(c), v128.load(factor)), v128.load(offset));
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(value));
}

/** Writes the weights of the decoded row, as a build compares; returns the constant of its distances. L2 and dot. */
export function weighRow(row: u32, weights: usize): f64 {
  const code = codeAt(row);
  const stride = <usize>load<u32>(STRIDE);
  const factors = <usize>load<u32>(FACTORS);
  const offsets = <usize>load<u32>(OFFSETS);
  const middle = i16x8.splat(128);
  const one = i16x8.splat(1);
  let sum = i32x4.splat(0);
  for (let at: usize = 0; at < stride; at += 8) {
    const c = i16x8.sub(v128.load8x8_u(code + at), middle);
    const f = factors + (at << 2);
    const o = offsets + (at << 2);
    const w = i16x8.narrow_i32x4_s(
      weigh4(i32x4.extend_low_i16x8_s(c), f, o),
      weigh4(i32x4.extend_high_i16x8_s(c), f + 16, o + 16),
    );
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(w, one));
    v128.store(weights + (at << 1), w);
  }
  const total = <f64>(
    (i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3))
  );
  const unit = load<f64>(ROW_SCALE);
  const term = <f64>termAt(row);
  return load<u32>(KIND) == DOT ? 128 * unit * total - term : term + 256 * unit * total;
}

/** Makes the decoded row the query, in the distances that a build compares. */
export function prepareRow(row: u32): void {
  const kind = load<u32>(KIND);
  if (kind == L1) {
    store<u32>(QUERY_CODES, <u32>codeAt(row));
    store<f64>(BASE, 0);
    return;
  }
  store<f64>(BASE, weighRow(row, <usize>load<u32>(WEIGHTS)));
  store<f64>(SCALE, (kind == DOT ? -1 : -2) * load<f64>(ROW_SCALE));
  store<f64>(TERM_FACTOR, kind == DOT ? 0 : 1);
}

function measureAbsolute(list: usize, count: u32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const query = <usize>load<u32>(QUERY_CODES);
  const weights = <usize>load<u32>(WEIGHTS);
  const base = load<f64>(BASE);
  const scale = load<f64>(SCALE);
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 4) {
    const sum = absolute(codes + <usize>load<u32>(list + i) * stride, query, weights, stride);
    store<f32>(out + i, <f32>(base + scale * <f64>sum));
  }
}

// @ts-ignore: decorator
@inline
function distanceOf(base: f64, termFactor: f64, terms: usize, row: usize, scale: f64, sum: i32): f32 {
  return <f32>(base + termFactor * <f64>load<f32>(terms + (row << 2)) + scale * <f64>sum);
}

/** Writes the distance of each listed row to the prepared query to `out` (f32). */
export function measure(list: usize, count: u32, out: usize): void {
  const coding = load<u32>(CODING);
  if (coding != SQ8) {
    if (coding == RABITQ_CODES) measureRabitq(list, count, out);
    else if (coding == PQ_CODES) measurePq(list, count, out);
    else measureF32(list, count, out);
    return;
  }
  if (load<u32>(KIND) == L1) {
    measureAbsolute(list, count, out);
    return;
  }
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const terms = <usize>load<u32>(TERMS);
  const weights = <usize>load<u32>(WEIGHTS);
  const base = load<f64>(BASE);
  const scale = load<f64>(SCALE);
  const termFactor = load<f64>(TERM_FACTOR);
  const end = <usize>count << 2;
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    const a = <usize>load<u32>(list + i);
    const b = <usize>load<u32>(list + i, 4);
    const c = <usize>load<u32>(list + i, 8);
    const d = <usize>load<u32>(list + i, 12);
    const sums = products4(codes + a * stride, codes + b * stride, codes + c * stride, codes + d * stride, weights, stride);
    store<f32>(out + i, distanceOf(base, termFactor, terms, a, scale, i32x4.extract_lane(sums, 0)));
    store<f32>(out + i, distanceOf(base, termFactor, terms, b, scale, i32x4.extract_lane(sums, 1)), 4);
    store<f32>(out + i, distanceOf(base, termFactor, terms, c, scale, i32x4.extract_lane(sums, 2)), 8);
    store<f32>(out + i, distanceOf(base, termFactor, terms, d, scale, i32x4.extract_lane(sums, 3)), 12);
  }
  for (; i < end; i += 4) {
    const row = <usize>load<u32>(list + i);
    const sum = product(codes + row * stride, weights, stride);
    store<f32>(out + i, distanceOf(base, termFactor, terms, row, scale, sum));
  }
}

/** The distance of two rows; where it is above `limit`, any number above `limit` will do. */
export function between(a: u32, b: u32, limit: f32): f32 {
  const kind = load<u32>(KIND);
  const stride = <usize>load<u32>(STRIDE);
  const weights = <usize>load<u32>(PAIR_WEIGHTS);
  const scale = load<f64>(PAIR_SCALE);
  if (kind == L1) return <f32>(scale * <f64>absolute(codeAt(a), codeAt(b), weights, stride));
  const blocks = <usize>load<u32>(PAIR_BLOCKS);
  if (kind == L2) {
    const bound = <f32>(<f64>limit / scale);
    return <f32>(scale * <f64>squares(codeAt(a), codeAt(b), weights, stride, blocks, bound));
  }
  const sum = <f64>centred(codeAt(a), codeAt(b), weights, stride, blocks);
  return <f32>-(<f64>termAt(a) + <f64>termAt(b) + scale * sum);
}

/**
 * Loads one byte of every cache line of the listed rows. WebAssembly has no prefetch: these loads overlap, where those
 * of a distance wait for each other. The answer is of no use but must be stored, or the loads are optimised away.
 */
// @ts-ignore: decorator
@inline
export function touch(list: usize, count: u32): u32 {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  let sink: u32 = 0;
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 4) {
    let at = codes + <usize>load<u32>(list + i) * stride;
    const last = at + stride - 1;
    for (; at < last; at += 64) sink += load<u8>(at);
    sink += load<u8>(last);
  }
  return sink;
}

/** Whether two rows have the same codes. */
export function sameCodes(a: u32, b: u32): bool {
  let x = codeAt(a);
  let y = codeAt(b);
  for (const end = x + <usize>load<u32>(STRIDE); x < end; x += 16, y += 16) {
    if (v128.any_true(v128.xor(v128.load(x), v128.load(y)))) return false;
  }
  return true;
}
