/**
 * Many rows at once into the graph. Small parts of near rows are compared pair by pair, which costs a fraction of as many
 * walks: rows are read from the cache, four at a time, and each pair counts for both. Every fresh row collects its nearest
 * in its own list, chooses its links among them, then walks the graph so made from itself and chooses once more.
 *
 * While candidates are collected, the list of a fresh row on level 0 holds them in ascending order, and LINKS0 their
 * distances; `chooseLinks` makes links of them in place.
 */
import { product4 } from './code-distance';
import { between, codeAt, measure, prepareRow, termAt, touch, weighRow } from './code-rows';
import {
  isLinked, linkBack, linksAt, listBytes, pickedAt, pruneAt, putLink, putList, select, selectInto,
} from './graph-build';
import { descend, keyId, listAt, poolKey, rowOf, searchLevel } from './graph-walk';
import {
  DOT, EF_BUILD, HOP, KIND, L1, M, MAX_LEVEL, POOL, SCALE, SINK, STRIDE, TERM_FACTOR,
} from './index-state';
import { keyDistance } from './keys';
import { ROW_LOCKS } from './layout';

/** Rows of which the weights lie side by side, in the caller's scratch: 4 x stride x i16, then 4 x f64 constants. */
const BLOCK: u32 = 4;

/**
 * How often a lock that another thread holds is tried before this one sleeps: far longer than any is held, so that whoever holds it has
 * no core.
 */
const LOCK_TRIES: u32 = 100_000;
const LOCK_SLEEP_NS: i64 = 1_000_000;
/** Then the caller sees whether whoever holds it is still there. */
const LOCK_SLEEPS: u32 = 50;

// @ts-ignore: decorator
@inline
function basesAt(block: usize): usize {
  return block + <usize>load<u32>(STRIDE) * (BLOCK << 1);
}

/** Weighs the rows from[at..at + 4], the last one again where the list is at its end. */
function weighBlock(from: usize, at: usize, count: usize, block: usize): void {
  const wide = <usize>load<u32>(STRIDE) << 1;
  const bases = basesAt(block);
  for (let i: usize = 0; i < BLOCK; i++) {
    const row = load<u32>(from + (min<usize>(at + i, count - 1) << 2));
    store<f64>(bases + (i << 3), weighRow(row, block + i * wide));
  }
}

/** Distances of a row to the four weighed ones. The first `prepareRow` of the index sets what is common to all. */
// @ts-ignore: decorator
@inline
function distances4(row: u32, block: usize, out: usize, outStride: usize): void {
  const bases = basesAt(block);
  const sums = bases + (BLOCK << 3);
  product4(codeAt(row), block, <usize>load<u32>(STRIDE), sums);
  const term = load<f64>(TERM_FACTOR) * <f64>termAt(row);
  const scale = load<f64>(SCALE);
  for (let i: usize = 0; i < BLOCK; i++) {
    const sum = <f64>load<i32>(sums + (i << 2));
    store<f32>(out + i * outStride, <f32>(load<f64>(bases + (i << 3)) + term + scale * sum));
  }
}

/**
 * Writes which `fanout` of the pivots (rows, <= HOP_SIZE - 4 of them) are nearest to each row: ordinals, nearest first, at
 * `out`. For dot by direction, or the longest pivot would take all. `scratch`: a block, then count x (pivots + 4) f32.
 */
export function nearestPivots(
  rows: usize, count: u32, pivots: usize, pivotCount: u32, fanout: u32, scratch: usize, out: usize,
): void {
  const kind = load<u32>(KIND);
  const matrix = scratch + <usize>load<u32>(STRIDE) * 8 + 48;
  const side = (<usize>pivotCount + BLOCK) << 2;
  const factors = <usize>load<u32>(HOP);
  for (let p: usize = 0; p < <usize>pivotCount; p++) {
    const pivot = load<u32>(pivots + (p << 2));
    const squared = kind == DOT ? -between(pivot, pivot, Infinity) : 1;
    store<f32>(factors + (p << 2), squared > 0 ? 1 / sqrt<f32>(squared) : 0);
  }
  if (kind == L1) {
    for (let i: usize = 0; i < <usize>count; i++) {
      prepareRow(load<u32>(rows + (i << 2)));
      measure(pivots, pivotCount, matrix + i * side);
    }
  } else {
    prepareRow(load<u32>(pivots));
    for (let p: usize = 0; p < <usize>pivotCount; p += BLOCK) {
      weighBlock(pivots, p, pivotCount, scratch);
      for (let i: usize = 0; i < <usize>count; i++) {
        distances4(load<u32>(rows + (i << 2)), scratch, matrix + i * side + (p << 2), 4);
      }
    }
  }
  for (let i: usize = 0; i < <usize>count; i++) {
    const line = matrix + i * side;
    for (let f: usize = 0; f < <usize>fanout; f++) {
      let least: f32 = Infinity;
      let nearest: usize = 0;
      for (let p: usize = 0; p < <usize>pivotCount; p++) {
        const value = load<f32>(line + (p << 2)) * load<f32>(factors + (p << 2));
        if (value < least) {
          least = value;
          nearest = p;
        }
      }
      // Infinity by a factor of 0 is no number, which is never less.
      store<f32>(line + (nearest << 2), Infinity);
      store<u32>(out + ((i * <usize>fanout + f) << 2), <u32>nearest);
    }
  }
}

