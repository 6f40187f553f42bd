/**
 * Plans the order of a segment's rows: by clusters ("leaves") of 256 to 1,024 rows, near leaves next to each other, so
 * that a walk meets neighbours in the same pages and a cold reader fetches few of them. Two levels of k-means over a
 * sample; then every row is assigned once, as the rows stream by. All of it follows from the seed.
 */
import { assertInternal } from '../../base/errors.js';
import type { ArenaPool, Metric } from '../../kernel/index.js';
import { LeafAssigner, inSpace, kMeans, type ClusterSpace, type LeafTree } from './centroids.js';
import { LeafMeans } from './leaf-means.js';
import { chain, fitLeaves, type RowOrder } from './leaf-order.js';
import { randomSource } from '../../base/random-source.js';

const LEAF_ROWS = 512;
const SAMPLE_PER_LEAF = 64;
/** The sample passes through memory whole. */
const SAMPLE_BYTES = 67_108_864;
const ROUNDS = 4;

export interface OrderOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly rows: number;
  readonly seed: number;
}

export class OrderPlanner {
  readonly #options: OrderOptions;
  readonly #space: ClusterSpace;
  readonly #leafCount: number;
  readonly #next: () => number;
  #assigner: LeafAssigner | undefined;
  /** Place of each leaf in the order. */
  #places: Uint32Array = new Uint32Array(1);

  constructor(pool: ArenaPool, options: OrderOptions) {
    this.#options = options;
    this.#space = { pool, dimension: options.dimension, normalised: options.metric === 'cosine' };
    this.#leafCount = options.rows <= 2 * LEAF_ROWS ? 1 : Math.ceil(options.rows / LEAF_ROWS);
    this.#next = randomSource(options.seed);
  }

  /** Rows of the source whose vectors `train` wants, ascending. None where there is one leaf. */
  sampleRows(): Uint32Array {
    const { rows, dimension, seed } = this.#options;
    if (this.#leafCount === 1) return new Uint32Array(0);
    const affordable = Math.floor(SAMPLE_BYTES / (dimension * 4));
    const count = Math.min(rows, SAMPLE_PER_LEAF * this.#leafCount, Math.max(affordable, this.#leafCount));
    const next = randomSource(seed);
    return Uint32Array.from({ length: count }, (_, i) =>
      Math.floor(((i + next() / 4_294_967_296) * rows) / count),
    );
  }

  /** Of the rows that `assign` has told the leaves of. */
  means(): LeafMeans {
    return new LeafMeans(this.#space);
  }

  /** Learns the leaves from the sampled rows' vectors. */
  train(sample: Float32Array): void {
    if (this.#leafCount === 1) return;
    const rows = inSpace(sample, this.#space);
    const count = Math.min(this.#leafCount, rows.length / this.#options.dimension);
    this.#use(
      this.#tree(
        rows,
        count,
        (members, leaves) =>
          kMeans(this.#space, members, { count: leaves, rounds: ROUNDS, next: this.#next }).centroids,
      ),
    );
  }

  /** Takes leaves that exist. For cosine they are brought to length 1, as rows are. */
  useCentroids(centroids: Float32Array): void {
    const rows = inSpace(centroids, this.#space);
    this.#use(this.#tree(rows, rows.length / this.#options.dimension, (members) => members));
  }

  /** Leaf of each row, as `finish` wants them: call it for all rows, piece by piece. */
  assign(rows: Float32Array): Uint32Array {
    const { dimension } = this.#options;
    assertInternal(rows.length % dimension === 0, `${rows.length} numbers are no rows of ${dimension}`);
    return this.#assigner?.assign(rows) ?? new Uint32Array(rows.length / dimension);
  }

  finish(leafOfRow: Uint32Array): RowOrder {
    const { rows } = this.#options;
    assertInternal(leafOfRow.length === rows, `leaves of ${leafOfRow.length} rows, not ${rows}`);
    return fitLeaves(leafOfRow, this.#places);
  }

  /** Gives the memory back. */
  release(): void {
    this.#assigner?.release();
    this.#assigner = undefined;
  }

  /** Groups the rows by k-means, and lets `split` make each group's leaves of its members. */
  #tree(
    rows: Float32Array,
    leafCount: number,
    split: (members: Float32Array, leaves: number) => Float32Array,
  ): LeafTree {
    const { dimension } = this.#options;
    const n = rows.length / dimension;
    const groupCount = Math.max(1, Math.round(Math.sqrt(leafCount)));
    const top = kMeans(this.#space, rows, { count: groupCount, rounds: ROUNDS, next: this.#next });
    const sizes = new Uint32Array(groupCount);
    for (const group of top.assigned) sizes[group]!++;
    const kept: Float32Array[] = [];
    const leaves: Float32Array[] = [];
    const starts = [0];
    for (let group = 0; group < groupCount; group++) {
      const size = sizes[group]!;
      if (size === 0) continue;
      const members = new Float32Array(size * dimension);
      let at = 0;
      for (let row = 0; row < n; row++) {
        if (top.assigned[row] !== group) continue;
        members.set(rows.subarray(row * dimension, (row + 1) * dimension), at);
        at += dimension;
      }
      const wanted = Math.max(1, Math.min(size, Math.round((size / n) * leafCount)));
      const made = split(members, wanted);
      kept.push(top.centroids.subarray(group * dimension, (group + 1) * dimension));
      leaves.push(made);
      starts.push(starts.at(-1)! + made.length / dimension);
    }
    return { groups: joined(kept), starts: Uint32Array.from(starts), leaves: joined(leaves) };
  }

  #use(tree: LeafTree): void {
    this.release();
    this.#assigner = new LeafAssigner(this.#space, tree);
    this.#places = chain(tree, this.#options.dimension);
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
