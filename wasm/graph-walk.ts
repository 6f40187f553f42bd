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
  ENTRY, EPOCH, GRAPH0, GRAPH_N, HOP, HOP_SIZE, LEVELS, M, MAX_LEVEL, MEASURED, NODES, POOL, ROWS, SHARE, SINK, SPREAD,
  VISITED,
} from './index-state';
import { keyDistance, sortable } from './keys';

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

/** A fresh epoch of visited marks (u8). */
export function nextEpoch(): u32 {
  let epoch = load<u32>(EPOCH) + 1;
  if (epoch > 0xff) {
    memory.fill(<usize>load<u32>(VISITED), 0, <usize>load<u32>(ROWS));
    epoch = 1;
  }
  store<u32>(EPOCH, epoch);
  return epoch;
}

/** Nodes that are expanded together: their neighbours are on their way at once, where those of one would wait for another's. */
const EXPANDED_AT_ONCE: u32 = 2;

/** Lists the unvisited neighbours of `id` at HOP, behind `count` bytes of others; returns how many bytes are listed then. */
// @ts-ignore: decorator
@inline
function gather(level: u32, id: u32, epoch: u32, count: usize): usize {
  const hop = <usize>load<u32>(HOP);
  const visited = <usize>load<u32>(VISITED);
  let at = listAt(level, id);
  const end = at + (<usize>load<u32>(at) << 2);
  while (at < end) {
    at += 4;
    const next = load<u32>(at);
    const mark = visited + <usize>next;
    // Without a branch, which nothing could foresee.
    const step = usize(<u32>load<u8>(mark) != epoch) << 2;
    store<u8>(mark, epoch);
    store<u32>(hop + count, next);
    count += step;
  }
  return count;
}

/** Up to so many keys are moved here: a call of memory.copy costs more than that. */
const MOVED_HERE: u32 = 64;

/** Puts `key` in its place among `count` ascending ones, and answers which. */
// @ts-ignore: decorator
@inline
export function insertKey(pool: usize, count: u32, key: u64): u32 {
  let at = pool + (<usize>count << 3);
  if (count > MOVED_HERE && load<u64>(at - (MOVED_HERE << 3)) > key) {
    const place = placeOf(pool, count, key);
    const slot = pool + (<usize>place << 3);
    memory.copy(slot + 8, slot, at - slot);
    store<u64>(slot, key);
    return place;
  }
  for (; at >= pool + 16 && load<u64>(at - 16) > key; at -= 16) v128.store(at - 8, v128.load(at - 16));
  for (; at > pool && load<u64>(at - 8) > key; at -= 8) store<u64>(at, load<u64>(at - 8));
  store<u64>(at, key);
  return <u32>((at - pool) >> 3);
}

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
 * The distance beyond which nothing is of interest any more, as a key: `reach` times that of the near-th nearest. None while that is
 * none, nor where it is 0 or below: distances of codes are not exact, and all of them are small.
 */
// @ts-ignore: decorator
@inline
export function boundOf(pool: usize, count: u32, near: u32, reach: f32): u64 {
  if (reach == 0 || count < near) return u64.MAX_VALUE;
  const distance = keyDistance(load<u64>(pool + (<usize>(near - 1) << 3)));
  return distance > 0 ? <u64>sortable(distance * reach) << 32 : u64.MAX_VALUE;
}

/**
 * Fills the pool with the `ef` nearest of a level that are found from `start`, where only the first `expand` of the pool
 * are expanded; returns how many. Expands none that is farther than `reach` (0: no bound) times the near-th so far, and takes
 * none in; those that were taken in before stay. Requires: ef > 0.
 */
