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
function step4(metric: i32, sum: v128, a: v128, b: v128): v128 {
  if (metric == DOT) return f32x4.add(sum, f32x4.mul(a, b));
  const difference = f32x4.sub(a, b);
  if (metric == L1) return f32x4.add(sum, f32x4.abs(difference));
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
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end16 = a + ((<usize>dimension & ~15) << 2);
  const end4 = a + ((<usize>dimension & ~3) << 2);
  const end = a + (<usize>dimension << 2);
  while (a < end16) {
    s0 = step4(metric, s0, v128.load(a), v128.load(b));
    s1 = step4(metric, s1, v128.load(a, 16), v128.load(b, 16));
    s2 = step4(metric, s2, v128.load(a, 32), v128.load(b, 32));
    s3 = step4(metric, s3, v128.load(a, 48), v128.load(b, 48));
    a += 64;
    b += 64;
  }
  while (a < end4) {
    s0 = step4(metric, s0, v128.load(a), v128.load(b));
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

/**
 * Distances of the query to two rows, in lanes 0 and 1: the same additions in the same order as `distance`, with each
 * part of the query loaded once for both.
 */
// @ts-ignore: decorator
@inline
export function distancePair(metric: i32, query: usize, a: usize, b: usize, dimension: u32): v128 {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end16 = query + ((<usize>dimension & ~15) << 2);
  const end4 = query + ((<usize>dimension & ~3) << 2);
  const end = query + (<usize>dimension << 2);
  while (query < end16) {
    const q0 = v128.load(query);
    a0 = step4(metric, a0, q0, v128.load(a));
    b0 = step4(metric, b0, q0, v128.load(b));
    const q1 = v128.load(query, 16);
    a1 = step4(metric, a1, q1, v128.load(a, 16));
    b1 = step4(metric, b1, q1, v128.load(b, 16));
    const q2 = v128.load(query, 32);
    a2 = step4(metric, a2, q2, v128.load(a, 32));
    b2 = step4(metric, b2, q2, v128.load(b, 32));
    const q3 = v128.load(query, 48);
    a3 = step4(metric, a3, q3, v128.load(a, 48));
    b3 = step4(metric, b3, q3, v128.load(b, 48));
    query += 64;
    a += 64;
    b += 64;
  }
  while (query < end4) {
    const q = v128.load(query);
    a0 = step4(metric, a0, q, v128.load(a));
    b0 = step4(metric, b0, q, v128.load(b));
    query += 16;
    a += 16;
    b += 16;
  }
  let sumA = addLanes(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)));
  let sumB = addLanes(f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)));
  while (query < end) {
    sumA = step1(metric, sumA, load<f32>(query), load<f32>(a));
    sumB = step1(metric, sumB, load<f32>(query), load<f32>(b));
    query += 4;
    a += 4;
    b += 4;
  }
  if (metric == DOT) {
    sumA = -sumA;
    sumB = -sumB;
  }
  return f32x4.replace_lane(f32x4.splat(sumA), 1, sumB);
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
