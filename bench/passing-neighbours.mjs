/** The exact nearest rows of some queries, by the kernels, while the rows pass by: no more of these is held than one block. */
import { Kernel, RowBlock, arenaClasses, compileEmbeddedKernel } from '../dist/core/kernel/index.js';

const KERNEL_BYTES = 64 * 2 ** 20;

/** @typedef {{ row: number, distance: number }} Neighbour */

export class PassingNeighbours {
  #rows = 0;

  /**
   * @param {{ queries: readonly Float32Array[], metric: import('../dist/core/kernel/index.js').Metric, k: number }} asked rows and queries
   *   of length 1, where the metric is cosine
   */
  static async create(asked) {
    const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: KERNEL_BYTES });
    return new PassingNeighbours(kernel, asked);
  }

  /**
   * @param {Kernel} kernel
   * @param {{ queries: readonly Float32Array[], metric: import('../dist/core/kernel/index.js').Metric, k: number }} asked
   */
  constructor(kernel, { queries, metric, k }) {
    this.queries = queries;
    this.metric = metric;
    this.k = k;
    this.block = new RowBlock(kernel.pool, queries[0]?.length ?? 0, arenaClasses[2]);
    /** Nearest first. @type {Neighbour[][]} */
    this.found = queries.map(() => []);
  }

  /** The next rows, row-major. @param {Float32Array} vectors */
  pass(vectors) {
    const { dimension } = this.block;
    for (let at = 0; at < vectors.length;) {
      this.block.clear();
      const taken = this.block.appendRows(vectors.subarray(at), undefined);
      this.#search();
      this.#rows += taken;
      at += taken * dimension;
    }
  }

  #search() {
    const { block, metric, k } = this;
    for (const [at, query] of this.queries.entries()) {
      const { rows, distances } = block.search({ query, metric, k });
      const near = Array.from(rows, (row, i) => ({ row: this.#rows + row, distance: distances[i] ?? 0 }));
      this.found[at] = [...(this.found[at] ?? []), ...near]
        .sort((a, b) => a.distance - b.distance)
        .slice(0, k);
    }
  }

  /** Rows of each query's neighbours. */
  rows() {
    return this.found.map((near) => near.map(({ row }) => row));
  }
}
