/** The leaves of a segment that is being built, as a reader that holds no index will probe them. */
import { hasLeafCodes, LeafEncoder, LeafScan } from '../../index/index.js';
import type { CentroidCodes, LeafEncoderOptions } from '../../index/index.js';
import type { ArenaPool } from '../../kernel/index.js';
import type { SegmentWriter } from '../../segment/index.js';
import { tryWithRoom } from '../segments/index.js';

/** Of a centroid's code, per dimension: one more bit than needed to know most of the nearest, two fewer than make no difference. */
const CENTROID_BITS = 2;

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

  get leafStarts(): Uint32Array {
    return this.#options.leafStarts;
  }

  /** Whole rows in the order of the file, over any number of calls. */
  add(vectors: Float32Array): void {
    this.#encoder.add(vectors);
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
    const { leafStarts, rows } = this.#options;
    for (const [leaf, scanned] of this.#encoder.leaves.entries()) {
      const ranks = rankOfRow.subarray(leafStarts[leaf], leafStarts[leaf + 1] ?? rows);
      yield { scanned, ranks, ids: Array.from(ranks, (rank) => ids[rank]!) };
    }
  }

  /** Of a leaf, its centroid and packs. */
  scanned(leaf: number): Uint8Array {
    return this.#encoder.leaves[leaf]!;
  }

  rowsIn(leaf: number): number {
    const { leafStarts, rows } = this.#options;
    return (leafStarts[leaf + 1] ?? rows) - leafStarts[leaf]!;
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
