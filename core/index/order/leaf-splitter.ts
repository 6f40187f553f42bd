/**
 * Splits the rows of a group into leaves: cells of about 96 rows, each the rows that are nearest to its centroid, near cells side by
 * side. That is what a probe reads whole, so that a cell is worth it where its centroid is near: of few rows, and all of those.
 *
 * How many leaves there will be follows from the number of rows, because memory is laid out before rows come.
 */
import { assertInternal } from '../../base/errors.js';
import { randomSource } from '../../base/random-source.js';
import { Assigner, inSpace, kMeans, rowsOf, type ClusterSpace } from './centroids.js';
import { nearestChain } from './chain.js';

/**
 * Rows of a leaf on average: this, or so many times the root of a segment's rows. Few large leaves are few requests and few centroids,
 * many small ones are less that is read in vain: both in balance.
 */
const LEAF_ROWS_LEAST = 96;
const LEAF_ROWS_MOST = 512;
const LEAF_ROWS_PER_ROOT = 0.4;
/** A cell of so many times that is split again, and one of so many rows. */
const CELL_ROOM = 4;
const CELL_ROWS_MOST = 1_024;
/** One of less than a leaf by this goes to its neighbours: a pack of codes, and pages, would be mostly empty. */
const CELL_SHARE = 6;
const SAMPLE_PER_LEAF = 32;
const ROUNDS = 4;

/** Rows of a leaf on average, in a segment of so many rows. */
export function leafRowsOf(segmentRows: number): number {
  return Math.min(LEAF_ROWS_MOST, Math.max(LEAF_ROWS_LEAST, LEAF_ROWS_PER_ROOT * Math.sqrt(segmentRows)));
}

/** How many leaves so many rows become. */
export function leavesIn(rows: number, leafRows: number): number {
  return Math.max(1, Math.round(rows / leafRows));
}

export interface GroupLeaves {
  /** Row of the group at each place. */
  readonly order: Uint32Array;
  /** First place of each leaf, ascending from 0. */
  readonly starts: Uint32Array;
  /** f32[leaves][dimension], the means, of rows of length 1 under cosine. */
  readonly centroids: Float32Array;
}

interface Leaf {
  readonly members: Uint32Array;
  readonly centroid: Float32Array;
}

export class LeafSplitter {
  readonly #space: ClusterSpace;
  readonly #assigner: Assigner;
  readonly #next: () => number;
  readonly #cellSizes: CellSizes;
  /** Where the group before ended. */
  #last: Float32Array | undefined;

