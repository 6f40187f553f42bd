/**
 * What the RaBitQ kernels know of rows and query beside the index's state: a struct at RABITQ, in the scratch of whoever
 * searches. core/index/layout/rabitq-state.ts states the same numbers and writes them; test/index/state.test.ts compares.
 */
import { RABITQ } from './index-state';

// @ts-ignore: decorator
@inline
function field(offset: usize): u32 {
  return load<u32>(<usize>load<u32>(RABITQ) + offset);
}

/** Dimensions of what was rotated: a multiple of 64. */
// @ts-ignore: decorator
@inline
export function padded(): u32 {
  return field(0);
}

/** Of a code, per dimension. */
// @ts-ignore: decorator
@inline
export function codeBits(): u32 {
  return field(4);
}

/** f32 per dimension: the rotated query. */
// @ts-ignore: decorator
@inline
export function rotatedAt(): usize {
  return <usize>field(8);
}

/** i8 per dimension: the query on its grid. */
// @ts-ignore: decorator
@inline
export function signedAt(): usize {
  return <usize>field(12);
}

/** The same in four planes of a bit per dimension, least significant first; the last one counts negative. Of 1-bit codes alone. */
// @ts-ignore: decorator
@inline
export function planesAt(): usize {
  return <usize>field(16);
}

/** u16: the leaf of every 32nd row. */
// @ts-ignore: decorator
@inline
export function leafOfAt(): usize {
  return <usize>field(20);
}

/** u32: the first row of each leaf, and the number of rows. */
// @ts-ignore: decorator
@inline
export function leafStartsAt(): usize {
  return <usize>field(24);
}

/** f32 per dimension and leaf: rotated centroids. */
// @ts-ignore: decorator
@inline
export function centroidsAt(): usize {
  return <usize>field(28);
}

/** Two f32 per leaf: what the distance of a row owes to its leaf, and what the term `add` is multiplied by. */
// @ts-ignore: decorator
@inline
export function sharesAt(): usize {
  return <usize>field(32);
}

/** u8 per leaf: whether its share is that of this query. */
// @ts-ignore: decorator
@inline
export function marksAt(): usize {
  return <usize>field(36);
}

// @ts-ignore: decorator
@inline
export function leafCount(): u32 {
  return field(40);
}

/** What one unit of the signed query is worth, and the sum of its units: both of the prepared query. */
const UNIT: usize = 44;
const SUM: usize = 48;
/** By which the term `add` is multiplied, of the leaf whose share was asked for last. */
const WEIGHT: usize = 52;

// @ts-ignore: decorator
@inline
export function queryUnit(): f32 {
  return load<f32>(<usize>load<u32>(RABITQ) + UNIT);
}

// @ts-ignore: decorator
@inline
export function querySum(): f32 {
  return load<f32>(<usize>load<u32>(RABITQ) + SUM);
}

// @ts-ignore: decorator
@inline
export function shareWeight(): f32 {
  return load<f32>(<usize>load<u32>(RABITQ) + WEIGHT);
}

// @ts-ignore: decorator
@inline
export function putWeight(weight: f32): void {
  store<f32>(<usize>load<u32>(RABITQ) + WEIGHT, weight);
}

export function putQuery(unit: f32, sum: f32): void {
  const at = <usize>load<u32>(RABITQ);
  store<f32>(at + UNIT, unit);
  store<f32>(at + SUM, sum);
}
