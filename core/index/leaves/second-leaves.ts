/**
 * A second leaf for each row: one that a query which is near the row is likely to be near where it misses the row's own. Of the
 * leaves around that is the nearest one in another direction than the row lies off its own centroid: distance squared plus the square
 * of what both residuals have in common (orthogonality-amplified residuals: Sun et al., "SOAR", NeurIPS 2023). With rows in two
 * leaves a probe reads a quarter as many leaves for the same recall, or fewer.
 */
import { KERNEL_DOT, KERNEL_L2, PAYLOAD_OFFSET, type Arena, type ArenaPool } from '../../kernel/index.js';
import { Layout, acquireBytes } from '../layout/index.js';

/** Leaves that are looked at: those whose centroids are nearest to that of a row's own. */
const AROUND = 128;
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
}

interface Places {
  readonly centroids: number;
  readonly row: number;
  readonly residual: number;
  readonly all: number;
  readonly around: number;
  readonly out: number;
  readonly products: number;
}

export class SecondLeaves {
  readonly #pool: ArenaPool;
  readonly #dimension: number;
  readonly #leaves: number;
  readonly #places: Places;
  readonly #arena: Arena;
  /** For how many rows more each may be the second. */
  readonly #room: Uint32Array;

  /** Throws `memory_budget_exceeded`. Whoever makes one releases it. */
  constructor(pool: ArenaPool, { dimension, centroids, rowsIn, leafRowsMost }: SecondLeavesOptions) {
    this.#pool = pool;
    this.#dimension = dimension;
    this.#leaves = rowsIn.length;
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#places = {
      centroids: layout.take(centroids.byteLength),
      row: layout.take(dimension * 4),
      residual: layout.take(dimension * 4),
      all: layout.take(rowsIn.length * 4),
      around: layout.take(AROUND * 4),
      out: layout.take(Math.max(AROUND, rowsIn.length) * 4),
      products: layout.take(AROUND * 4),
    };
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena.f32.set(centroids, this.#places.centroids / 4);
    this.#arena.u32.set(
      rowsIn.map((_, leaf) => leaf),
      this.#places.all / 4,
    );
    const rows = rowsIn.reduce((sum, own) => sum + own, 0);
    const share = Math.ceil((GUESTS_MOST * rows) / rowsIn.length);
    this.#room = rowsIn.map((own) => Math.min(share, leafRowsMost - own));
  }

  /** Of each of the leaf's own rows. Takes room in the leaves that it answers: what comes of it follows from the order of the calls. */
  secondsOf(leaf: number, rows: Float32Array): Uint32Array<ArrayBuffer> {
    const dimension = this.#dimension;
    const around = this.#around(leaf);
    const { f32, u32 } = this.#arena;
    const { centroids, row: rowAt, residual: residualAt, around: aroundAt } = this.#places;
    u32.set(around, aroundAt / 4);
    const centre = f32.subarray(centroids / 4 + leaf * dimension, centroids / 4 + (leaf + 1) * dimension);
    const row = f32.subarray(rowAt / 4, rowAt / 4 + dimension);
    const residual = f32.subarray(residualAt / 4, residualAt / 4 + dimension);
    const found = new Uint32Array(rows.length / dimension);
    for (let i = 0; i < found.length; i++) {
      row.set(rows.subarray(i * dimension, (i + 1) * dimension));
      for (let d = 0; d < dimension; d++) residual[d] = row[d]! - centre[d]!;
      found[i] = this.#second(around);
    }
    return found;
  }

  release(): void {
    this.#pool.release(this.#arena);
  }

  /** Of the row and the residual in the arena. */
  #second(around: Uint32Array): number {
    const { f32 } = this.#arena;
    const { row, residual, out, products } = this.#places;
    let [squared, along] = [0, 0];
    for (let d = 0; d < this.#dimension; d++) {
      const part = f32[residual / 4 + d]!;
      squared += part * part;
      along += part * f32[row / 4 + d]!;
    }
    this.#measure(KERNEL_L2, row, { list: this.#places.around, count: around.length }, out);
    this.#measure(KERNEL_DOT, residual, { list: this.#places.around, count: around.length }, products);
    let [best, least] = [NO_LEAF, Infinity];
    for (const [i, leaf] of around.entries()) {
      // The kernel's product is negated.
      const common = along + f32[products / 4 + i]!;
      const loss = f32[out / 4 + i]! + (squared === 0 ? 0 : (common * common) / squared);
      if (!(loss < least) || this.#room[leaf] === 0) continue;
      [best, least] = [leaf, loss];
    }
    if (best !== NO_LEAF) this.#room[best]!--;
    return best;
  }

  /** The other leaves whose centroids are nearest to that of a leaf. */
  #around(leaf: number): Uint32Array<ArrayBuffer> {
    const { f32 } = this.#arena;
    const { centroids, all, out } = this.#places;
    const leaves = this.#leaves;
    this.#measure(KERNEL_L2, centroids + leaf * this.#dimension * 4, { list: all, count: leaves }, out);
    const distances = f32.slice(out / 4, out / 4 + leaves);
    distances[leaf] = Infinity;
    const count = Math.min(AROUND, leaves - 1);
    const last = distances.slice().sort()[count - 1] ?? -Infinity;
    // More than so many where several are as far as the last: the first of these.
    return Uint32Array.from(distances.keys())
      .filter((other) => other !== leaf && distances[other]! <= last)
      .slice(0, count);
  }

  #measure(
    metric: typeof KERNEL_L2 | typeof KERNEL_DOT,
    query: number,
    { list, count }: { readonly list: number; readonly count: number },
    out: number,
  ): void {
    const dimension = this.#dimension;
    const { centroids } = this.#places;
    this.#arena.exports.scoreRows(metric, query, centroids, list, count, dimension, dimension * 4, 0, out);
  }
}
