/**
 * Distances between two f32 vectors. Smaller is nearer, so the dot product is negated.
 *
 * The order of the additions is part of the definition (the scalar twin repeats it, and the answers are equal bit for
 * bit): four accumulators of four lanes over blocks of 16; the rest by fours into accumulator 0;
 * (a0 + a1) + (a2 + a3); (lane 0 + lane 1) + (lane 2 + lane 3); then the last 0-3 elements one by one.
 *
 * Functions here take the metric as a constant and are inlined, so that each caller is compiled per metric.
 */

export const L2: i32 = 0;
export const DOT: i32 = 1;
export const L1: i32 = 2;

// @ts-ignore: decorator
@inline
function step4(metric: i32, sum: v128, a: v128, b: v128, magnitude: v128): v128 {
  if (metric == DOT) return f32x4.add(sum, f32x4.mul(a, b));
  const difference = f32x4.sub(a, b);
  if (metric == L1) return f32x4.add(sum, v128.and(difference, magnitude));
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

// @ts-ignore: decorator
@inline
function step1(metric: i32, sum: f32, a: f32, b: f32): f32 {
  if (metric == DOT) return sum + a * b;
  const difference = a - b;
  if (metric == L1) return sum + abs<f32>(difference);
  return sum + difference * difference;
}

// @ts-ignore: decorator
@inline
function addLanes(sum: v128): f32 {
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}

/** Distance of the vectors at `a` and `b`; neither needs to be aligned. */
// @ts-ignore: decorator
@inline
export function distance(metric: i32, a: usize, b: usize, dimension: u32): f32 {
  // 0x7fffffff in every lane. V8 makes constants, and the mask of f32x4.abs, anew for every use (75 against 58 ns at
  // d = 768); a value that it cannot know (dimension < 2^31 changes nothing) stays in a register.
  const magnitude = i32x4.splat(<i32>dimension | 0x7fffffff);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end16 = a + ((<usize>dimension & ~15) << 2);
  const end4 = a + ((<usize>dimension & ~3) << 2);
  const end = a + (<usize>dimension << 2);
  while (a < end16) {
    s0 = step4(metric, s0, v128.load(a), v128.load(b), magnitude);
    s1 = step4(metric, s1, v128.load(a, 16), v128.load(b, 16), magnitude);
    s2 = step4(metric, s2, v128.load(a, 32), v128.load(b, 32), magnitude);
    s3 = step4(metric, s3, v128.load(a, 48), v128.load(b, 48), magnitude);
    a += 64;
    b += 64;
  }
  while (a < end4) {
    s0 = step4(metric, s0, v128.load(a), v128.load(b), magnitude);
    a += 16;
    b += 16;
  }
  let sum = addLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  while (a < end) {
    sum = step1(metric, sum, load<f32>(a), load<f32>(b));
    a += 4;
    b += 4;
  }
  return metric == DOT ? -sum : sum;
}

export function l2Squared(a: usize, b: usize, dimension: u32): f32 {
  return distance(L2, a, b, dimension);
}

export function negatedDot(a: usize, b: usize, dimension: u32): f32 {
  return distance(DOT, a, b, dimension);
}

export function l1(a: usize, b: usize, dimension: u32): f32 {
  return distance(L1, a, b, dimension);
}
