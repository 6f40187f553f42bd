/**
 * Building the graph: insertion (Malkov & Yashunin 2018, algorithm 1) with the neighbour heuristic (algorithm 4,
 * pruned candidates are not kept). Candidates are measured as in a search; pairs of them by `between`. The distance of
 * every link is kept beside it while building (LINKS0, LINKS_N), so that pruning a full list measures pairs alone.
 */
import { between, measure, prepareRow, sameCodes, touch } from './code-rows';
import { descend, findNode, keyId, levelOf, listAt, listNumber, poolKey, rowOf, searchLevel } from './graph-walk';
import {
  EF_BUILD, ENTRY, HOP, HOP_SIZE, LEVELS, LINKS0, LINKS_N, M, MAX_LEVEL, NODES, NONE, POOL, SINK,
} from './index-state';
import { keyDistance } from './keys';

// @ts-ignore: decorator
@inline
export function linksAt(level: u32, id: u32): usize {
  const m = <usize>load<u32>(M);
  return level == 0
    ? <usize>load<u32>(LINKS0) + <usize>id * (m << 3)
    : <usize>load<u32>(LINKS_N) + <usize>listNumber(level, id) * (m << 2);
}

// @ts-ignore: decorator
@inline
function capacityOf(level: u32): u32 {
  return level == 0 ? load<u32>(M) << 1 : load<u32>(M);
}

/** Buffers behind the hop list: keys of a list to prune, and rows that were picked. */
// @ts-ignore: decorator
@inline
export function pruneAt(): usize {
  return <usize>load<u32>(HOP) + HOP_SIZE * 12;
}

// @ts-ignore: decorator
@inline
export function pickedAt(): usize {
  return pruneAt() + HOP_SIZE * 8;
}

/**
 * Algorithm 4 over `count` ascending keys: a candidate nearer to one already picked than to the row itself is passed
 * over. Here we leave the paper: copies of the row itself fill no more than a quarter of the list. They are all equally
 * near, so that they would fill it, and many copies would be an island that no walk leaves or enters. Writes the list and the link distances of `id`, and returns how many were picked.
 */
export function select(level: u32, id: u32, keys: usize, count: u32, room: u32): u32 {
  return selectInto(listAt(level, id), linksAt(level, id), level, id, keys, count, room);
}

/** The same, with list and distances written elsewhere. */
export function selectInto(
  list: usize, links: usize, level: u32, id: u32, keys: usize, count: u32, room: u32,
): u32 {
  const picked = pickedAt();
  const copiesMost = max<u32>(room >> 2, 1);
  const self = rowOf(level, id);
  let kept: u32 = 0;
  let copies: u32 = 0;
  for (let i: usize = 0; i < <usize>count && kept < room; i++) {
    const key = load<u64>(keys + (i << 3));
    const distance = keyDistance(key);
    const row = rowOf(level, keyId(key));
    if (sameCodes(row, self)) {
      if (copies == copiesMost) continue;
      copies++;
      store<u32>(picked + (<usize>kept << 2), row);
      store<u32>(list + (<usize>kept << 2), keyId(key), 4);
      store<f32>(links + (<usize>kept << 2), distance);
      kept++;
      continue;
    }
    let j: u32 = 0;
    for (; j < kept; j++) {
      if (between(row, load<u32>(picked + (<usize>j << 2)), distance) < distance) break;
    }
    if (j < kept) continue;
    store<u32>(picked + (<usize>kept << 2), row);
    store<u32>(list + (<usize>kept << 2), keyId(key), 4);
    store<f32>(links + (<usize>kept << 2), distance);
    kept++;
  }
  store<u32>(list, kept);
  return kept;
}

function insertKey(keys: usize, count: u32, key: u64): void {
  let at = count;
  for (; at > 0; at--) {
    const before = load<u64>(keys + (<usize>(at - 1) << 3));
    if (before <= key) break;
    store<u64>(keys + (<usize>at << 3), before);
  }
  store<u64>(keys + (<usize>at << 3), key);
}

/** Adds the link id -> other. Requires: there is room. */
export function putLink(level: u32, id: u32, other: u32, distance: f32): void {
  const list = listAt(level, id);
  const count = load<u32>(list);
  store<u32>(list + (<usize>count << 2), other, 4);
  store<f32>(linksAt(level, id) + (<usize>count << 2), distance);
  store<u32>(list, count + 1);
}

export function isLinked(level: u32, id: u32, other: u32): bool {
  const list = listAt(level, id);
  for (let at = list + 4, end = at + (<usize>load<u32>(list) << 2); at < end; at += 4) {
    if (load<u32>(at) == other) return true;
  }
  return false;
}

/** Adds the link id -> other, pruning where the list is full. */
function addLink(level: u32, id: u32, other: u32, distance: f32): void {
  const list = listAt(level, id);
  const links = linksAt(level, id);
  const count = load<u32>(list);
  const room = capacityOf(level);
  if (isLinked(level, id, other)) return;
  if (count < room) {
    putLink(level, id, other, distance);
    return;
  }
  const keys = pruneAt();
  const rows = <usize>load<u32>(HOP);
  for (let i: u32 = 0; i < count; i++) {
    const neighbour = load<u32>(list + (<usize>i << 2), 4);
    store<u32>(rows + (<usize>i << 2), rowOf(level, neighbour));
    insertKey(keys, i, poolKey(load<f32>(links + (<usize>i << 2)), neighbour));
  }
  insertKey(keys, count, poolKey(distance, other));
  store<u32>(SINK, touch(rows, count));
  select(level, id, keys, count + 1, room);
}

