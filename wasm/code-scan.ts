/** The nearest rows by their codes, a heap over every distance: of all (allowed) rows, or of those that a walk has left. */
import { measure, touch } from './code-rows';
import { HOP, HOP_SIZE, MEASURED, POOL, ROWS, SINK } from './index-state';
import { keyOf, replaceRoot, siftUp, sortHeap } from './keys';

/** Rows that are measured at once: enough that their codes arrive together, few enough that they stay in the nearest cache. */
const BATCH: u32 = 64;

/** Measures the listed rows, and keeps the best `limit` (> 0) in a heap of `count` keys; returns how many it holds then. */
// @ts-ignore: decorator
@inline
function keepBest(list: usize, listed: u32, heap: usize, count: u32, limit: u32): u32 {
  const distances = list + (HOP_SIZE << 2);
  measure(list, listed, distances);
  for (let i: usize = 0; i < <usize>listed; i++) {
    const key = keyOf(load<f32>(distances + (i << 2)) + 0.0, load<u32>(list + (i << 2)));
    if (count < limit) {
      siftUp(heap, count, key);
      count++;
    } else if (key < load<u64>(heap)) replaceRoot(heap, count, key);
  }
  return count;
}

/** Leaves at POOL the keys of the best `limit` (> 0) rows of the bitmap `allowed` (0: all), ascending. */
export function scanCodes(limit: u32, allowed: usize): u32 {
  const rowCount = load<u32>(ROWS);
  const heap = <usize>load<u32>(POOL);
  const list = <usize>load<u32>(HOP);
  let count: u32 = 0;
  let measured: u32 = 0;
  let listed: u32 = 0;
  for (let base: u32 = 0; base < rowCount; base += 64) {
    let word: u64 = allowed != 0 ? load<u64>(allowed + (base >> 3)) : u64.MAX_VALUE;
    const rest = rowCount - base;
    if (rest < 64) word &= ((<u64>1) << rest) - 1;
    for (; word != 0; word &= word - 1) {
      store<u32>(list + (<usize>listed << 2), base + <u32>ctz(word));
      listed++;
    }
    // One more word has room in the list.
    if (listed < BATCH && rest > 64) continue;
    const span = base + 64 - load<u32>(list);
    // Where most rows count, the hardware sees the stride and is ahead of any touch.
    if (listed < span >> 1) store<u32>(SINK, touch(list, listed));
    count = keepBest(list, listed, heap, count, limit);
    measured += listed;
    listed = 0;
  }
  sortHeap(heap, count);
  store<u32>(MEASURED, measured);
  return count;
}

/** Measures the `count` rows at POOL anew, and leaves the keys of the best `limit` (> 0), ascending; returns how many. */
export function remeasure(count: u32, limit: u32): u32 {
  const pool = <usize>load<u32>(POOL);
  const list = <usize>load<u32>(HOP);
  let kept: u32 = 0;
  // What is kept never reaches the rows that are still to be read.
  for (let base: u32 = 0; base < count; base += HOP_SIZE) {
    const listed = min<u32>(HOP_SIZE, count - base);
    for (let i: usize = 0; i < <usize>listed; i++) {
      store<u32>(list + (i << 2), <u32>load<u64>(pool + ((<usize>base + i) << 3)));
    }
    store<u32>(SINK, touch(list, listed));
    kept = keepBest(list, listed, pool, kept, limit);
  }
  sortHeap(pool, kept);
  store<u32>(MEASURED, load<u32>(MEASURED) + count);
  return kept;
}