// @ts-ignore: decorator
@inline
function mirror(matrix: usize, side: usize, i: usize, j: usize): void {
  store<f32>(matrix + ((j * side + i) << 2), load<f32>(matrix + ((i * side + j) << 2)));
}

/** Distances of the first `fresh` rows of the part to all of it. */
function measurePairs(rows: usize, fresh: usize, side: usize, scratch: usize, matrix: usize): void {
  prepareRow(load<u32>(rows));
  if (load<u32>(KIND) == L1) {
    for (let i: usize = 0; i < fresh && i + 1 < side; i++) {
      prepareRow(load<u32>(rows + (i << 2)));
      measure(rows + ((i + 1) << 2), <u32>(side - i - 1), matrix + ((i * side + i + 1) << 2));
      for (let j = i + 1; j < side; j++) mirror(matrix, side, i, j);
    }
    return;
  }
  // Column i of the matrix gets the distances to row i: four columns a block, of the rows behind its first.
  for (let i: usize = 0; i < fresh; i += BLOCK) {
    weighBlock(rows, i, side, scratch);
    for (let j = i + 1; j < side; j++) {
      distances4(load<u32>(rows + (j << 2)), scratch, matrix + ((i * side + j) << 2), side << 2);
    }
    const end = min<usize>(i + BLOCK, side);
    for (let x = i; x < end; x++) {
      for (let j = x + 1; j < side; j++) mirror(matrix, side, x, j);
    }
  }
}

/** Takes a candidate into the list of a row, in its place, where it is near enough and not there. */
// @ts-ignore: decorator
@inline
function collect(list: usize, links: usize, room: u32, id: u32, distance: f32): void {
  let count = load<u32>(list);
  if (count == room) {
    const last = links + (<usize>(room - 1) << 2);
    const farthest = load<f32>(last);
    if (distance > farthest || (distance == farthest && id >= load<u32>(list + (<usize>room << 2)))) return;
    count--;
  }
  let at: usize = <usize>count << 2;
  for (; at > 0; at -= 4) {
    const before = load<f32>(links + at - 4);
    if (before < distance) break;
    if (before == distance) {
      const other = load<u32>(list + at);
      if (other == id) return;
      if (other < id) break;
    }
  }
  for (let to: usize = <usize>count << 2; to > at; to -= 4) {
    store<f32>(links + to, load<f32>(links + to - 4));
    store<u32>(list + to + 4, load<u32>(list + to));
  }
  store<f32>(links + at, distance);
  store<u32>(list + at + 4, id);
  store<u32>(list, count + 1);
}

/**
 * Parts overlap, so that two threads may offer to one row: one after the other. What it has collected at the end is the same in
 * whatever order. One lock is for every sixteenth row.
 */
function tryLockRow(row: u32): bool {
  const lock = ROW_LOCKS + (<usize>(row & 15) << 2);
  for (let sleeps: u32 = 0; sleeps < LOCK_SLEEPS; sleeps++) {
    for (let tries: u32 = 0; tries < LOCK_TRIES; tries++) {
      if (atomic.cmpxchg<u32>(lock, 0, 1) == 0) return true;
    }
    atomic.wait<i32>(lock, 1, LOCK_SLEEP_NS);
  }
  return false;
}

function unlockRow(row: u32): void {
  atomic.store<u32>(ROW_LOCKS + (<usize>(row & 15) << 2), 0);
}

/**
 * Offers the rows of a part to those of its first `fresh` that are not they. Requires: these ascend, and so do the rest, so
 * that a pair that meets again has the same distance. `scratch`: a block, then count x count + 4 x count f32.
 * False where another thread has held a lock for long: what was offered may be offered again.
 */