/** Links every neighbour of `id` back to it. */
export function linkBack(level: u32, id: u32): void {
  const list = listAt(level, id);
  const links = linksAt(level, id);
  const count = load<u32>(list);
  for (let i: usize = 0; i < <usize>count; i++) {
    addLink(level, load<u32>(list + (i << 2), 4), id, load<f32>(links + (i << 2)));
  }
}

function insertRow(row: u32): void {
  const node = findNode(row);
  const isNode = node < load<u32>(NODES) && load<u32>(<usize>load<u32>(LEVELS) + (<usize>node << 3)) == row;
  const level = isNode ? levelOf(node) : 0;
  if (load<u32>(ENTRY) == NONE) {
    store<u32>(ENTRY, row);
    store<u32>(MAX_LEVEL, level);
    return;
  }
  prepareRow(row);
  const pool = <usize>load<u32>(POOL);
  const highest = load<u32>(MAX_LEVEL);
  const efBuild = load<u32>(EF_BUILD);
  let at = min<u32>(level, highest);
  let start = descend(at);
  for (; ; at--) {
    const id = at == 0 ? row : node;
    const count = searchLevel(at, start, efBuild, efBuild, 1, 0);
    start = keyId(load<u64>(pool));
    if (at == 1) start = rowOf(1, start);
    select(at, id, pool, count, load<u32>(M));
    linkBack(at, id);
    if (at == 0) break;
  }
  if (level > highest) {
    store<u32>(ENTRY, row);
    store<u32>(MAX_LEVEL, level);
  }
}

/**
 * Walks as the insertion of each listed row does, and changes nothing of the graph, so that many threads may do so at once: `entry` and
 * `highest` are of the graph as it stands. What is chosen goes to `out`, a list for each level from that of the row down, each { u32
 * count, u32 id[m], f32 distance[m] }. Requires: rows that are nodes, none of a level above `highest`.
 */
export function findLinks(rows: usize, count: u32, entry: u32, highest: u32, out: usize): void {
  const m = load<u32>(M);
  const pool = <usize>load<u32>(POOL);
  const efBuild = load<u32>(EF_BUILD);
  store<u32>(ENTRY, entry);
  store<u32>(MAX_LEVEL, highest);
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    const node = findNode(row);
    prepareRow(row);
    let at = levelOf(node);
    let start = descend(at);
    for (; ; at--) {
      const found = searchLevel(at, start, efBuild, efBuild, 1, 0);
      start = keyId(load<u64>(pool));
      if (at == 1) start = rowOf(1, start);
      selectInto(out, out + 4 + (<usize>m << 2), at, at == 0 ? row : node, pool, found, m);
      out += listBytes();
      if (at == 0) break;
    }
  }
}

/** Inserts the listed rows, in that order, with the links that `findLinks` has left at `from`. */
export function insertFound(rows: usize, count: u32, from: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(rows + (i << 2));
    const node = findNode(row);
    for (let at = levelOf(node); ; at--) {
      const id = at == 0 ? row : node;
      putList(at, id, from);
      linkBack(at, id);
      from += listBytes();
      if (at == 0) break;
    }
  }
}

/** Of a list and its distances, outside of the graph. */
// @ts-ignore: decorator
@inline
export function listBytes(): usize {
  return (<usize>load<u32>(M) * 2 + 1) << 2;
}

/** Gives the node the list, and the distances behind it, that lie at `from`. */
export function putList(level: u32, id: u32, from: usize): void {
  // No more than there is: what lies behind a list goes into the file, too, and must be the same each time.
  const chosen = <usize>load<u32>(from) << 2;
  memory.copy(listAt(level, id), from, 4 + chosen);
  memory.copy(linksAt(level, id), from + 4 + (<usize>load<u32>(M) << 2), chosen);
}

/** Inserts the `count` rows listed at `rows`, in that order. */
export function insertRows(rows: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) insertRow(load<u32>(rows + (i << 2)));
}

/** Measures the links of `id` as they stand: a copied list comes without distances. */
export function measureLinks(level: u32, id: u32): void {
  const list = listAt(level, id);
  const links = linksAt(level, id);
  const count = load<u32>(list);
  const row = rowOf(level, id);
  for (let i: usize = 0; i < <usize>count; i++) {
    store<f32>(links + (i << 2), between(row, rowOf(level, load<u32>(list + (i << 2), 4)), Infinity));
  }
}

/**
 * Chooses the neighbours of `id` anew among the `count` (<= HOP_SIZE) ids at `candidates`, without `id` and without
 * doubles, and links them back.
 */
export function relink(level: u32, id: u32, candidates: usize, count: u32): void {
  const hop = <usize>load<u32>(HOP);
  const distances = hop + (HOP_SIZE << 2);
  const keys = pruneAt();
  for (let i: usize = 0; i < <usize>count; i++) {
    store<u32>(hop + (i << 2), rowOf(level, load<u32>(candidates + (i << 2))));
  }
  prepareRow(rowOf(level, id));
  store<u32>(SINK, touch(hop, count));
  measure(hop, count, distances);
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>i << 2;
    insertKey(keys, i, poolKey(load<f32>(distances + at), load<u32>(candidates + at)));
  }
  select(level, id, keys, count, capacityOf(level));
  linkBack(level, id);
}
