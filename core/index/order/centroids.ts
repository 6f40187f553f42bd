/**
 * K-means over f32 rows, the distances in WebAssembly: rows pass through an arena in pieces, and sums are made here.
 * For cosine rows are brought to length 1. All metrics cluster by squared L2: only locality depends on it.
 */
import { PAYLOAD_OFFSET, type Arena, type ArenaPool } from '../../kernel/index.js';
import { inverseLengths } from '../codes/index.js';
import { Layout, acquireBytes } from '../layout/index.js';

/** Of rows that are assigned in one turn. */
const INPUT_BYTES = 262_144;

export interface ClusterSpace {
  readonly pool: ArenaPool;
  readonly dimension: number;
  readonly normalised: boolean;
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

/** Some of the rows, in the order wanted. */
export function rowsOf(
  rows: Float32Array,
  dimension: number,
  wanted: Uint32Array,
): Float32Array<ArrayBuffer> {
  const found = new Float32Array(wanted.length * dimension);
  wanted.forEach((row, i) => found.set(rows.subarray(row * dimension, (row + 1) * dimension), i * dimension));
  return found;
}

/** Centroids in an arena of their own, and rows that are assigned to the nearest. Whoever makes one releases it. */
export class Assigner {
  readonly space: ClusterSpace;
  readonly #input: number;
  readonly #out: number;
  readonly #perTurn: number;
  readonly #centroids: number;
  #count = 0;
  #arena: Arena | undefined;

  /** For `most` centroids. Throws `memory_budget_exceeded`. */
  constructor(space: ClusterSpace, most: number) {
    const rowBytes = space.dimension * 4;
    this.space = space;
    this.#perTurn = Math.max(1, Math.floor(INPUT_BYTES / rowBytes));
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#input = layout.take(this.#perTurn * rowBytes);
    this.#out = layout.take(this.#perTurn * 4);
    this.#centroids = layout.take(most * rowBytes);
    this.#arena = acquireBytes(space.pool, layout.end - PAYLOAD_OFFSET);
  }

  /** f32[count][dimension], no more than there is room for: from now on rows are assigned to these. */
  use(centroids: Float32Array): void {
    this.#arena!.f32.set(centroids, this.#centroids / 4);
    this.#count = centroids.length / this.space.dimension;
  }

  /** The nearest centroid of each row, the first of equals. Requires: rows of the space; centroids; not released. */
  *assign(rows: Float32Array): Generator<void, Uint32Array<ArrayBuffer>> {
    const { dimension } = this.space;
    const found = new Uint32Array(rows.length / dimension);
    for (let row = 0; row < found.length; row += this.#perTurn) {
      const { exports, f32, u32 } = this.#arena!;
      const chunk = rows.subarray(row * dimension, (row + this.#perTurn) * dimension);
      f32.set(chunk, this.#input / 4);
      const n = chunk.length / dimension;
      exports.assignRows(this.#input, n, dimension, this.#centroids, this.#count, this.#out);
      found.set(u32.subarray(this.#out / 4, this.#out / 4 + n), row);
      yield;
    }
    return found;
  }

  /** May be called again. */
  release(): void {
    if (this.#arena !== undefined) this.space.pool.release(this.#arena);
    this.#arena = undefined;
  }
}

export interface KMeansOptions {
  readonly count: number;
  readonly rounds: number;
  readonly next: () => number;
}

/**
 * f32[count][dimension] by Lloyd's algorithm from random rows; a centroid that nobody is near starts anew at a random row. Requires:
 * rows of the assigner's space, and room in it.
 */
export function* kMeans(
  assigner: Assigner,
  rows: Float32Array,
  { count, rounds, next }: KMeansOptions,
): Generator<void, Float32Array<ArrayBuffer>> {
  const { dimension } = assigner.space;
  const n = rows.length / dimension;
  const centroids = new Float32Array(count * dimension);
  const restart = (c: number, row: number): void =>
    centroids.set(rows.subarray(row * dimension, (row + 1) * dimension), c * dimension);
  for (let c = 0; c < count; c++) {
    // One of the c-th part of the rows: distinct rows without a table of those taken.
    restart(c, Math.min(n - 1, Math.floor(((c + next() / 2 ** 32) * n) / count)));
  }
  for (let round = 0; round < rounds; round++) {
    assigner.use(centroids);
    const assigned = yield* assigner.assign(rows);
    move(centroids, rows, assigned, dimension, (c) => restart(c, next() % n));
  }
  return centroids;
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
