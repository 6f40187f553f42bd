/**
 * Links many rows at once (wasm/graph-partitions.ts): rows are dealt to the nearest of a few pivots, again and again, until
 * parts are small enough to compare all their pairs. At the first cut a row goes to several pivots, so that parts overlap
 * and what one border separates, another part holds together.
 *
 * Each function is a generator that yields between turns of a few milliseconds.
 */
import { assertInternal } from '../../base/errors.js';
import { OWN_SCRATCH } from '../../kernel/index.js';
import type { Arena, KernelCall } from '../../kernel/index.js';
import { HOP_SIZE } from '../layout/index.js';
import {
  DEALT_AT_ONCE,
  FANOUT,
  LISTS_TOGETHER,
  PARTS_TOGETHER,
  PART_ROWS,
  ROWS_TOGETHER,
  foundAt,
  listBytes,
  pivotsAt,
  rowsAt,
  slices,
} from './linker-memory.js';
import type { LinkerMemory } from './linker-memory.js';

/** Up to so many parts' worth of rows are cut into parts at once; more are cut into their root first. */
const PARTS_AT_ONCE = 16;
const PIVOTS_MOST = HOP_SIZE - 4;
/** A cut that leaves more than this share of the rows together separates nothing: they are all alike. */
const ALIKE = 0.9;
const LINKED_AT_ONCE = 256;
const WALKED_AT_ONCE = 32;
/** Candidates among the nodes of level 1, and how many of them a row is linked to. */
const FARTHER_EF = 16;
const FARTHER_LINKS = 4;

/** Rows that are in the graph, and rows that are to be linked to these and to each other. */
export interface LinkedRows {
  /** Both, ascending. */
  readonly rows: Uint32Array;
  /** By row: 1 for those to be linked. */
  readonly isFresh: Uint8Array;
}

/** Links the fresh rows. Requires: an entry point. */
export function* linkFresh(memory: LinkerMemory, all: LinkedRows, efBuild: number): Generator<void> {
  yield* collectCandidates(memory, all);
  const { exports } = memory.arena;
  const fresh = all.rows.filter((row) => all.isFresh[row] === 1);
  // Narrower than the walk of an insertion, which starts far away: this one starts amid the neighbours.
  const ef = Math.max(2, Math.ceil(efBuild * 0.75));
  const expand = Math.max(1, Math.ceil(efBuild * 0.3125));
  yield* together(memory, fresh, LINKED_AT_ONCE, (at, count) => ({ name: 'chooseLinks', args: [at, count] }));
  yield* inTurns(memory, fresh, (at, count) => exports.linkBackRows(at, count));
  yield* refine(memory, fresh, ef, expand);
  yield* inTurns(memory, fresh, (at, count) => exports.linkBackRows(at, count));
  yield* together(memory, fresh, WALKED_AT_ONCE, (at, count) => ({
    name: 'linkFarther',
    args: [at, count, FARTHER_EF, FARTHER_LINKS],
  }));
}

function* collectCandidates(memory: LinkerMemory, { rows, isFresh }: LinkedRows): Generator<void> {
  const open: { readonly rows: Uint32Array; readonly fanout: number }[] = [{ rows, fanout: FANOUT }];
  const small: Uint32Array[] = [];
  for (let cut = open.pop(); cut !== undefined; cut = open.pop()) {
    if (cut.rows.length <= PART_ROWS) {
      small.push(cut.rows);
      if (small.length === PARTS_TOGETHER) yield* offer(memory, small.splice(0), isFresh);
      continue;
    }
    const parts = yield* deal(memory, cut.rows, cut.fanout);
    for (const part of joined(parts)) {
      const alike = part.length > ALIKE * cut.rows.length;
      for (const rest of alike ? runs(part) : [part]) open.push({ rows: rest, fanout: 1 });
    }
  }
  yield* offer(memory, small, isFresh);
}