export function offerPairs(rows: usize, fresh: u32, count: u32, scratch: usize): bool {
  const side = <usize>count;
  const matrix = scratch + <usize>load<u32>(STRIDE) * 8 + 48;
  measurePairs(rows, <usize>fresh, side, scratch, matrix);
  const room = load<u32>(M) << 1;
  for (let i: usize = 0; i < <usize>fresh; i++) {
    const row = load<u32>(rows + (i << 2));
    const list = listAt(0, row);
    const links = linksAt(0, row);
    if (ASC_FEATURE_THREADS) {
      if (!tryLockRow(row)) return false;
    }
    for (let j: usize = 0; j < side; j++) {
      if (j == i) continue;
      collect(list, links, room, load<u32>(rows + (j << 2)), load<f32>(matrix + ((i * side + j) << 2)));
    }
    if (ASC_FEATURE_THREADS) unlockRow(row);
  }
  return true;
}

/** Makes links of the candidates of each listed row. */
export function chooseLinks(rows: usize, count: u32): void {
  const keys = pruneAt();
  const hop = <usize>load<u32>(HOP);
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    const list = listAt(0, row);
    const links = linksAt(0, row);
    const candidates = load<u32>(list);
    for (let j: usize = 0; j < <usize>candidates; j++) {
      const id = load<u32>(list + (j << 2), 4);
      store<u32>(hop + (j << 2), id);
      store<u64>(keys + (j << 3), poolKey(load<f32>(links + (j << 2)), id));
    }
    store<u32>(SINK, touch(hop, candidates));
    select(0, row, keys, candidates, load<u32>(M));
  }
}

/** Links the neighbours of each listed row back to it. */
export function linkBackRows(rows: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) linkBack(0, load<u32>(rows + (i << 2)));
}

/**
 * Walks from each listed row and chooses its links anew among what is found: `ef` candidates, `expand` of them expanded. Nothing of the
 * graph changes, so that many threads may do so at once, in whatever order: the lists go to `out`, each { u32 count, u32 id[m],
 * f32 distance[m] }.
 */
export function refineLinks(rows: usize, count: u32, ef: u32, expand: u32, out: usize): void {
  const pool = <usize>load<u32>(POOL);
  const m = load<u32>(M);
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    prepareRow(row);
    const found = searchLevel(0, row, ef, expand, 1, 0);
    let kept: u32 = 0;
    for (let j: usize = 0; j < <usize>found; j++) {
      const key = load<u64>(pool + (j << 3));
      if (keyId(key) == row) continue;
      store<u64>(pool + (<usize>kept << 3), key);
      kept++;
    }
    const list = out + i * listBytes();
    selectInto(list, list + 4 + (<usize>m << 2), 0, row, pool, kept, m);
  }
}

/** Gives the listed rows the lists that `refineLinks` has left at `from`. */
export function putRefined(rows: usize, count: u32, from: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) putList(0, load<u32>(rows + (i << 2)), from + i * listBytes());
}

/**
 * Links each listed row to the nearest of the nodes of level 1 too, a few that lie in different directions, as far as there
 * is room. The nearest of all may be of one cluster, and a walk that starts in the wrong one would stay there.
 */
export function linkFarther(rows: usize, count: u32, ef: u32, most: u32): void {
  if (load<u32>(MAX_LEVEL) == 0) return;
  const pool = <usize>load<u32>(POOL);
  const picked = pickedAt();
  const room = load<u32>(M) << 1;
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    prepareRow(row);
    const found = searchLevel(1, descend(1), ef, ef, 1, 0);
    let kept: u32 = 0;
    for (let j: usize = 0; j < <usize>found && kept < most; j++) {
      const key = load<u64>(pool + (j << 3));
      const other = rowOf(1, keyId(key));
      if (other == row) continue;
      const distance = keyDistance(key);
      let p: u32 = 0;
      for (; p < kept; p++) {
        if (between(other, load<u32>(picked + (<usize>p << 2)), distance) < distance) break;
      }
      if (p < kept) continue;
      store<u32>(picked + (<usize>kept << 2), other);
      kept++;
      if (load<u32>(listAt(0, row)) < room && !isLinked(0, row, other)) putLink(0, row, other, distance);
    }
  }
}

/** Walks towards a row as an insertion does and leaves what it finds in the pool, nearest first; returns how many. */
export function walkTowards(row: u32): u32 {
  const ef = load<u32>(EF_BUILD);
  prepareRow(row);
  return searchLevel(0, descend(0), ef, ef, 1, 0);
}

/** Adds the link parent -> row on level 0. Returns false where there is no room. */
export function linkFrom(parent: u32, row: u32): bool {
  if (load<u32>(listAt(0, parent)) == load<u32>(M) << 1) return false;
  putLink(0, parent, row, between(row, parent, Infinity));
  return true;
}
