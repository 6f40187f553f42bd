/**
 * Search keys and the heap that holds the best of them. A key is u64: the distance as a sortable u32 above, the row
 * below, so that one integer comparison orders by distance and then by row.
 */

/** Every NaN: above infinity. core/kernel/row-block.ts states the same number. */
const NAN_KEY: u32 = 0xffc00000;

/** Order of the u32 = order of the f32. Requires: not -0, whose place is below 0. */
// @ts-ignore: decorator
@inline
export function sortable(distance: f32): u32 {
  if (distance != distance) return NAN_KEY;
  const bits = reinterpret<u32>(distance);
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
}

/** The distance in a key: `sortable` undone. */
// @ts-ignore: decorator
@inline
export function keyDistance(key: u64): f32 {
  const bits = <u32>(key >> 32);
  return reinterpret<f32>((bits & 0x80000000) != 0 ? bits ^ 0x80000000 : ~bits);
}

// @ts-ignore: decorator
@inline
export function keyOf(distance: f32, row: u32): u64 {
  return (<u64>sortable(distance) << 32) | <u64>row;
}

/** Adds `key` to a max-heap of `count` keys. */
export function siftUp(heap: usize, count: u32, key: u64): void {
  let at: u32 = count;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = load<u64>(heap + (<usize>parent << 3));
    if (above >= key) break;
    store<u64>(heap + (<usize>at << 3), above);
    at = parent;
  }
  store<u64>(heap + (<usize>at << 3), key);
}

/** Puts `key` in the place of the root of a max-heap of `count` keys. */
export function replaceRoot(heap: usize, count: u32, key: u64): void {
  let at: u32 = 0;
  for (;;) {
    let child = (at << 1) + 1;
    if (child >= count) break;
    let below = load<u64>(heap + (<usize>child << 3));
    if (child + 1 < count) {
      const right = load<u64>(heap + (<usize>child << 3), 8);
      if (right > below) {
        below = right;
        child++;
      }
    }
    if (below <= key) break;
    store<u64>(heap + (<usize>at << 3), below);
    at = child;
  }
  store<u64>(heap + (<usize>at << 3), key);
}

/** Turns a max-heap into an ascending list in place. */
export function sortHeap(heap: usize, count: u32): void {
  let last = count;
  while (last > 1) {
    last--;
    const at = heap + (<usize>last << 3);
    const key = load<u64>(at);
    store<u64>(at, load<u64>(heap));
    replaceRoot(heap, last, key);
  }
}
