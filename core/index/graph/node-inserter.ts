/**
 * Inserts the rows that reach above level 0, which are few and each wait for those before them: some at a time walk the graph as the
 * ones before them have left it, by all threads, and are linked one after another. How many is a matter of how many are in the graph,
 * and not of threads.
 */
import { LISTS_TOGETHER, foundAt, listBytes, rowsAt, slices } from './linker-memory.js';
import type { LinkerMemory } from './linker-memory.js';

/** Rows that are inserted one by one: those together miss too much of each other where they are most of the graph. */
const ALONE = 256;
/** Rows together, at most this share of what is in the graph, and at most so many. */
const SHARE = 8;
const TOGETHER = 256;
const WALKED_AT_ONCE = 8;

export interface InsertedNodes {
  /** In this order. All but the first are nodes. */
  readonly rows: Uint32Array;
  /** Levels above 0 of a row. */
  readonly levelOf: (row: number) => number;
  /** Of the graph as it stands. */
  readonly top: () => { readonly entry: number; readonly maxLevel: number };
}

/** Requires: the graph is empty. Yields between turns of a few milliseconds. */
export function* insertNodes(memory: LinkerMemory, { rows, levelOf, top }: InsertedNodes): Generator<void> {
  const { arena } = memory;
  for (let at = 0; at < rows.length;) {
    const { maxLevel } = top();
    const most = at < ALONE ? 0 : Math.min(TOGETHER, Math.floor(at / SHARE));
    let count = 0;
    let lists = 0;
    for (const row of rows.subarray(at, at + most)) {
      const level = levelOf(row);
      // It has levels that no row before it has: it goes first there.
      if (level > maxLevel || lists + level + 1 > LISTS_TOGETHER) break;
      lists += level + 1;
      count++;
    }
    const part = rows.subarray(at, at + Math.max(count, 1));
    arena.u32.set(part, rowsAt(memory) / 4);
    if (count === 0) arena.exports.insertRows(rowsAt(memory), 1);
    else yield* insertTogether(memory, part, { levelOf, top });
    at += part.length;
    yield;
  }
}

function* insertTogether(
  memory: LinkerMemory,
  rows: Uint32Array,
  { levelOf, top }: Omit<InsertedNodes, 'rows'>,
): Generator<void> {
  const { arena, lent, m } = memory;
  const { entry, maxLevel } = top();
  const at = Array.from(rows, () => 0);
  for (let i = 1; i < rows.length; i++) at[i] = at[i - 1]! + levelOf(rows[i - 1]!) + 1;
  yield* lent.all(
    slices(rows.length, WALKED_AT_ONCE, (from, count) => ({
      name: 'findLinks',
      args: [rowsAt(memory) + from * 4, count, entry, maxLevel, foundAt(memory) + at[from]! * listBytes(m)],
    })),
  );
  arena.exports.insertFound(rowsAt(memory), rows.length, foundAt(memory));
}
