/** The means of the rows of each leaf, summed as the rows pass by: what rows are in before leaves are joined and cut. */
import { inSpace, type ClusterSpace } from './centroids.js';
import type { RowOrder } from './leaf-order.js';

export class LeafMeans {
  readonly #space: ClusterSpace;
  /** By leaf, as rows are assigned. */
  readonly #sums = new Map<number, Float64Array>();
  readonly #counts = new Map<number, number>();

  constructor(space: ClusterSpace) {
    this.#space = space;
  }

  /** `leafOf`: of each of the rows. */
  add(leafOf: Uint32Array, given: Float32Array): void {
    const { dimension } = this.#space;
    const rows = inSpace(given, this.#space);
    for (let row = 0, at = 0; row < leafOf.length; row++) {
      const leaf = leafOf[row]!;
      let sums = this.#sums.get(leaf);
      if (sums === undefined) this.#sums.set(leaf, (sums = new Float64Array(dimension)));
      for (let d = 0; d < dimension; d++) sums[d]! += rows[at++]!;
      this.#counts.set(leaf, (this.#counts.get(leaf) ?? 0) + 1);
    }
  }

  /**
   * f32[leaves][dimension] of the leaves in their order: of one that was cut or joined the mean of the means that its rows had.
   * `leafOf`: of each row of the source.
   */
  finish({ rowOrder, leafStarts }: RowOrder, leafOf: Uint32Array): Float32Array {
    const { dimension } = this.#space;
    const leaves = leafStarts.length - 1;
    const means = new Float32Array(leaves * dimension);
    const mean = new Float64Array(dimension);
    for (let leaf = 0; leaf < leaves; leaf++) {
      const [first, end] = [leafStarts[leaf]!, leafStarts[leaf + 1]!];
      const rowsOf = new Map<number, number>();
      for (let row = first; row < end; row++) {
        const source = leafOf[rowOrder[row]!]!;
        rowsOf.set(source, (rowsOf.get(source) ?? 0) + 1);
      }
      mean.fill(0);
      for (const [source, rows] of rowsOf) {
        const share = rows / (end - first) / this.#counts.get(source)!;
        this.#sums.get(source)!.forEach((sum, d) => (mean[d]! += share * sum));
      }
      means.set(mean, leaf * dimension);
    }
    return means;
  }
}
