/**
 * Exact search over rows of f32 in flat memory: the best k, all rows at one distance, and the distances of listed rows.
 *
 * `live` is a bitmap, one bit per row, least significant bit first, readable in whole u64 up to the last row (0: every
 * row is live). `scales` is one f32 per row, multiplied into the distance (0: none): for cosine it holds 1/|row|.
 */
import { DOT, L1, L2, distance, l1, l2Squared, negatedDot } from './distance';
import { keyOf, replaceRoot, siftUp, sortHeap, sortable } from './keys';

// @ts-ignore: decorator
@inline
function liveWord(live: usize, base: u32, rowCount: u32): u64 {
  let word: u64 = live != 0 ? load<u64>(live + (base >> 3)) : u64.MAX_VALUE;
  const rest = rowCount - base;
  if (rest < 64) word &= ((<u64>1) << rest) - 1;
  return word;
}

/** The distance as answered. -0 becomes 0: else two rows at a dot product of 0 would tie by chance only. */
// @ts-ignore: decorator
@inline
function scaled(value: f32, scales: usize, row: u32): f32 {
  return (scales != 0 ? value * load<f32>(scales + (<usize>row << 2)) : value) + 0.0;
}

/** Offers a key to the heap of at most `k` and returns the new count. */
// @ts-ignore: decorator
@inline
function offer(heap: usize, count: u32, k: u32, key: u64): u32 {
  if (count < k) {
    siftUp(heap, count, key);
    return count + 1;
  }
  if (key < load<u64>(heap)) replaceRoot(heap, count, key);
  return count;
}

// @ts-ignore: decorator
@inline
function topK(
  metric: i32,
  query: usize,
  rows: usize,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  heap: usize,
  k: u32,
): u32 {
  let count: u32 = 0;
  for (let base: u32 = 0; base < rowCount; base += 64) {
    let word = liveWord(live, base, rowCount);
    while (word != 0) {
      const row = base + <u32>ctz(word);
      word &= word - 1;
      // One row at a time: two at once share the loads of the query, but break the hardware's prefetching of the rows
      // (191 against 106 ns at d = 768 from memory) and gain nothing in the cache.
      const value = distance(metric, query, rows + <usize>row * stride, dimension);
      count = offer(heap, count, k, keyOf(scaled(value, scales, row), row));
    }
  }
  sortHeap(heap, count);
  return count;
}

// A function per metric: V8 allocates registers worse where three loops share one (dot: 74 against 52 ns at d = 768).
function topKL2(
  query: usize,
  rows: usize,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  heap: usize,
  k: u32,
): u32 {
  return topK(L2, query, rows, rowCount, dimension, stride, live, scales, heap, k);
}

function topKDot(
  query: usize,
  rows: usize,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  heap: usize,
  k: u32,
): u32 {
  return topK(DOT, query, rows, rowCount, dimension, stride, live, scales, heap, k);
}

function topKL1(
  query: usize,
  rows: usize,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  heap: usize,
  k: u32,
): u32 {
  return topK(L1, query, rows, rowCount, dimension, stride, live, scales, heap, k);
}

/** Writes the keys of the best `k` live rows to `heap`, ascending, and returns how many there are. Requires: k > 0. */
export function scanTopK(
  metric: i32,
  query: usize,
  rows: usize,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  heap: usize,
  k: u32,
): u32 {
  if (metric == DOT) return topKDot(query, rows, rowCount, dimension, stride, live, scales, heap, k);
  if (metric == L1) return topKL1(query, rows, rowCount, dimension, stride, live, scales, heap, k);
  return topKL2(query, rows, rowCount, dimension, stride, live, scales, heap, k);
}

function distanceBy(metric: i32, a: usize, b: usize, dimension: u32): f32 {
  if (metric == DOT) return negatedDot(a, b, dimension);
  if (metric == L1) return l1(a, b, dimension);
  return l2Squared(a, b, dimension);
}

/**
 * Writes to `out` the live rows >= `from` whose sortable distance is `wanted`, in order, at most `capacity` (> 0) of
 * them, and returns how many. A full buffer means: ask again from the last row + 1.
 */
export function collectEqual(
  metric: i32,
  query: usize,
  rows: usize,
  from: u32,
  rowCount: u32,
  dimension: u32,
  stride: usize,
  live: usize,
  scales: usize,
  wanted: u32,
  out: usize,
  capacity: u32,
): u32 {
  let count: u32 = 0;
  for (let base: u32 = from & ~63; base < rowCount; base += 64) {
    let word = liveWord(live, base, rowCount);
    if (base < from) word &= u64.MAX_VALUE << (from - base);
    while (word != 0) {
      const row = base + <u32>ctz(word);
      word &= word - 1;
      const value = distanceBy(metric, query, rows + <usize>row * stride, dimension);
      if (sortable(scaled(value, scales, row)) != wanted) continue;
      store<u32>(out + (<usize>count << 2), row);
      if (++count == capacity) return count;
    }
  }
  return count;
}

/** Writes the distance of each of the `count` rows listed at `list` (u32) to `out` (f32). Dead rows are not skipped. */
export function scoreRows(
  metric: i32,
  query: usize,
  rows: usize,
  list: usize,
  count: u32,
  dimension: u32,
  stride: usize,
  scales: usize,
  out: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(list + (<usize>i << 2));
    const value = distanceBy(metric, query, rows + <usize>row * stride, dimension);
    store<f32>(out + (<usize>i << 2), scaled(value, scales, row));
  }
}
