/**
 * Integer products over SQ8 codes, 16 dimensions a step. Every stride is a multiple of 16, and the weights of the
 * padding are zero. Sums are exact: the order of the additions does not matter, and the twins need not repeat it.
 */

// @ts-ignore: decorator
@inline
function addLanes(sum: v128): i32 {
  return (
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + (i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3))
  );
}

// @ts-ignore: decorator
@inline
function addFloatLanes(sum: v128): f32 {
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}

// @ts-ignore: decorator
@inline
function distances8(a: v128, b: v128): v128 {
  return v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
}

/** Sum of code x weight. Requires: sum |weight| x 255 < 2^31. */
// @ts-ignore: decorator
@inline
export function product(codes: usize, weights: usize, stride: usize): i32 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  const end = codes + stride;
  while (codes < end) {
    const c = v128.load(codes);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(c), v128.load(weights)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(c), v128.load(weights, 16)));
    codes += 16;
    weights += 32;
  }
  return addLanes(i32x4.add(s0, s1));
}

/** Sums of the codes with four rows of weights that lie one behind the other -> four i32 at `out`. */
export function product4(codes: usize, weights: usize, stride: usize, out: usize): void {
  const wide = stride << 1;
  let w1 = weights + wide;
  let w2 = w1 + wide;
  let w3 = w2 + wide;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = codes + stride;
  while (codes < end) {
    const c = v128.load(codes);
    const low = i16x8.extend_low_i8x16_u(c);
    const high = i16x8.extend_high_i8x16_u(c);
    s0 = i32x4.add(s0, i32x4.add(i32x4.dot_i16x8_s(low, v128.load(weights)), i32x4.dot_i16x8_s(high, v128.load(weights, 16))));
    s1 = i32x4.add(s1, i32x4.add(i32x4.dot_i16x8_s(low, v128.load(w1)), i32x4.dot_i16x8_s(high, v128.load(w1, 16))));
    s2 = i32x4.add(s2, i32x4.add(i32x4.dot_i16x8_s(low, v128.load(w2)), i32x4.dot_i16x8_s(high, v128.load(w2, 16))));
    s3 = i32x4.add(s3, i32x4.add(i32x4.dot_i16x8_s(low, v128.load(w3)), i32x4.dot_i16x8_s(high, v128.load(w3, 16))));
    codes += 16;
    weights += 32;
    w1 += 32;
    w2 += 32;
    w3 += 32;
  }
  v128.store(out, sumsOf4(s0, s1, s2, s3));
}

/** Sums of four rows of codes with one row of weights -> four i32. */
// @ts-ignore: decorator
@inline
export function products4(a: usize, b: usize, c: usize, d: usize, weights: usize, stride: usize): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (const end = weights + (stride << 1); weights < end; weights += 32) {
    const w0 = v128.load(weights);
    const w1 = v128.load(weights, 16);
    const x0 = v128.load(a);
    const x1 = v128.load(b);
    const x2 = v128.load(c);
    const x3 = v128.load(d);
    s0 = i32x4.add(s0, i32x4.add(i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(x0), w0), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(x0), w1)));
    s1 = i32x4.add(s1, i32x4.add(i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(x1), w0), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(x1), w1)));
    s2 = i32x4.add(s2, i32x4.add(i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(x2), w0), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(x2), w1)));
    s3 = i32x4.add(s3, i32x4.add(i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(x3), w0), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(x3), w1)));
    a += 16;
    b += 16;
    c += 16;
    d += 16;
  }
  return sumsOf4(s0, s1, s2, s3);
}

/** The sum of the lanes of each, as one vector. */
// @ts-ignore: decorator
@inline
export function sumsOf4(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 4, 1, 5), v128.shuffle<i32>(s0, s1, 2, 6, 3, 7));
  const b = i32x4.add(v128.shuffle<i32>(s2, s3, 0, 4, 1, 5), v128.shuffle<i32>(s2, s3, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
}

/** Sum of |a - b| x weight. Requires: weights >= 0 with a sum x 255 < 2^31. */
// @ts-ignore: decorator
@inline
export function absolute(a: usize, b: usize, weights: usize, stride: usize): i32 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  const end = a + stride;
  while (a < end) {
    const d = distances8(v128.load(a), v128.load(b));
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(d), v128.load(weights)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(d), v128.load(weights, 16)));
    a += 16;
    b += 16;
    weights += 32;
  }
  return addLanes(i32x4.add(s0, s1));
}

/**
 * Sum of ((a - b) x weight)^2, or any number above `limit` once the sum is above it. Requires: 0 <= weight <= 127, and
 * that `blocks` blocks of 16 cannot carry a lane past 2^31.
 */
// @ts-ignore: decorator
@inline
export function squares(a: usize, b: usize, weights: usize, stride: usize, blocks: usize, limit: f32): f32 {
  let total = f32x4.splat(0);
  const end = a + stride;
  while (a < end) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    const stop = min<usize>(a + (blocks << 4), end);
    while (a < stop) {
      const d = distances8(v128.load(a), v128.load(b));
      const t0 = i16x8.mul(i16x8.extend_low_i8x16_u(d), v128.load(weights));
      const t1 = i16x8.mul(i16x8.extend_high_i8x16_u(d), v128.load(weights, 16));
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(t0, t0));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(t1, t1));
      a += 16;
      b += 16;
      weights += 32;
    }
    total = f32x4.add(total, f32x4.add(f32x4.convert_i32x4_s(s0), f32x4.convert_i32x4_s(s1)));
    if (addFloatLanes(total) > limit) break;
  }
  return addFloatLanes(total);
}

/** Sum of (a - 128) x weight x (b - 128) x weight. Requires: as `squares`. */
// @ts-ignore: decorator
@inline
export function centred(a: usize, b: usize, weights: usize, stride: usize, blocks: usize): f32 {
  const middle = i16x8.splat(128);
  let total = f32x4.splat(0);
  const end = a + stride;
  while (a < end) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    const stop = min<usize>(a + (blocks << 4), end);
    while (a < stop) {
      const x = v128.load(a);
      const y = v128.load(b);
      const w0 = v128.load(weights);
      const w1 = v128.load(weights, 16);
      const x0 = i16x8.mul(i16x8.sub(i16x8.extend_low_i8x16_u(x), middle), w0);
      const x1 = i16x8.mul(i16x8.sub(i16x8.extend_high_i8x16_u(x), middle), w1);
      const y0 = i16x8.mul(i16x8.sub(i16x8.extend_low_i8x16_u(y), middle), w0);
      const y1 = i16x8.mul(i16x8.sub(i16x8.extend_high_i8x16_u(y), middle), w1);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x0, y0));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x1, y1));
      a += 16;
      b += 16;
      weights += 32;
    }
    total = f32x4.add(total, f32x4.add(f32x4.convert_i32x4_s(s0), f32x4.convert_i32x4_s(s1)));
  }
  return addFloatLanes(total);
}

export function codeProduct(codes: usize, weights: usize, stride: usize): i32 {
  return product(codes, weights, stride);
}

export function codeAbsolute(a: usize, b: usize, weights: usize, stride: usize): i32 {
  return absolute(a, b, weights, stride);
}

export function codeSquares(a: usize, b: usize, weights: usize, stride: usize, blocks: usize, limit: f32): f32 {
  return squares(a, b, weights, stride, blocks, limit);
}

export function codeCentred(a: usize, b: usize, weights: usize, stride: usize, blocks: usize): f32 {
  return centred(a, b, weights, stride, blocks);
}
