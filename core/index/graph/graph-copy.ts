/**
 * Copies a graph under new row numbers without the rows that are gone. A row that lost neighbours chooses anew among
 * those left and the neighbours of the lost: by the heuristic, and linked in both directions. Recall would sink by the
 * generation otherwise, because lists only get shorter.
 */
import type { Arena } from '../../kernel/index.js';
import type { GraphSource } from './graph-source.js';
import { HOP_SIZE, NO_ROW } from '../layout/index.js';

export interface CopyTarget {
  readonly arena: Arena;
  /** Word addresses in the arena. */
  readonly graph0: number;
  readonly graphN: number;
  readonly candidates: number;
  /** Words of graphLevels here. */
  readonly levels: Uint32Array;
  readonly m: number;
}

/** Rows that stay keep their levels. */
export function copyLevels(source: GraphSource, newRowOf: Uint32Array, levels: Uint8Array): void {
  for (const row of newRowOf) if (row !== NO_ROW) levels[row] = 0;
  const words = source.graphLevels;
  for (let at = 0; at + 3 < words.length; at += 2) {
    const row = newRowOf[words[at]!]!;
    if (row !== NO_ROW) levels[row] = words[at + 3]! - words[at + 1]!;
  }
}

/** Ordinal here of each node of the source, or NO_ROW. */
function newNodes(source: GraphSource, newRowOf: Uint32Array, levels: Uint32Array): Uint32Array {
  const nodeOfRow = new Map<number, number>();
  for (let at = 0; at + 3 < levels.length; at += 2) nodeOfRow.set(levels[at]!, at / 2);
  const words = source.graphLevels;
  return Uint32Array.from({ length: words.length / 2 - 1 }, (_, node) => {
    const row = newRowOf[words[2 * node]!]!;
    return row === NO_ROW ? NO_ROW : (nodeOfRow.get(row) ?? NO_ROW);
  });
}

/** One level of the source: where its lists are, there and here. */
interface LevelView {
  readonly level: number;
  readonly words: Uint32Array;
  readonly room: number;
  readonly ids: number;
  readonly newId: Uint32Array;
  /** Word of the list of an id in the source, or -1 where it does not reach up here. */
  readonly from: (id: number) => number;
  /** Word of the list of an id here. */
  readonly to: (id: number) => number;
}

/** Copies and repairs all lists, and returns the entry point. */
export function copyLists(
  source: GraphSource,
  newRowOf: Uint32Array,
  target: CopyTarget,
): { entry: number; maxLevel: number } {
  const nodes = newNodes(source, newRowOf, target.levels);
  const stride0 = 2 * target.m + 1;
  const views: LevelView[] = [
    {
      level: 0,
      words: source.graph0,
      room: 2 * target.m,
      ids: newRowOf.length,
      newId: newRowOf,
      from: (id) => id * stride0,
      to: (id) => target.graph0 + id * stride0,
    },
  ];
  for (let level = 1; level <= source.numbers.maxLevel; level++)
    views.push(upperView(source, nodes, target, level));
  const damaged = views.map((view) => copyLevel(view, target));
  for (const [i, view] of views.entries()) repairLevel(view, damaged[i]!, target);
  return newEntry(source, newRowOf, target.levels);
}

function upperView(source: GraphSource, nodes: Uint32Array, target: CopyTarget, level: number): LevelView {
  const words = source.graphLevels;
  const stride = target.m + 1;
  return {
    level,
    words: source.graphN,
    room: target.m,
    ids: nodes.length,
    newId: nodes,
    from: (id) => {
      const list = words[2 * id + 1]! + level - 1;
      return list < words[2 * id + 3]! ? list * stride : -1;
    },
    to: (id) => target.graphN + (target.levels[2 * id + 1]! + level - 1) * stride,
  };
}

/** Copies the lists of one level and returns the ids (of the source) that lost neighbours. */
function copyLevel(view: LevelView, { arena }: CopyTarget): number[] {
  const { u32, exports } = arena;
  const { words, newId } = view;
  const damaged: number[] = [];
  for (let id = 0; id < view.ids; id++) {
    const here = newId[id]!;
    const from = view.from(id);
    if (here === NO_ROW || from < 0) continue;
    const to = view.to(here);
    const count = words[from]!;
    let kept = 0;
    for (let i = 1; i <= count; i++) {
      const neighbour = newId[words[from + i]!]!;
      if (neighbour !== NO_ROW) u32[to + ++kept] = neighbour;
    }
    u32[to] = kept;
    exports.measureLinks(view.level, here);
    if (kept < count) damaged.push(id);
  }
  return damaged;
}

function repairLevel(view: LevelView, damaged: readonly number[], { arena, candidates }: CopyTarget): void {
  const { u32, exports } = arena;
  const { words, newId } = view;
  const seen = new Set<number>();
  for (const id of damaged) {
    const here = newId[id]!;
    seen.clear();
    seen.add(here);
    let count = 0;
    const offer = (other: number): void => {
      if (other === NO_ROW || seen.has(other) || count === HOP_SIZE) return;
      seen.add(other);
      u32[candidates + count++] = other;
    };
    // The list as it is now: repairs of others may have added to it.
    const to = view.to(here);
    for (let i = 1, end = u32[to]!; i <= end; i++) offer(u32[to + i]!);
    const from = view.from(id);
    for (let i = 1, end = words[from]!; i <= end; i++) {
      const lost = words[from + i]!;
      if (newId[lost] !== NO_ROW) continue;
      const lostFrom = view.from(lost);
      for (let j = 1, lostEnd = words[lostFrom]!; j <= lostEnd; j++) offer(newId[words[lostFrom + j]!]!);
    }
    if (count > 0) exports.relink(view.level, here, candidates * 4, count);
  }
}

/** The old entry point where it stays, else the highest row of those that stay. */
function newEntry(
  source: GraphSource,
  newRowOf: Uint32Array,
  levels: Uint32Array,
): { entry: number; maxLevel: number } {
  const heights = new Map<number, number>();
  for (let at = 0; at + 3 < levels.length; at += 2)
    heights.set(levels[at]!, levels[at + 3]! - levels[at + 1]!);
  let entry = newRowOf[source.numbers.entry]!;
  let maxLevel = entry === NO_ROW ? -1 : (heights.get(entry) ?? 0);
  for (const row of newRowOf) {
    if (row === NO_ROW || (heights.get(row) ?? 0) <= maxLevel) continue;
    entry = row;
    maxLevel = heights.get(row) ?? 0;
  }
  return { entry, maxLevel: Math.max(0, maxLevel) };
}
