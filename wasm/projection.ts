/**
 * Rows and queries on fewer dimensions: products of their codes with the rows of a matrix of i8, four at a time. And what
 * learns such a matrix: products of many f32 rows with many.
 *
 * A projection lies as i8 weights[outputs][stride], f32 factor[outputs], outputs being a multiple of 4:
 * out[p] = factor[p] x sum of weights[p] x value. Requires: no value beyond +-4,095, so that sums stay in i32.
 */
import { sumsOf4 } from './code-distance';
import { codeAt } from './code-rows';
import { OUTPUTS, PROJECTION, STRIDE, VALUES } from './index-state';

/** Projects the i16 at VALUES to `out` (f32), times `scale`. What lies at VALUES is used up. */
export function project(scale: f32, out: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD && splitBytes()) projectBytes(scale, out);
  else projectWords(scale, out);
}

// @ts-ignore: decorator
@inline
function storeOutputs(sums: v128, factors: usize, scales: v128, out: usize): void {
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.mul(v128.load(factors), scales)));
}

function projectWords(scale: f32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const outputs = <usize>load<u32>(OUTPUTS);
  const values = <usize>load<u32>(VALUES);
  let weights = <usize>load<u32>(PROJECTION);
  const factors = weights + outputs * stride;
  const scales = f32x4.splat(scale);
  for (let p: usize = 0; p < outputs << 2; p += 16) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let w1 = weights + stride;
    let w2 = w1 + stride;
    let w3 = w2 + stride;
    for (let at = values, end = values + (stride << 1); at < end; at += 16) {
      const x = v128.load(at);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x, v128.load8x8_s(weights)));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x, v128.load8x8_s(w1)));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(x, v128.load8x8_s(w2)));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(x, v128.load8x8_s(w3)));
      weights += 8;
      w1 += 8;
      w2 += 8;
      w3 += 8;
    }
    weights = w3;
    storeOutputs(sumsOf4(s0, s1, s2, s3), factors + p, scales, out + p);
  }
}

/**
 * Makes of every 16 values 16 masks, -1 where a value is negative, and 16 magnitudes; false, and nothing is done, where one
 * is beyond +-127. Magnitudes of 7 bits are what a relaxed product is exact for.
 */
function splitBytes(): bool {
  const values = <usize>load<u32>(VALUES);
  const end = values + (<usize>load<u32>(STRIDE) << 1);
  let most = i16x8.splat(0);
  for (let at = values; at < end; at += 16) most = i16x8.max_u(most, i16x8.abs(v128.load(at)));
  if (v128.any_true(i16x8.gt_u(most, i16x8.splat(127)))) return false;
  for (let at = values; at < end; at += 32) {
    const bytes = i8x16.narrow_i16x8_s(v128.load(at), v128.load(at, 16));
    v128.store(at, i8x16.lt_s(bytes, i8x16.splat(0)));
    v128.store(at, i8x16.abs(bytes), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function addSigned(sum: v128, weights: v128, negative: v128, magnitudes: v128, ones: v128): v128 {
  // Not the product that adds up i32: V8 makes its constant of ones anew for every use where AVX-VNNI is missing.
  const pairs = i16x8.relaxed_dot_i8x16_i7x16_s(v128.xor(weights, negative), magnitudes);
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, ones));
}

/**
 * `projectWords` of values that were split. A weight w under a mask of -1 becomes -w - 1, so that of every negative value the
 * magnitude is missing in a sum: the same for all outputs.
 */
function projectBytes(scale: f32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const outputs = <usize>load<u32>(OUTPUTS);
  const values = <usize>load<u32>(VALUES);
  const end = values + (stride << 1);
  let weights = <usize>load<u32>(PROJECTION);
  const factors = weights + outputs * stride;
  const scales = f32x4.splat(scale);
  // Ones, in a way that V8 cannot know (stride < 2^31): they stay in a register.
  const ones = v128.or(i16x8.splat(1), i32x4.splat(<i32>(stride >> 31)));
  const missing = missingOf(values, end);
  for (let p: usize = 0; p < outputs << 2; p += 16) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let w1 = weights + stride;
    let w2 = w1 + stride;
    let w3 = w2 + stride;
    for (let at = values; at < end; at += 32) {
      const negative = v128.load(at);
      const magnitudes = v128.load(at, 16);
      s0 = addSigned(s0, v128.load(weights), negative, magnitudes, ones);
      s1 = addSigned(s1, v128.load(w1), negative, magnitudes, ones);
      s2 = addSigned(s2, v128.load(w2), negative, magnitudes, ones);
      s3 = addSigned(s3, v128.load(w3), negative, magnitudes, ones);
      weights += 16;
      w1 += 16;
      w2 += 16;
      w3 += 16;
    }
    weights = w3;
    storeOutputs(i32x4.add(sumsOf4(s0, s1, s2, s3), missing), factors + p, scales, out + p);
  }
}

/** The magnitudes of the negative values, added up, in every lane. */
function missingOf(values: usize, end: usize): v128 {
  let sum = i32x4.splat(0);
  for (let at = values; at < end; at += 32) {
    const magnitudes = v128.and(v128.load(at), v128.load(at, 16));
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_u(magnitudes)));
  }
  return sumsOf4(sum, sum, sum, sum);
}

/** Projects `count` rows from `first` on, decoded, to `out`: f32, OUTPUTS of each. */
export function projectRows(first: u32, count: u32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const values = <usize>load<u32>(VALUES);
  const middle = i16x8.splat(128);
  for (let i: u32 = 0; i < count; i++) {
    const code = codeAt(first + i);
    for (let at: usize = 0; at < stride; at += 8) {
      v128.store(values + (at << 1), i16x8.sub(v128.load8x8_u(code + at), middle));
    }
    projectWords(1, out);
    out += <usize>load<u32>(OUTPUTS) << 2;
  }
}

// @ts-ignore: decorator
@inline
function sumOf4Floats(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = f32x4.add(v128.shuffle<i32>(s0, s1, 0, 4, 1, 5), v128.shuffle<i32>(s0, s1, 2, 6, 3, 7));
  const b = f32x4.add(v128.shuffle<i32>(s2, s3, 0, 4, 1, 5), v128.shuffle<i32>(s2, s3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
}

/** out[i][j] += the product of row i of `a` with row j of `b`. `length` and `bRows` are multiples of 4. */
export function addProducts(a: usize, aRows: u32, b: usize, bRows: u32, length: u32, out: usize): void {
  const bytes = <usize>length << 2;
  for (let i: u32 = 0; i < aRows; i++) {
    let row = b;
    for (let j: u32 = 0; j < bRows; j += 4) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let b1 = row + bytes;
      let b2 = b1 + bytes;
      let b3 = b2 + bytes;
      for (let at = a, end = a + bytes; at < end; at += 16) {
        const x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row)));
        s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b1)));
        s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b2)));
        s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b3)));
        row += 16;
        b1 += 16;
        b2 += 16;
        b3 += 16;
      }
      row = b3;
      v128.store(out, f32x4.add(v128.load(out), sumOf4Floats(s0, s1, s2, s3)));
      out += 16;
    }
    a += bytes;
  }
}

/** target += factor x source. `length` is a multiple of 4. */
export function addScaled(target: usize, source: usize, factor: f32, length: u32): void {
  const factors = f32x4.splat(factor);
  for (const end = target + (<usize>length << 2); target < end; target += 16, source += 16) {
    v128.store(target, f32x4.add(v128.load(target), f32x4.mul(factors, v128.load(source))));
  }
}
