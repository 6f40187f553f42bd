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

/** Projects the i16 at VALUES to `out` (f32), times `scale`. */
export function project(scale: f32, out: usize): void {
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
    const factor = f32x4.mul(v128.load(factors + p), scales);
    v128.store(out + p, f32x4.mul(f32x4.convert_i32x4_s(sumsOf4(s0, s1, s2, s3)), factor));
  }
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
    project(1, out);
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
