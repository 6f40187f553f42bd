/**
 * A second leaf for each row: one that a query which is near the row is likely to be near where it misses the row's own. Of all leaves
 * that is the nearest one in another direction than the row lies off its own centroid: distance squared plus the square of what both
 * residuals have in common (orthogonality-amplified residuals: Sun et al., "SOAR", NeurIPS 2023). With rows in two leaves a probe reads
 * a tenth as many leaves for the same recall. Of all leaves, and not of those around a row's own: rows that lie far from every
 * centroid have their second elsewhere, and they are those that are hard to find.
 */
import { clearBit, setBit } from '../../base/bitmap.js';
import { KERNEL_DOT, KERNEL_L2, PAYLOAD_OFFSET } from '../../kernel/index.js';
import type { Arena, ArenaPool } from '../../kernel/index.js';
import { Layout, acquireBytes } from '../layout/index.js';
import { CentroidScan, layOutCentroidScan } from './centroid-scan.js';
import type { CentroidCodes } from './leaf-encoder.js';

/** Leaves that are compared exactly: the nearest by their codes. */
const COMPARED = 32;
/** A leaf that very many rows would choose is read for all of them each time: it takes so many times its share, and others the rest. */
const GUESTS_MOST = 2;

/** The second leaf of a row for which there is none. */
export const NO_LEAF = 0xffff_ffff;

export interface SecondLeavesOptions {
  readonly dimension: number;
  /** f32[leaves][dimension], as rows are compared: those of `secondsOf`. */
  readonly centroids: Float32Array;
  /** Of each leaf. */
  readonly rowsIn: Uint32Array;
  /** Rows of a leaf, with those for which it is the second. */
  readonly leafRowsMost: number;
  /** What the same centroids are coded by. */
  readonly codes: Pick<CentroidCodes, 'factor' | 'mean'>;
}

interface Places {
  readonly centroids: number;
  readonly row: number;
  readonly residual: number;
  readonly squares: number;
  readonly products: number;
}

export class SecondLeaves {
  readonly #pool: ArenaPool;
  readonly #dimension: number;
  readonly #places: Places;
  readonly #arena: Arena;
  readonly #scan: CentroidScan;
  /** For how many rows more each may be the second. */
  readonly #room: Uint32Array;

  /** Throws `memory_budget_exceeded`. Whoever makes one releases it. */
  constructor(pool: ArenaPool, { dimension, centroids, rowsIn, leafRowsMost, codes }: SecondLeavesOptions) {
    this.#pool = pool;
    this.#dimension = dimension;
    const size = { dimension, centroids: rowsIn.length, limit: COMPARED };
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#places = {
      centroids: layout.take(centroids.byteLength),
      row: layout.take(dimension * 4),
      residual: layout.take(dimension * 4),
      squares: layout.take(COMPARED * 4),
      products: layout.take(COMPARED * 4),
    };
    const scan = layOutCentroidScan(layout, size);
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena.f32.set(centroids, this.#places.centroids / 4);
    this.#scan = new CentroidScan(this.#arena, scan, { ...size, ...codes, at: this.#places.centroids });
    const rows = rowsIn.reduce((sum, own) => sum + own, 0);
    const share = Math.ceil((GUESTS_MOST * rows) / rowsIn.length);
    this.#room = rowsIn.map((own) => Math.min(share, leafRowsMost - own));
    this.#room.forEach((room, leaf) => room > 0 && setBit(this.#scan.live, leaf));
  }

  /** Of each of the leaf's own rows. Takes room in the leaves that it answers: what comes of it follows from the order of the calls. */
  secondsOf(leaf: number, rows: Float32Array): Uint32Array<ArrayBuffer> {
    const dimension = this.#dimension;
    const found = new Uint32Array(rows.length / dimension);
    clearBit(this.#scan.live, leaf);
    for (let i = 0; i < found.length; i++) {
      this.#arena.f32.set(rows.subarray(i * dimension, (i + 1) * dimension), this.#places.row / 4);
      found[i] = this.#second(leaf);
    }
    if (this.#room[leaf]! > 0) setBit(this.#scan.live, leaf);
    return found;
  }

  release(): void {
    this.#pool.release(this.#arena);
  }

  /** Of the row in the arena. */
  #second(leaf: number): number {
    const { f32, u32 } = this.#arena;
    const { row, residual, squares, products } = this.#places;
    const { squared, along } = this.#takeResidual(leaf);
    const count = this.#scan.nearest(row);
    this.#measure(KERNEL_L2, row, count, squares);
    this.#measure(KERNEL_DOT, residual, count, products);
    let [best, least] = [NO_LEAF, Infinity];
    for (let i = 0; i < count; i++) {
      // The kernel's product is negated.
      const common = along + f32[products / 4 + i]!;
      const loss = f32[squares / 4 + i]! + (squared === 0 ? 0 : (common * common) / squared);
      if (loss < least) [best, least] = [u32[this.#scan.list / 4 + i]!, loss];
    }
    if (best !== NO_LEAF && --this.#room[best]! === 0) clearBit(this.#scan.live, best);
    return best;
  }

  /** Writes what the row lies off its leaf's centroid by, and answers its squared length and its product with the row. */
  #takeResidual(leaf: number): { readonly squared: number; readonly along: number } {
    const { f32 } = this.#arena;
    const [row, residual] = [this.#places.row / 4, this.#places.residual / 4];
    const centroid = this.#places.centroids / 4 + leaf * this.#dimension;
    let [squared, along] = [0, 0];
    for (let d = 0; d < this.#dimension; d++) {
      const part = Math.fround(f32[row + d]! - f32[centroid + d]!);
      f32[residual + d] = part;
      squared += part * part;
      along += part * f32[row + d]!;
    }
    return { squared, along };
  }

  #measure(metric: typeof KERNEL_L2 | typeof KERNEL_DOT, query: number, count: number, out: number): void {
    const dimension = this.#dimension;
    const { centroids } = this.#places;
    const { exports } = this.#arena;
    exports.scoreRows(metric, query, centroids, this.#scan.list, count, dimension, dimension * 4, 0, out);
  }
}