  /**
   * Of groups of at most so many leaves. All that comes of it follows from the seed and the groups in their order. Throws
   * `memory_budget_exceeded`.
   */
  constructor(
    space: ClusterSpace,
    {
      leavesMost,
      leafRows,
      seed,
    }: { readonly leavesMost: number; readonly leafRows: number; readonly seed: number },
  ) {
    this.#space = space;
    this.#cellSizes = {
      least: leafRows / CELL_SHARE,
      most: Math.floor(Math.min(CELL_ROWS_MOST, CELL_ROOM * leafRows)),
    };
    this.#assigner = new Assigner(space, leavesMost);
    this.#next = randomSource(seed);
  }

  /** `leaves` of them, by `leavesIn`, or 1: none is empty. Yields between turns of a few milliseconds. */
  *split(given: Float32Array, leaves: number): Generator<void, GroupLeaves> {
    const { dimension } = this.#space;
    const rows = inSpace(given, this.#space);
    const found = yield* this.#leavesOf(rows, leaves);
    assertInternal(found.length === leaves, () => `${found.length} leaves of ${leaves}`);
    const vectors = found.map(({ centroid }) => centroid);
    const chained = nearestChain(vectors, this.#last ?? vectors[0]!).map((leaf) => found[leaf]!);
    this.#last = chained.at(-1)!.centroid;
    const order = new Uint32Array(rows.length / dimension);
    const starts = new Uint32Array(leaves);
    const centroids = new Float32Array(leaves * dimension);
    let place = 0;
    for (const [leaf, { members }] of chained.entries()) {
      starts[leaf] = place;
      order.set(members, place);
      centroids.set(meanOf(rows, dimension, members), leaf * dimension);
      place += members.length;
    }
    return { order, starts, centroids };
  }

  /** Gives the memory back. */
  release(): void {
    this.#assigner.release();
  }

  /** Requires: rows of the space, no fewer than leaves. */
  *#leavesOf(rows: Float32Array, leaves: number): Generator<void, readonly Leaf[]> {
    if (leaves === 1) {
      const members = upTo(rows.length / this.#space.dimension);
      return [{ members, centroid: meanOf(rows, this.#space.dimension, members) }];
    }
    const cells = yield* this.#cellsOf(rows, leaves);
    // Nothing tells them apart.
    if (cells.length === 1) return cut(cells[0]!, leaves);
    const parts = partsOf(
      cells.map(({ members }) => members.length),
      leaves,
      this.#cellSizes,
    );
    const found: Leaf[] = [];
    for (const [i, cell] of cells.entries()) {
      if (parts[i] === 1) {
        found.push(cell);
        continue;
      }
      const own = yield* this.#leavesOf(rowsOf(rows, this.#space.dimension, cell.members), parts[i]!);
      for (const { members, centroid } of own)
        found.push({ members: members.map((row) => cell.members[row]!), centroid });
    }
    return found;
  }

  /** As many as there are leaves, or fewer where some would be too small: so that none of those that are too large must stay so. */
  *#cellsOf(rows: Float32Array, leaves: number): Generator<void, readonly Leaf[]> {
    const { dimension } = this.#space;
    const options = { count: leaves, rounds: ROUNDS, next: this.#next };
    let centroids = yield* kMeans(this.#assigner, this.#sampleOf(rows, leaves), options);
    for (;;) {
      this.#assigner.use(centroids);
      const cells = cellsOf(yield* this.#assigner.assign(rows), centroids, dimension);
      const kept = worthKeeping(cells, leaves, this.#cellSizes);
      if (kept.length * dimension === centroids.length) return cells;
      centroids = new Float32Array(kept.length * dimension);
      for (const [i, { centroid }] of kept.entries()) centroids.set(centroid, i * dimension);
    }
  }

  /** Of the rows so many for each leaf, from everywhere among them. */
  #sampleOf(rows: Float32Array, leaves: number): Float32Array {
    const count = rows.length / this.#space.dimension;
    const wanted = Math.min(count, leaves * SAMPLE_PER_LEAF);
    if (wanted === count) return rows;
    const sampled = Uint32Array.from({ length: wanted }, (_, i) =>
      Math.floor(((i + this.#next() / 2 ** 32) * count) / wanted),
    );
    return rowsOf(rows, this.#space.dimension, sampled);
  }
}

interface CellSizes {
  readonly least: number;
  readonly most: number;
}

function meanOf(rows: Float32Array, dimension: number, members: Uint32Array): Float32Array {
  const sums = new Float64Array(dimension);
  for (const row of members)
    for (let d = 0, at = row * dimension; d < dimension; d++) sums[d]! += rows[at++]!;
  return Float32Array.from(sums, (sum) => sum / members.length);
}

function upTo(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** Of the centroids that any row is nearest to. */
function cellsOf(assigned: Uint32Array, centroids: Float32Array, dimension: number): readonly Leaf[] {
  const members = new Map<number, number[]>();
  for (const [row, cell] of assigned.entries()) {
    const own = members.get(cell);
    if (own === undefined) members.set(cell, [row]);
    else own.push(row);
  }
  return [...members].map(([cell, rows]) => ({
    members: Uint32Array.from(rows),
    centroid: centroids.subarray(cell * dimension, (cell + 1) * dimension),
  }));
}

/** Without those that are too small, and without the smallest where all would make more leaves than there may be. Never none. */
function worthKeeping(cells: readonly Leaf[], leaves: number, sizes: CellSizes): readonly Leaf[] {
  const bySize = cells.toSorted((a, b) => b.members.length - a.members.length);
  const large = bySize.filter(({ members }, i) => i === 0 || members.length >= sizes.least);
  const excess = large.reduce((sum, { members }) => sum + leastParts(members.length, sizes), 0) - leaves;
  return excess > 0 ? large.slice(0, Math.max(1, large.length - excess)) : large;
}

function leastParts(rows: number, { most }: CellSizes): number {
  return Math.ceil(rows / most);
}

/** Into how many leaves each cell is split: the largest first, until there are enough. */
function partsOf(sizes: readonly number[], leaves: number, cellSizes: CellSizes): number[] {
  const parts = sizes.map((rows) => leastParts(rows, cellSizes));
  for (let left = leaves - parts.reduce((sum, part) => sum + part, 0); left > 0; left--) {
    let largest = 0;
    for (const [i, size] of sizes.entries())
      if (size / parts[i]! > sizes[largest]! / parts[largest]!) largest = i;
    parts[largest]!++;
  }
  return parts;
}

function cut({ members, centroid }: Leaf, leaves: number): readonly Leaf[] {
  const at = (leaf: number): number => Math.floor((leaf * members.length) / leaves);
  return Array.from({ length: leaves }, (_, leaf) => ({
    members: members.subarray(at(leaf), at(leaf + 1)),
    centroid,
  }));
}
