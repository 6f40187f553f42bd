/** Which centroid is nearest: plainly, or by way of groups of centroids. Squared L2 over f32, the first of equals. */
import { L2, distance } from './distance';

// @ts-ignore: decorator
@inline
function nearestOf(row: usize, dimension: u32, centroids: usize, from: u32, to: u32, best: f32, at: u32): u64 {
  const bytes = <usize>dimension << 2;
  for (let i = from; i < to; i++) {
    const value = distance(L2, row, centroids + <usize>i * bytes, dimension);
    if (value < best) {
      best = value;
      at = i;
    }
  }
  return (<u64>reinterpret<u32>(best) << 32) | <u64>at;
}

/** Writes the nearest of `centroidCount` centroids of each row to `out` (u32). */
export function assignRows(
  rows: usize,
  rowCount: u32,
  dimension: u32,
  centroids: usize,
  centroidCount: u32,
  out: usize,
): void {
  const bytes = <usize>dimension << 2;
  for (let i: usize = 0; i < <usize>rowCount; i++) {
    store<u32>(out + (i << 2), <u32>nearestOf(rows + i * bytes, dimension, centroids, 0, centroidCount, Infinity, 0));
  }
}

/**
 * As `assignRows`, but looks at the centroids of the two nearest groups only. Group g has the centroid g at `groups`
 * and the leaves starts[g] .. starts[g + 1] (u32) at `centroids`; none is empty.
 */
export function assignGrouped(
  rows: usize,
  rowCount: u32,
  dimension: u32,
  groups: usize,
  groupCount: u32,
  starts: usize,
  centroids: usize,
  out: usize,
): void {
  const bytes = <usize>dimension << 2;
  for (let i: usize = 0; i < <usize>rowCount; i++) {
    const row = rows + i * bytes;
    let first: u32 = 0;
    let second: u32 = 0;
    let nearest: f32 = Infinity;
    let next: f32 = Infinity;
    for (let g: u32 = 0; g < groupCount; g++) {
      const value = distance(L2, row, groups + <usize>g * bytes, dimension);
      if (value < nearest) {
        next = nearest;
        second = first;
        nearest = value;
        first = g;
      } else if (value < next) {
        next = value;
        second = g;
      }
    }
    let from = load<u32>(starts + (<usize>first << 2));
    let found = nearestOf(row, dimension, centroids, from, load<u32>(starts + (<usize>first << 2), 4), Infinity, from);
    if (next < Infinity) {
      from = load<u32>(starts + (<usize>second << 2));
      const best = reinterpret<f32>(<u32>(found >> 32));
      found = nearestOf(row, dimension, centroids, from, load<u32>(starts + (<usize>second << 2), 4), best, <u32>found);
    }
    store<u32>(out + (i << 2), <u32>found);
  }
}