/** One after another, because each call writes lists of others' rows. */
function* inTurns(
  memory: LinkerMemory,
  rows: Uint32Array,
  run: (at: number, count: number) => void,
): Generator<void> {
  const at = rowsAt(memory);
  for (let first = 0; first < rows.length; first += LINKED_AT_ONCE) {
    const turn = rows.subarray(first, first + LINKED_AT_ONCE);
    memory.arena.u32.set(turn, at / 4);
    run(at, turn.length);
    yield;
  }
}

/** By all threads, where each call writes lists of its own rows alone and reads none that another writes. */
function* together(
  memory: LinkerMemory,
  rows: Uint32Array,
  each: number,
  call: (at: number, count: number) => KernelCall,
): Generator<void> {
  for (let first = 0; first < rows.length; first += ROWS_TOGETHER) {
    const part = rows.subarray(first, first + ROWS_TOGETHER);
    memory.arena.u32.set(part, rowsAt(memory) / 4);
    yield* memory.lent.all(
      slices(part.length, each, (from, count) => call(rowsAt(memory) + from * 4, count)),
    );
  }
}

/** Rows that are refined together see the graph without each other's new links, however many threads there are. */
function* refine(memory: LinkerMemory, rows: Uint32Array, ef: number, expand: number): Generator<void> {
  const { arena, lent, m } = memory;
  const rowsThere = rowsAt(memory);
  for (let first = 0; first < rows.length; first += LISTS_TOGETHER) {
    const part = rows.subarray(first, first + LISTS_TOGETHER);
    arena.u32.set(part, rowsThere / 4);
    yield* lent.all(
      slices(part.length, WALKED_AT_ONCE, (from, count) => ({
        name: 'refineLinks',
        args: [rowsThere + from * 4, count, ef, expand, foundAt(memory) + from * listBytes(m)],
      })),
    );
    arena.exports.putRefined(rowsThere, part.length, foundAt(memory));
  }
}

function* offer(memory: LinkerMemory, parts: readonly Uint32Array[], isFresh: Uint8Array): Generator<void> {
  const { arena, lent } = memory;
  const calls: KernelCall[] = [];
  for (const [i, part] of parts.entries()) {
    const fresh = part.filter((row) => isFresh[row] === 1);
    if (fresh.length === 0 || part.length < 2) continue;
    const list = rowsAt(memory) + i * PART_ROWS * 4;
    arena.u32.set(fresh, list / 4);
    arena.u32.set(
      part.filter((row) => isFresh[row] === 0),
      list / 4 + fresh.length,
    );
    calls.push({ name: 'offerPairs', args: [list, fresh.length, part.length, OWN_SCRATCH] });
  }
  yield* lent.all(calls);
}

/** Deals each row to the `fanout` nearest of pivots drawn from the rows; the parts keep their order. */
function* deal(memory: LinkerMemory, rows: Uint32Array, fanout: number): Generator<void, Uint32Array[]> {
  const { arena, lent } = memory;
  const parts = rows.length / PART_ROWS;
  const wanted = parts <= PARTS_AT_ONCE ? parts * 2 * fanout : Math.sqrt(parts) * 1.5;
  const pivots = draw(rows, Math.max(fanout + 1, Math.min(PIVOTS_MOST, Math.ceil(wanted))), memory.draw);
  const [pivotsThere, rowsThere, outAt] = [pivotsAt(memory), rowsAt(memory), foundAt(memory)];
  arena.u32.set(pivots, pivotsThere / 4);
  const nearest = new Uint8Array(rows.length * fanout);
  for (let first = 0; first < rows.length; first += ROWS_TOGETHER) {
    const part = rows.subarray(first, first + ROWS_TOGETHER);
    arena.u32.set(part, rowsThere / 4);
    yield* lent.all(
      slices(part.length, DEALT_AT_ONCE, (from, count) => ({
        name: 'nearestPivots',
        args: [
          ...[rowsThere + from * 4, count, pivotsThere, pivots.length, fanout],
          ...[OWN_SCRATCH, outAt + from * fanout * 4],
        ],
      })),
    );
    nearest.set(arena.u32.subarray(outAt / 4, outAt / 4 + part.length * fanout), first * fanout);
  }
  const sizes = new Uint32Array(pivots.length);
  for (const pivot of nearest) sizes[pivot]!++;
  const made = Array.from(sizes, (size) => new Uint32Array(size));
  const filled = new Uint32Array(pivots.length);
  for (let i = 0, at = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let f = 0; f < fanout; f++) {
      const pivot = nearest[at++]!;
      made[pivot]![filled[pivot]!++] = row;
    }
  }
  return made;
}

