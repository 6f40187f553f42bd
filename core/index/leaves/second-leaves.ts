/**
 * A second leaf for each row: one that a query which is near the row is likely to be near where it misses the row's own. Of all leaves
 * that is the nearest one in another direction than the row lies off its own centroid: distance squared plus the square of what both
 * residuals have in common (orthogonality-amplified residuals: Sun et al., "SOAR", NeurIPS 2023). With rows in two leaves a probe reads
 * a tenth as many leaves for the same recall. Of all leaves, and not of those around a row's own: rows that lie far from every
 * centroid have their second elsewhere, and they are those that are hard to find.
 */
import { assertInternal } from '../../base/errors.js';
import { KERNEL_DOT, KERNEL_L2, PAYLOAD_OFFSET } from '../../kernel/index.js';
import type { Arena, ArenaPool, Metric } from '../../kernel/index.js';
import { inverseLengths } from '../codes/index.js';
import { Layout, acquireBytes } from '../layout/index.js';
import type { LeafScan } from './leaf-scan.js';

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
  /** To compare rows with the codes of the same centroids, and what these are coded by. */
  readonly scan: LeafScan;
  readonly metric: Metric;
  readonly factor: number;
}

interface Places {
  readonly centroids: number;
  readonly row: number;
  readonly residual: number;
  readonly compared: number;
  readonly squares: number;
  readonly products: number;
}

export class SecondLeaves {
  readonly #pool: ArenaPool;
  readonly #dimension: number;
  readonly #scan: LeafScan;
  readonly #factor: number;
  /** |c|^2 of each centroid, where codes estimate products. */
  readonly #squares: Float64Array | undefined;
  readonly #places: Places;
  readonly #arena: Arena;
  /** For how many rows more each may be the second. */
  readonly #room: Uint32Array;
  /** The nearest so far, ascending. */
  readonly #near = new Uint32Array(COMPARED);
  readonly #estimates = new Float64Array(COMPARED);

  /** Throws `memory_budget_exceeded`. Whoever makes one releases it. */
  constructor(
    pool: ArenaPool,
    { dimension, centroids, rowsIn, leafRowsMost, scan, metric, factor }: SecondLeavesOptions,
  ) {
    this.#pool = pool;
    this.#dimension = dimension;
    this.#scan = scan;
    this.#factor = factor;
    this.#squares =
      metric === 'dot'
        ? Float64Array.from(inverseLengths(centroids, dimension), (scale) =>
            scale === 0 ? 0 : 1 / scale ** 2,
          )
        : undefined;
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#places = {
      centroids: layout.take(centroids.byteLength),
      row: layout.take(dimension * 4),
      residual: layout.take(dimension * 4),
      compared: layout.take(COMPARED * 4),
      squares: layout.take(COMPARED * 4),
      products: layout.take(COMPARED * 4),
    };
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena.f32.set(centroids, this.#places.centroids / 4);
    const rows = rowsIn.reduce((sum, own) => sum + own, 0);
    const share = Math.ceil((GUESTS_MOST * rows) / rowsIn.length);
    this.#room = rowsIn.map((own) => Math.min(share, leafRowsMost - own));
  }

  /** Of each of the leaf's own rows. Takes room in the leaves that it answers: what comes of it follows from the order of the calls. */
  secondsOf(leaf: number, rows: Float32Array): Uint32Array<ArrayBuffer> {
    const dimension = this.#dimension;
    const { f32 } = this.#arena;
    const { centroids, row: rowAt, residual: residualAt } = this.#places;
    const centre = f32.subarray(centroids / 4 + leaf * dimension, centroids / 4 + (leaf + 1) * dimension);
    const residual = f32.subarray(residualAt / 4, residualAt / 4 + dimension);
    const found = new Uint32Array(rows.length / dimension);
    for (let i = 0; i < found.length; i++) {
      const row = rows.subarray(i * dimension, (i + 1) * dimension);
      f32.set(row, rowAt / 4);
      for (let d = 0; d < dimension; d++) residual[d] = row[d]! - centre[d]!;
      found[i] = this.#second(this.#nearest(row, leaf));
    }
    return found;
  }

  release(): void {
    this.#pool.release(this.#arena);
  }

  /** Of the row and the residual in the arena. */
  #second(near: Uint32Array): number {
    const { f32, u32 } = this.#arena;
    const { row, residual, compared, squares, products } = this.#places;
    let [squared, along] = [0, 0];
    for (let d = 0; d < this.#dimension; d++) {
      const part = f32[residual / 4 + d]!;
      squared += part * part;
      along += part * f32[row / 4 + d]!;
    }
    u32.set(near, compared / 4);
    this.#measure(KERNEL_L2, row, near.length, squares);
    this.#measure(KERNEL_DOT, residual, near.length, products);
    let [best, least] = [NO_LEAF, Infinity];
    for (const [i, leaf] of near.entries()) {
      // The kernel's product is negated.
      const common = along + f32[products / 4 + i]!;
      const loss = f32[squares / 4 + i]! + (squared === 0 ? 0 : (common * common) / squared);
      if (loss < least) [best, least] = [leaf, loss];
    }
    if (best !== NO_LEAF) this.#room[best]!--;
    return best;
  }

  /** The other leaves with room whose centroids are nearest to a row, by their codes: a view that is good until the next call. */
  #nearest(row: Float32Array, leaf: number): Uint32Array {
    const estimates = this.#squaresTo(row);
    assertInternal(estimates.length === this.#room.length, 'centroids of other leaves');
    const [near, kept] = [this.#near, this.#estimates];
    let count = 0;
    for (let other = 0; other < estimates.length; other++) {
      const estimate = estimates[other]!;
      if (count === COMPARED && !(estimate < kept[COMPARED - 1]!)) continue;
      if (other === leaf || this.#room[other] === 0) continue;
      let at = count < COMPARED ? count++ : COMPARED - 1;
      for (; at > 0 && kept[at - 1]! > estimate; at--) {
        kept[at] = kept[at - 1]!;
        near[at] = near[at - 1]!;
      }
      kept[at] = estimate;
      near[at] = other;
    }
    return near.subarray(0, count);
  }

  /** Estimates in the order of squared distances, which leaves are made by, whatever the metric of their rows. */
  #squaresTo(row: Float32Array): Float32Array {
    this.#scan.prepare(row);
    const estimates = this.#scan.centroidDistances();
    if (this.#squares === undefined) return estimates;
    // Of products they are negated, and of a row at length 1: |c - x|^2 = |x|^2 + |c|^2 - 2 |x| product.
    const scale = inverseLengths(row, this.#dimension)[0]!;
    const times = scale === 0 ? 0 : 2 / scale / this.#factor ** 2;
    return estimates.map((negated, leaf) => this.#squares![leaf]! + times * negated);
  }

  #measure(metric: typeof KERNEL_L2 | typeof KERNEL_DOT, query: number, count: number, out: number): void {
    const dimension = this.#dimension;
    const { centroids, compared } = this.#places;
    const { exports } = this.#arena;
    exports.scoreRows(metric, query, centroids, compared, count, dimension, dimension * 4, 0, out);
  }
}
