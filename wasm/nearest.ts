/** Which of rows that have been measured are nearest: what a scan of blocks (fast-scan.ts) leaves to be done. */
import { keyDistance, keyOf, replaceRoot, siftUp, sortHeap } from './keys';

/**
 * Writes the `limit` (> 0) nearest of `count` rows to `list` (u32), nearest first and equals in their order, and returns how many there
 * are: none that is farther than `bound`, and none at NaN. `distances`: f32 of each, readable up to a multiple of four. `live`: a bitmap
 * of the rows that count, readable in whole u64, and 0 behind the last row. `heap`: u64[limit] of scratch.
 */
export function nearestOf(
  distances: usize,
  count: u32,
  live: usize,
  limit: u32,
  bound: f32,
  heap: usize,
  list: usize,
): u32 {
  let kept: u32 = 0;
  let farthest = f32x4.splat(bound);
  for (let base: u32 = 0; base < count; base += 64) {
    let word = load<u64>(live + (base >> 3));
    for (let row = base; word != 0; row += 4, word >>= 4) {
      const within = i32x4.bitmask(f32x4.le(v128.load(distances + (<usize>row << 2)), farthest));
      for (let near = within & (<i32>word & 15); near != 0; near &= near - 1) {
        const at = row + <u32>ctz(near);
        const key = keyOf(load<f32>(distances + (<usize>at << 2)) + 0.0, at);
        if (kept < limit) {
          siftUp(heap, kept, key);
          kept++;
        } else if (key < load<u64>(heap)) replaceRoot(heap, kept, key);
        else continue;
        if (kept == limit) farthest = f32x4.splat(keyDistance(load<u64>(heap)));
      }
    }
  }
  sortHeap(heap, kept);
  for (let i: usize = 0; i < <usize>kept; i++) store<u32>(list + (i << 2), <u32>load<u64>(heap + (i << 3)));
  return kept;
}