/** `count` of the rows, each once. */
function draw(rows: Uint32Array, count: number, below: (limit: number) => number): Uint32Array {
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(rows[below(rows.length)]!);
  return Uint32Array.from(drawn);
}

/** Small parts in one, as far as they fit: alone they would compare too little. */
function* joined(parts: readonly Uint32Array[]): Generator<Uint32Array> {
  let open: readonly number[] = [];
  for (const part of parts) {
    if (part.length > PART_ROWS) {
      yield part;
      continue;
    }
    if (open.length + part.length > PART_ROWS) {
      yield ascending(open);
      open = [];
    }
    open = [...open, ...part];
  }
  if (open.length > 0) yield ascending(open);
}

function ascending(rows: readonly number[]): Uint32Array {
  return Uint32Array.from(new Set(rows)).sort();
}

function runs(rows: Uint32Array): Uint32Array[] {
  return Array.from({ length: Math.ceil(rows.length / PART_ROWS) }, (_, i) =>
    rows.subarray(i * PART_ROWS, (i + 1) * PART_ROWS),
  );
}

export interface GraphView {
  readonly arena: Arena;
  /** Word address of the lists of level 0. */
  readonly graph0: number;
  /** Word address of the keys of a walk. */
  readonly pool: number;
  readonly m: number;
  readonly rows: number;
  readonly entry: number;
}

/** Rows whose lists are read between two turns. */
const REACHED_AT_ONCE = 16_384;

/**
 * Lets every row be met from the entry point: one that no list leads to is linked from the nearest that is met and has
 * room; where the near ones are full, from any.
 */
export function* adoptUnmet(view: GraphView): Generator<void> {
  const { u32, exports } = view.arena;
  const reach = new Reach(view);
  yield* reach.from(view.entry);
  const adopts = (parent: number, row: number): boolean =>
    reach.has(parent) && exports.linkFrom(parent, row) === 1;
  let roomy = 0;
  for (let row = 0; row < view.rows; row++) {
    if (reach.has(row)) continue;
    const found = exports.walkTowards(row);
    let at = 0;
    // A key of the pool is u64, its lower word the row and a mark.
    while (at < found && !adopts(u32[view.pool + 2 * at]! >>> 1, row)) at++;
    if (at === found) while (roomy < view.rows && !adopts(roomy, row)) roomy++;
    yield* reach.from(row);
  }
}

class Reach {
  readonly #view: GraphView;
  readonly #met: Uint8Array;
  readonly #open: Uint32Array;

  constructor(view: GraphView) {
    this.#view = view;
    this.#met = new Uint8Array(view.rows);
    this.#open = new Uint32Array(view.rows);
  }

  has(row: number): boolean {
    return this.#met[row] === 1;
  }

  *from(start: number): Generator<void> {
    const { arena, graph0, m } = this.#view;
    assertInternal(!this.has(start), `row ${start} was met before`);
    this.#met[start] = 1;
    this.#open[0] = start;
    let read = 0;
    for (let open = 1; open > 0;) {
      const list = graph0 + this.#open[--open]! * (2 * m + 1);
      for (let at = list + 1, end = list + arena.u32[list]!; at <= end; at++) {
        const next = arena.u32[at]!;
        if (this.#met[next] === 1) continue;
        this.#met[next] = 1;
        this.#open[open++] = next;
      }
      if (++read % REACHED_AT_ONCE === 0) yield;
    }
  }
}
