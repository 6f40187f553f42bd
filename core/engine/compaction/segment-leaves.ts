/** The leaves of a segment that is being built, as a reader that holds no index will probe them. */
import { hasLeafCodes, LeafEncoder, LeafScan } from '../../index/index.js';
import type { CentroidCodes, EncodedLeaf, LeafEncoderOptions, PlacedLeaves } from '../../index/index.js';
import type { ArenaPool } from '../../kernel/index.js';
import type { SegmentWriter } from '../../segment/index.js';
import { tryWithRoom } from '../segments/index.js';

/** Of a centroid's code, per dimension: more of them find the nearest better, but not so much that fewer leaves were to be read. */
const CENTROID_BITS = 1;

type WrittenLeaves = Parameters<SegmentWriter['writeLeaves']>[1];

export class SegmentLeaves {
  readonly #options: LeafEncoderOptions;
  readonly #encoder: LeafEncoder;
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
      this.#encoder.add(rows, centroids.subarray(leaf * dimension, (leaf + 1) * dimension));
    });
  }

  /** All rows have been added: their memory is given back, and what was made of them stays. */
  endRows(): void {
    this.#centroids = this.#encoder.centroids(CENTROID_BITS);
    this.#encoder.release();
  }

  get centroids(): CentroidCodes {
    return this.#centroids!;
  }

  /** What is written of each leaf. `ids` by rank. */
  *contents(ids: readonly string[], rankOfRow: Uint32Array): WrittenLeaves {
    let first = 0;
    for (const { rows, scanned } of this.#encoder.leaves) {
      const ranks = rankOfRow.subarray(first, first + rows);
      first += rows;
      yield { scanned, ranks, ids: Array.from(ranks, (rank) => ids[rank]!) };
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