export function searchLevel(level: u32, start: u32, ef: u32, expand: u32, near: u32, reach: f32): u32 {
  const pool = <usize>load<u32>(POOL);
  const hop = <usize>load<u32>(HOP);
  const rows = hop + (HOP_SIZE << 2);
  const distances = rows + (HOP_SIZE << 2);
  const keys = distances + (HOP_SIZE << 2);
  const epoch = nextEpoch();
  store<u8>(<usize>load<u32>(VISITED) + <usize>start, epoch);
  store<u32>(rows, rowOf(level, start));
  measure(rows, 1, distances);
  store<u64>(pool, poolKey(load<f32>(distances), start));
  let count: u32 = 1;
  let measured: u32 = 1;
  const together = level == 0 ? EXPANDED_AT_ONCE : 1;
  let at: u32 = 0;
  while (at < count && at < expand) {
    const key = load<u64>(pool + (<usize>at << 3));
    if (key & 1) {
      at++;
      continue;
    }
    if (key >= boundOf(pool, count, near, reach)) break;
    store<u64>(pool + (<usize>at << 3), key | 1);
    let listed = gather(level, keyId(key), epoch, 0);
    let ahead = at + 1;
    for (let more: u32 = 1; more < together && ahead < count && ahead < expand; ahead++) {
      const other = load<u64>(pool + (<usize>ahead << 3));
      if (other & 1) continue;
      store<u64>(pool + (<usize>ahead << 3), other | 1);
      listed = gather(level, keyId(other), epoch, listed);
      more++;
    }
    for (let i: usize = 0; i < listed; i += 4) store<u32>(rows + i, rowOf(level, load<u32>(hop + i)));
    const found = <u32>(listed >> 2);
    store<u32>(SINK, touch(rows, found));
    // What is expanded next, as it looks: its list is on its way while these are measured.
    for (let i = ahead, end = min<u32>(count, ahead + EXPANDED_AT_ONCE); i < end; i++) {
      const list = listAt(level, keyId(load<u64>(pool + (<usize>i << 3))));
      store<u32>(SINK, load<u32>(list) + load<u32>(list + 64) + load<u32>(list + 128));
    }
    measure(rows, found, distances);
    measured += found;
    // Most are too far: these are left out without a branch, too.
    const last = count == ef ? load<u64>(pool + (<usize>(count - 1) << 3)) : u64.MAX_VALUE;
    const worst = min<u64>(last, boundOf(pool, count, near, reach));
    let kept: usize = 0;
    for (let i: usize = 0, end = <usize>found << 2; i < end; i += 4) {
      const candidate = poolKey(load<f32>(distances + i), load<u32>(hop + i));
      store<u64>(keys + kept, candidate);
      kept += usize(candidate < worst) << 3;
    }
    let next = at + 1;
    for (let i: usize = 0; i < kept; i += 8) {
      const candidate = load<u64>(keys + i);
      if (count == ef) {
        if (candidate >= load<u64>(pool + (<usize>(count - 1) << 3))) continue;
      } else count++;
      const place = insertKey(pool, count - 1, candidate);
      if (place < next) next = place;
    }
    at = next;
  }
  store<u32>(MEASURED, load<u32>(MEASURED) + measured);
  return count;
}

function spreadOf(found: u32, near: u32): f32 {
  const pool = <usize>load<u32>(POOL);
  const distance = keyDistance(load<u64>(pool + (<usize>(near - 1) << 3)));
  return distance > 0 ? keyDistance(load<u64>(pool + (<usize>(found - 1) << 3))) / distance : 0;
}

/** Walks down from the entry point to `level` and returns the nearest id found on the level above it, as an id there. */
export function descend(level: u32): u32 {
  let at = load<u32>(MAX_LEVEL);
  const entry = load<u32>(ENTRY);
  if (at == 0) return entry;
  let node = findNode(entry);
  for (; at > level; at--) {
    searchLevel(at, node, 1, 1, 1, 0);
    node = keyId(load<u64>(<usize>load<u32>(POOL)));
  }
  return level == 0 ? rowOf(1, node) : node;
}

/**
 * Walks level 0 with `ef` candidates and leaves at POOL the keys (sortable distance, row) of the best `limit` of them
 * whose bit in the bitmap `allowed` is set (0: all), ascending; returns how many. SPREAD becomes the distance of the last
 * candidate in that of the near-th, 0 where there is none.
 */
export function walkGraph(ef: u32, limit: u32, allowed: usize, near: u32, reach: f32): u32 {
  store<u32>(MEASURED, 0);
  const found = searchLevel(0, descend(0), ef, ef, near, reach);
  store<f32>(SPREAD, found < near ? 0 : spreadOf(found, near));
  return keepAllowed(found, limit, allowed);
}

// @ts-ignore: decorator
@inline
export function isAllowed(allowed: usize, row: u32): u32 {
  return (<u32>load<u8>(allowed + (row >> 3)) >> (row & 7)) & 1;
}

/** Makes of the first `found` pool entries the keys (sortable distance, row) of the best `limit` allowed ones; SHARE: of all. */
export function keepAllowed(found: u32, limit: u32, allowed: usize): u32 {
  const pool = <usize>load<u32>(POOL);
  let kept: u32 = 0;
  let counted: u32 = 0;
  for (let i: u32 = 0; i < found; i++) {
    const key = load<u64>(pool + (<usize>i << 3));
    const row = keyId(key);
    if (allowed != 0 && isAllowed(allowed, row) == 0) continue;
    counted++;
    if (kept == limit) continue;
    store<u64>(pool + (<usize>kept << 3), (key & 0xffffffff00000000) | <u64>row);
    kept++;
  }
  store<f32>(SHARE, found == 0 ? 1 : <f32>counted / <f32>found);
  return kept;
}
