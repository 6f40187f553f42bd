/** Checks and sums over f32 rows as they arrive: is every number finite, and how long is each vector. */

/** Index of the first of `count` f32 at `values` that is NaN or infinite, or -1. */
export function firstNonFinite(values: usize, count: u32): i32 {
  const exponent = i32x4.splat(0x7f800000);
  let i: u32 = 0;
  for (; i + 16 <= count; i += 16) {
    const at = values + (<usize>i << 2);
    const a = i32x4.eq(v128.and(v128.load(at), exponent), exponent);
    const b = i32x4.eq(v128.and(v128.load(at, 16), exponent), exponent);
    const c = i32x4.eq(v128.and(v128.load(at, 32), exponent), exponent);
    const d = i32x4.eq(v128.and(v128.load(at, 48), exponent), exponent);
    if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) break;
  }
  for (; i < count; i++) {
    if ((load<u32>(values + (<usize>i << 2)) & 0x7f800000) == 0x7f800000) return <i32>i;
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function square2(sum: v128, at: usize, offset: usize): v128 {
  const wide = f64x2.promote_low_f32x4(v128.load64_zero(at + offset));
  return f64x2.add(sum, f64x2.mul(wide, wide));
}

/**
 * Writes the squared length of each row to `out` (f64). The order of the additions is the twin's: four accumulators of
 * two lanes over blocks of 8, (s0 + s1) + (s2 + s3), lane 0 + lane 1, then the last 0-7 elements one by one.
 */
export function sumSquares(rows: usize, rowCount: u32, dimension: u32, stride: usize, out: usize): void {
  for (let row: u32 = 0; row < rowCount; row++) {
    let at = rows + <usize>row * stride;
    const end8 = at + ((<usize>dimension & ~7) << 2);
    const end = at + (<usize>dimension << 2);
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (; at < end8; at += 32) {
      s0 = square2(s0, at, 0);
      s1 = square2(s1, at, 8);
      s2 = square2(s2, at, 16);
      s3 = square2(s3, at, 24);
    }
    const lanes = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
    let sum = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
    for (; at < end; at += 4) {
      const value = <f64>load<f32>(at);
      sum += value * value;
    }
    store<f64>(out + (<usize>row << 3), sum);
  }
}
