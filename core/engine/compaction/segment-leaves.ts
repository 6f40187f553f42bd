/** The leaves of a segment that is being built, as a reader that holds no index will probe them. */
import { limits } from '../../base/limits.js';
import { hasLeafCodes, LeafEncoder, LeafScan, SecondLeaves } from '../../index/index.js';
import type { CentroidCodes, EncodedLeaf, LeafEncoderOptions, PlacedLeaves } from '../../index/index.js';
import type { ArenaPool } from '../../kernel/index.js';
import type { SegmentWriter } from '../../segment/index.js';
import { tryWithRoom } from '../segments/index.js';

/** Of a centroid's code, per dimension: more of them find the nearest better, but not so much that fewer leaves were to be read. */
const CENTROID_BITS = 1;

/** Rows that find their second leaf between two breaths: of thousands of leaves that takes some tens of microseconds each. */
const ROWS_AT_ONCE = 32;

type WrittenLeaves = Parameters<SegmentWriter['writeLeaves']>[1];

export class SegmentLeaves {
  readonly #options: LeafEncoderOptions;
  readonly #encoder: LeafEncoder;
  /** Centroids of the leaves that were added. */
  readonly #given: Float32Array[] = [];
  #centroids: CentroidCodes | undefined;

  private constructor(options: LeafEncoderOptions, encoder: LeafEncoder) {
    this.#options = options;
    this.#encoder = encoder;
  }

  /** Undefined where distances cannot be estimated by codes, or memory is short: the segment is loaded or streamed then. */
  static tryBegin(
    pool: ArenaPool,
    evict: () => boolean,
    options: LeafEncoderOptions,
  ): SegmentLeaves | undefined {
    if (!hasLeafCodes(options.metric)) return undefined;
    const encoder = tryWithRoom(evict, () => new LeafEncoder(pool, options));
    return encoder && new SegmentLeaves(options, encoder);
  }

  /** The next rows of the file, from `first` on: those of the leaves. */
  add(first: number, vectors: Float32Array, { starts, centroids }: PlacedLeaves): void {
    const { dimension } = this.#options;
    starts.forEach((start, leaf) => {
      const end = starts[leaf + 1] ?? first + vectors.length / dimension;
      const rows = vectors.subarray((start - first) * dimension, (end - first) * dimension);
      const centroid = centroids.subarray(leaf * dimension, (leaf + 1) * dimension);
      this.#encoder.add(rows, centroid);
      this.#given.push(centroid);
    });
  }

  /**
   * All rows have been added. Each becomes a guest of a second leaf, as far as memory suffices to choose it; `rowsOf` answers rows of
   * the file, which need not be exact. Then the memory is given back, and what was made of them stays. Yields after a few rows.
   */
  *endRows(
    pool: ArenaPool,
    evict: () => boolean,
    rowsOf: (first: number, count: number) => Float32Array,
  ): Generator<void> {
    const rowsIn = Uint32Array.from(this.#encoder.leaves, ({ rows }) => rows);
    this.#centroids = this.#encoder.centroids(CENTROID_BITS);
    const seconds = this.#trySeconds({ pool, evict, rowsIn });
    try {
      let first = 0;
      for (const [leaf, count] of rowsIn.entries()) {
        if (seconds === undefined) break;
        const end = first + count;
        for (; first < end; first = Math.min(end, first + ROWS_AT_ONCE)) {
          const rows = rowsOf(first, Math.min(ROWS_AT_ONCE, end - first));
          this.#encoder.addGuests(first, rows, seconds.secondsOf(leaf, rows));
          yield;
        }
      }
    } finally {
      seconds?.release();
    }
    this.#encoder.endGuests();
    this.#encoder.release();
  }

  #trySeconds({
    pool,
    evict,
    rowsIn,
  }: {
    readonly pool: ArenaPool;
    readonly evict: () => boolean;
    readonly rowsIn: Uint32Array;
  }): SecondLeaves | undefined {
    const { dimension } = this.#options;
    const centroids = new Float32Array(rowsIn.length * dimension);
    this.#given.forEach((centroid, leaf) => centroids.set(centroid, leaf * dimension));
    const options = { dimension, centroids, rowsIn, leafRowsMost: limits.leafRows, codes: this.centroids };
    return tryWithRoom(evict, () => new SecondLeaves(pool, options));
  }

  get centroids(): CentroidCodes {
    return this.#centroids!;
  }

  /** What is written of each leaf. `ids` by rank. */
  *contents(ids: readonly string[], rankOfRow: Uint32Array): WrittenLeaves {
    let first = 0;
    for (const { rows, guests, scanned } of this.#encoder.leaves) {
      const ranks = new Uint32Array(rows + guests.length);
      ranks.set(rankOfRow.subarray(first, first + rows));
      guests.forEach((row, i) => (ranks[rows + i] = rankOfRow[row]!));
      first += rows;
      yield { scanned, guests, ranks, ids: Array.from(ranks, (rank) => ids[rank]!) };
    }
  }

  /** Those that are written. */
  get encoded(): readonly EncodedLeaf[] {
    return this.#encoder.leaves;
  }

  /** To ask them as a reader will. Whoever takes it releases it. Undefined where memory is short. */
  tryScan(pool: ArenaPool, evict: () => boolean): LeafScan | undefined {
    const { dimension, metric } = this.#options;
    const { centroids } = this;
    return tryWithRoom(evict, () => new LeafScan(pool, { dimension, metric, centroids }));
  }

  release(): void {
    this.#encoder.release();
  }
}
