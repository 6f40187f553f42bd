/**
 * The walk over the graph: best-first over a sorted pool (Malkov & Yashunin 2018, algorithm 2, with one list in the
 * place of two heaps). A pool entry is u64: sortable distance, id, and in the lowest bit whether it was expanded.
 *
 * On level 0 an id is a row. Above, it is the ordinal of a node in LEVELS: pairs (row, first list), ascending by row,
 * closed by a pair that holds the number of lists. Node n has a list for each level l >= 1 at first list + l - 1, and
 * its neighbours are ordinals too. A list is a count and room for m (level 0: 2m) ids.
 */
import { measure, touch } from './code-rows';
import {
  ENTRY, EPOCH, GRAPH0, GRAPH_N, HOP, HOP_SIZE, LEVELS, M, MAX_LEVEL, MEASURED, NODES, POOL, ROWS, SINK, VISITED,
} from './index-state';
import { sortable } from './keys';

// @ts-ignore: decorator
@inline
export function listNumber(level: u32, id: u32): u32 {
  return level == 0 ? id : load<u32>(<usize>load<u32>(LEVELS) + (<usize>id << 3), 4) + level - 1;
}

/** Address of a list, its count. */
// @ts-ignore: decorator
@inline
export function listAt(level: u32, id: u32): usize {
  const m = <usize>load<u32>(M);
  if (level == 0) return <usize>load<u32>(GRAPH0) + <usize>id * (((m << 1) + 1) << 2);
  return <usize>load<u32>(GRAPH_N) + <usize>listNumber(level, id) * ((m + 1) << 2);
}

// @ts-ignore: decorator
@inline
export function rowOf(level: u32, id: u32): u32 {
  return level == 0 ? id : load<u32>(<usize>load<u32>(LEVELS) + (<usize>id << 3));
}

// @ts-ignore: decorator
@inline
export function levelOf(node: u32): u32 {
  const at = <usize>load<u32>(LEVELS) + (<usize>node << 3);
  return load<u32>(at, 12) - load<u32>(at, 4);
}

/** The node of a row, or the place where it would be. */
export function findNode(row: u32): u32 {
  const levels = <usize>load<u32>(LEVELS);
  let low: u32 = 0;
  let high = load<u32>(NODES);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(levels + (<usize>middle << 3)) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

// @ts-ignore: decorator
@inline
export function poolKey(distance: f32, id: u32): u64 {
  return (<u64>sortable(distance + 0.0) << 32) | (<u64>id << 1);
}

// @ts-ignore: decorator
@inline
export function keyId(key: u64): u32 {
  return <u32>key >> 1;
}

/** A fresh epoch of visited marks (u16). */
function nextEpoch(): u32 {
  let epoch = load<u32>(EPOCH) + 1;
  if (epoch > 0xffff) {
    memory.fill(<usize>load<u32>(VISITED), 0, <usize>load<u32>(ROWS) << 1);
    epoch = 1;
  }
  store<u32>(EPOCH, epoch);
  return epoch;
}

/** Lists the unvisited neighbours of `id` at HOP (ids, then rows), and touches their codes. */
function gather(level: u32, id: u32, epoch: u32): u32 {
  const hop = <usize>load<u32>(HOP);
  const rows = hop + (HOP_SIZE << 2);
  const visited = <usize>load<u32>(VISITED);
  let at = listAt(level, id);
  const end = at + (<usize>load<u32>(at) << 2);
  let count: usize = 0;
  while (at < end) {
    at += 4;
    const next = load<u32>(at);
    const mark = visited + (<usize>next << 1);
    if (<u32>load<u16>(mark) == epoch) continue;
    store<u16>(mark, epoch);
    store<u32>(hop + count, next);
    store<u32>(rows + count, rowOf(level, next));
    count += 4;
  }
  store<u32>(SINK, touch(rows, <u32>(count >> 2)));
  return <u32>(count >> 2);
}

// @ts-ignore: decorator
@inline
function placeOf(pool: usize, count: u32, key: u64): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u64>(pool + (<usize>middle << 3)) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Fills the pool with the `ef` nearest of a level that are found from `start`, where only the first `expand` of the pool
 * are expanded; returns how many. Requires: ef > 0.
 */
export function searchLevel(level: u32, start: u32, ef: u32, expand: u32): u32 {
  const pool = <usize>load<u32>(POOL);
  const hop = <usize>load<u32>(HOP);
  const rows = hop + (HOP_SIZE << 2);
  const distances = rows + (HOP_SIZE << 2);
  const epoch = nextEpoch();
  store<u16>(<usize>load<u32>(VISITED) + (<usize>start << 1), epoch);
  store<u32>(rows, rowOf(level, start));
  measure(rows, 1, distances);
  store<u64>(pool, poolKey(load<f32>(distances), start));
  let count: u32 = 1;
  let measured: u32 = 1;
  let at: u32 = 0;
  while (at < count && at < expand) {
    const key = load<u64>(pool + (<usize>at << 3));
    if (key & 1) {
      at++;
      continue;
    }
    store<u64>(pool + (<usize>at << 3), key | 1);
    const found = gather(level, keyId(key), epoch);
    measure(rows, found, distances);
    measured += found;
    let next = at + 1;
    for (let i: usize = 0; i < <usize>found; i++) {
      const candidate = poolKey(load<f32>(distances + (i << 2)), load<u32>(hop + (i << 2)));
      if (count == ef) {
        if (candidate >= load<u64>(pool + (<usize>(count - 1) << 3))) continue;
      } else count++;
      const place = placeOf(pool, count - 1, candidate);
      const slot = pool + (<usize>place << 3);
      memory.copy(slot + 8, slot, <usize>(count - 1 - place) << 3);
      store<u64>(slot, candidate);
      if (place < next) next = place;
    }
    at = next;
  }
  store<u32>(MEASURED, load<u32>(MEASURED) + measured);
  return count;
}

/** Walks down from the entry point to `level` and returns the nearest id found on the level above it, as an id there. */
export function descend(level: u32): u32 {
  let at = load<u32>(MAX_LEVEL);
  const entry = load<u32>(ENTRY);
  if (at == 0) return entry;
  let node = findNode(entry);
  for (; at > level; at--) {
    searchLevel(at, node, 1, 1);
    node = keyId(load<u64>(<usize>load<u32>(POOL)));
  }
  return level == 0 ? rowOf(1, node) : node;
}

/**
 * Walks level 0 with `ef` candidates and leaves at POOL the keys (sortable distance, row) of the best `limit` of them
 * whose bit in the bitmap `allowed` is set (0: all), ascending; returns how many.
 */
export function walkGraph(ef: u32, limit: u32, allowed: usize): u32 {
  store<u32>(MEASURED, 0);
  const found = searchLevel(0, descend(0), ef, ef);
  const pool = <usize>load<u32>(POOL);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < found && kept < limit; i++) {
    const key = load<u64>(pool + (<usize>i << 3));
    const row = keyId(key);
    if (allowed != 0 && ((<u32>load<u8>(allowed + (row >> 3)) >> (row & 7)) & 1) == 0) continue;
    store<u64>(pool + (<usize>kept << 3), (key & 0xffffffff00000000) | <u64>row);
    kept++;
  }
  return kept;
}
