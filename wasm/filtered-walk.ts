/**
 * A walk whose candidates are the rows that a filter allows (after ACORN, Patel et al. 2024, section 5.2): a neighbour that is
 * not allowed is stepped over to its own neighbours, so that the allowed rows hang together where the graph alone would
 * leave them apart. Where the paper fixes one entry point, the walk begins at the nearest of a sample of allowed rows, too: rows
 * lie by likeness, so a sample from all over the segment knows every region where something is allowed, however far from the
 * query's own.
 */
import { measure, touch } from './code-rows';
import {
  boundOf, descend, insertKey, isAllowed, keepAllowed, keyId, listAt, nextEpoch, poolKey, searchLevel,
} from './graph-walk';
import { HOP, HOP_SIZE, M, MEASURED, NONE, POOL, ROWS, SHARE, SINK, VISITED } from './index-state';

/** Rows of the sample. */
const SEEDS: u32 = 64;
/** Of the rows that a node leads to, no more are measured, but for its own neighbours: the others are met from elsewhere. */
const LISTED_MOST: usize = 64 << 2;

/** Rows nearest to the query, allowed or not, from which the walk begins, too: at least so many. */
const NEAREST: u32 = 16;
/** With fewer of these expected to be allowed, that none is says nothing: the fewer rows are allowed, the more are looked at. */
const EXPECTED_LEAST: f32 = 4.5;
const NEAREST_MOST: f32 = 96;
/** So many times fewer than expected are no accident. */
const SHUNNED: f32 = 8;
/** Where so many of these are allowed, most around are, and to step over the others costs more than to leave them out at the end. */
const SOUGHT: f32 = 0.5;

/** The first allowed row from `from` on and before `end`; `end` where there is none. `allowed` is readable in whole u64. */
function nextAllowed(allowed: usize, from: u32, end: u32): u32 {
  let base = from & ~63;
  let word = load<u64>(allowed + (base >> 3)) & (u64.MAX_VALUE << (from & 63));
  while (word == 0) {
    base += 64;
    if (base >= end) return end;
    word = load<u64>(allowed + (base >> 3));
  }
  return min<u32>(end, base + <u32>ctz(word));
}

/** Lists allowed rows from all over the segment at HOP; returns how many bytes. */
function listSeeds(allowed: usize, epoch: u32): usize {
  const hop = <usize>load<u32>(HOP);
  const visited = <usize>load<u32>(VISITED);
  const rows = <u64>load<u32>(ROWS);
  let count: usize = 0;
  for (let seed: u64 = 0; seed < SEEDS; seed++) {
    const from = <u32>((seed * rows) / SEEDS);
    const end = <u32>(((seed + 1) * rows) / SEEDS);
    if (from == end) continue;
    const row = nextAllowed(allowed, from, end);
    if (row == end || <u32>load<u8>(visited + <usize>row) == epoch) continue;
    store<u8>(visited + <usize>row, epoch);
    store<u32>(hop + count, row);
    count += 4;
  }
  return count;
}

/** Lists the unvisited allowed neighbours of a row behind `count` bytes of others, and those of its neighbours that are not. */
function gatherAllowed(row: u32, epoch: u32, allowed: usize, count: usize): usize {
  const hop = <usize>load<u32>(HOP);
  const blocked = hop + (HOP_SIZE << 2);
  const visited = <usize>load<u32>(VISITED);
  const room = (<usize>HOP_SIZE << 2) - (<usize>load<u32>(M) << 3);
  let listed = count;
  let stepped: usize = 0;
  let at = listAt(0, row);
  for (const end = at + (<usize>load<u32>(at) << 2); at < end; ) {
    at += 4;
    const next = load<u32>(at);
    const mark = visited + <usize>next;
    const isNew = usize(<u32>load<u8>(mark) != epoch) << 2;
    const wanted = isNew & (0 - <usize>isAllowed(allowed, next));
    store<u8>(mark, epoch);
    store<u32>(hop + listed, next);
    listed += wanted;
    store<u32>(blocked + stepped, next);
    stepped += isNew ^ wanted;
  }
  let sink: u32 = 0;
  for (let i: usize = 0; i < stepped; i += 4) {
    const list = listAt(0, load<u32>(blocked + i));
    sink += load<u32>(list) + load<u32>(list + 64) + load<u32>(list + 128);
  }
  store<u32>(SINK, sink);
  for (let i: usize = 0; i < stepped && listed < LISTED_MOST && listed <= room; i += 4) {
    at = listAt(0, load<u32>(blocked + i));
    for (const end = at + (<usize>load<u32>(at) << 2); at < end; ) {
      at += 4;
      const next = load<u32>(at);
      const mark = visited + <usize>next;
      const seen = <u32>load<u8>(mark);
      // What is not allowed stays unmarked: from elsewhere it may be stepped over.
      const wanted = u32(seen != epoch) & isAllowed(allowed, next);
      store<u8>(mark, wanted != 0 ? epoch : seen);
      store<u32>(hop + listed, next);
      listed += <usize>wanted << 2;
    }
  }
  return listed;
}

