/**
 * K-means over f32 rows, the distances in WebAssembly: rows pass through an arena in pieces, and sums are made here.
 * For cosine rows are brought to length 1. All metrics cluster by squared L2: only locality depends on it.
 */
import { PAYLOAD_OFFSET, type Arena, type ArenaPool } from '../../kernel/index.js';
import { inverseLengths } from '../codes/index.js';
import { Layout, acquireBytes } from '../layout/index.js';

const INPUT_BYTES = 1_048_576;

export interface ClusterSpace {
  readonly pool: ArenaPool;
  readonly dimension: number;
  readonly normalised: boolean;
}

/** Centroids and how they are grouped: group g holds the leaves starts[g] .. starts[g + 1]. */
export interface LeafTree {
  readonly groups: Float32Array;
  readonly starts: Uint32Array;
  readonly leaves: Float32Array;
}

/** Rows of length 1 where the space wants that, else the rows themselves. */
export function inSpace(rows: Float32Array, { dimension, normalised }: ClusterSpace): Float32Array {
  if (!normalised) return rows;
  const scales = inverseLengths(rows, dimension);
  const scaled = new Float32Array(rows.length);
  for (let row = 0, at = 0; row < scales.length; row++) {
    const scale = scales[row]!;
    for (const end = at + dimension; at < end; at++) scaled[at] = rows[at]! * scale;
  }
  return scaled;
}

/** An arena with centroids in it that assigns rows to them. */
class Assigner {
  readonly #arena: Arena;
  readonly #dimension: number;
  readonly #input: number;
  readonly #out: number;
  readonly #perRound: number;
  readonly centroids: number;
  readonly groups: number;
  readonly starts: number;

  constructor(space: ClusterSpace, leaves: number, groups: number) {
    const rowBytes = space.dimension * 4;
    this.#dimension = space.dimension;
    this.#perRound = Math.max(1, Math.floor(INPUT_BYTES / rowBytes));
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#input = layout.take(this.#perRound * rowBytes);
    this.#out = layout.take(this.#perRound * 4);
    this.centroids = layout.take(leaves * rowBytes);
    this.groups = layout.take(groups * rowBytes);
    this.starts = layout.take((groups + 1) * 4);
    this.#arena = acquireBytes(space.pool, layout.end - PAYLOAD_OFFSET);
  }

  put(address: number, values: Float32Array | Uint32Array): void {
    if (values instanceof Float32Array) this.#arena.f32.set(values, address / 4);
    else this.#arena.u32.set(values, address / 4);
  }

  /** Requires: rows of the space. `groups` = 0: among the first `count` centroids; else by way of that many groups. */
  assign(rows: Float32Array, count: number, groups: number): Uint32Array<ArrayBuffer> {
    const { exports, f32, u32 } = this.#arena;
    const dimension = this.#dimension;
    const found = new Uint32Array(rows.length / dimension);
    for (let row = 0; row < found.length; row += this.#perRound) {
      const chunk = rows.subarray(row * dimension, (row + this.#perRound) * dimension);
      f32.set(chunk, this.#input / 4);
      const n = chunk.length / dimension;
      if (groups === 0) exports.assignRows(this.#input, n, dimension, this.centroids, count, this.#out);
      else {
        const { centroids, starts } = this;
        exports.assignGrouped(this.#input, n, dimension, this.groups, groups, starts, centroids, this.#out);
      }
      found.set(u32.subarray(this.#out / 4, this.#out / 4 + n), row);
    }
    return found;
  }

  release(pool: ArenaPool): void {
    pool.release(this.#arena);
  }
}

export interface KMeans {
  readonly centroids: Float32Array<ArrayBuffer>;
  readonly assigned: Uint32Array;
}

/** Lloyd's algorithm from random rows; a centroid that nobody is near starts anew at a random row. */
export function kMeans(
  space: ClusterSpace,
  rows: Float32Array,
  options: { readonly count: number; readonly rounds: number; readonly next: () => number },
): KMeans {
  const { dimension } = space;
  const n = rows.length / dimension;
  const { count, next } = options;
  const rounds = count === 1 ? 1 : options.rounds;
  const assigner = new Assigner(space, count, 0);
  try {
    const centroids = new Float32Array(count * dimension);
    const restart = (c: number): void => {
      const row = next() % n;
      centroids.set(rows.subarray(row * dimension, (row + 1) * dimension), c * dimension);
    };
    for (let c = 0; c < count; c++) {
      // One of the c-th part of the rows: distinct rows without a table of those taken.
      const row = Math.min(n - 1, Math.floor(((c + next() / 2 ** 32) * n) / count));
      centroids.set(rows.subarray(row * dimension, (row + 1) * dimension), c * dimension);
    }
    let assigned = new Uint32Array(n);
    for (let round = 0; round < rounds; round++) {
      assigner.put(assigner.centroids, centroids);
      assigned = assigner.assign(rows, count, 0);
      if (round + 1 < rounds) move(centroids, rows, assigned, dimension, restart);
    }
    return { centroids, assigned };
  } finally {
    assigner.release(space.pool);
  }
}

function move(
  centroids: Float32Array,
  rows: Float32Array,
  assigned: Uint32Array,
  dimension: number,
  restart: (centroid: number) => void,
): void {
  const sums = new Float64Array(centroids.length);
  const counts = new Uint32Array(centroids.length / dimension);
  for (let row = 0, at = 0; row < assigned.length; row++) {
    const centroid = assigned[row]!;
    counts[centroid]!++;
    for (let to = centroid * dimension, end = to + dimension; to < end; to++) sums[to]! += rows[at++]!;
  }
  for (let c = 0; c < counts.length; c++) {
    const count = counts[c]!;
    if (count === 0) restart(c);
    else for (let at = c * dimension; at < (c + 1) * dimension; at++) centroids[at] = sums[at]! / count;
  }
}

/** Assigns rows to the leaves of a tree, through an arena of its own. */
export class LeafAssigner {
  readonly #space: ClusterSpace;
  readonly #groups: number;
  #assigner: Assigner | undefined;

  constructor(space: ClusterSpace, tree: LeafTree) {
    const leaves = tree.leaves.length / space.dimension;
    this.#space = space;
    this.#groups = tree.starts.length - 1;
    this.#assigner = new Assigner(space, leaves, this.#groups);
    this.#assigner.put(this.#assigner.centroids, tree.leaves);
    this.#assigner.put(this.#assigner.groups, tree.groups);
    this.#assigner.put(this.#assigner.starts, tree.starts);
  }

  /** Leaf of each row. Requires: not released. */
  assign(rows: Float32Array): Uint32Array {
    return this.#assigner!.assign(inSpace(rows, this.#space), 0, this.#groups);
  }

  release(): void {
    this.#assigner?.release(this.#space.pool);
    this.#assigner = undefined;
  }
}