/** Measures what is listed and takes it into the pool of `count`, where `ef` is the room. */
function takeIn(listed: usize, count: u32, ef: u32, near: u32, reach: f32): u32 {
  const pool = <usize>load<u32>(POOL);
  const hop = <usize>load<u32>(HOP);
  const distances = hop + (HOP_SIZE << 3);
  const found = <u32>(listed >> 2);
  store<u32>(SINK, touch(hop, found));
  measure(hop, found, distances);
  store<u32>(MEASURED, load<u32>(MEASURED) + found);
  const bound = boundOf(pool, count, near, reach);
  for (let i: usize = 0; i < listed; i += 4) {
    const key = poolKey(load<f32>(distances + i), load<u32>(hop + i));
    if (key >= bound) continue;
    if (count < ef) count++;
    else if (key >= load<u64>(pool + (<usize>(count - 1) << 3))) continue;
    insertKey(pool, count - 1, key);
  }
  return count;
}

/** How many of the rows nearest to the query tell whether the filter keeps clear of it. */
function nearestFor(share: f32): u32 {
  return max<u32>(NEAREST, <u32>min<f32>(NEAREST_MOST, ceil<f32>(EXPECTED_LEAST / share)));
}

/**
 * The rows nearest to the query, of which the first `found` pool entries tell, are listed at HOP where they are allowed; SHARE becomes
 * the part of them that is. Answers how many bytes.
 */
function listNearest(found: u32, allowed: usize): u32 {
  const pool = <usize>load<u32>(POOL);
  const hop = <usize>load<u32>(HOP);
  let listed: u32 = 0;
  for (let i: u32 = 0; i < found; i++) {
    const row = keyId(load<u64>(pool + (<usize>i << 3)));
    store<u32>(hop + <usize>listed, row);
    listed += isAllowed(allowed, row) << 2;
  }
  store<f32>(SHARE, <f32>(listed >> 2) / <f32>found);
  return listed;
}

/**
 * Whether the filter keeps clear of the query: far fewer of the rows nearest to it are allowed than of the segment's. Around such a query
 * what is nearest and allowed lies scattered on a shell, of which a narrow walk finds little.
 */
function isShunned(found: u32, near: f32, share: f32): bool {
  return share * <f32>found >= EXPECTED_LEAST && near * SHUNNED < share;
}

/**
 * As walkGraph, with candidates that are all allowed, of whom there are `share` in the segment. Given up, with NONE for an answer,
 * where another way is better: the filter seeks or shuns what is around the query, of which SHARE is allowed then, or more than
 * `budget` rows were measured.
 */
export function walkAllowed(
  ef: u32,
  limit: u32,
  allowed: usize,
  near: u32,
  reach: f32,
  share: f32,
  budget: u32,
): u32 {
  store<u32>(MEASURED, 0);
  const pool = <usize>load<u32>(POOL);
  const around = nearestFor(share);
  const found = searchLevel(0, descend(0), around, around, near, 0);
  const nearest = keyId(load<u64>(pool));
  const listed = listNearest(found, allowed);
  const beside = load<f32>(SHARE);
  if (beside >= SOUGHT || isShunned(found, beside, share)) return NONE;
  const epoch = nextEpoch();
  const visited = <usize>load<u32>(VISITED);
  const hop = <usize>load<u32>(HOP);
  for (let i: usize = 0; i < listed; i += 4) store<u8>(visited + <usize>load<u32>(hop + i), epoch);
  store<u8>(visited + <usize>nearest, epoch);
  let count = takeIn(gatherAllowed(nearest, epoch, allowed, listed), 0, ef, near, 0);
  count = takeIn(listSeeds(allowed, epoch), count, ef, near, 0);
  for (;;) {
    if (load<u32>(MEASURED) > budget) return NONE;
    let at: u32 = 0;
    while (at < count && load<u64>(pool + (<usize>at << 3)) & 1) at++;
    if (at == count) break;
    const key = load<u64>(pool + (<usize>at << 3));
    if (key >= boundOf(pool, count, near, reach)) break;
    store<u64>(pool + (<usize>at << 3), key | 1);
    count = takeIn(gatherAllowed(keyId(key), epoch, allowed, 0), count, ef, near, reach);
  }
  return keepAllowed(count, limit, 0);
}
