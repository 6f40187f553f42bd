/**
 * Exact neighbours, and how many of them an answer has. A match counts by its distance, which is computed here in f64
 * from the rows and not taken from the answer: whatever is as near as the k-th exact neighbour is right, so that ties
 * at the k-th place are nobody's mistake.
 */
import { nearestRows } from './nearest-rows.mjs';

/** Exact neighbours kept for each query, and the largest k that can be judged. */
export const NEIGHBOURS = 100;

/** What f32 scores cannot tell apart: relative to a squared euclidean distance, absolute in a cosine. */
const SLACK = { euclidean: 1e-9, cosine: 1e-7 };

/** @typedef {Pick<import('./real-sets.mjs').BenchSet, 'metric' | 'dimension' | 'vectors'>} Rows */

/**
 * Squared distance, or 1 - cosine similarity.
 * @param {Rows} set @param {number} row @param {Float32Array} query
 */
export function trueDistance({ metric, dimension, vectors }, row, query) {
  const at = row * dimension;
  let product = 0;
  let rowSquared = 0;
  let querySquared = 0;
  for (let d = 0; d < dimension; d++) {
    const a = vectors[at + d] ?? 0;
    const b = query[d] ?? 0;
    product += a * b;
    rowSquared += a * a;
    querySquared += b * b;
  }
  if (metric === 'euclidean') return rowSquared + querySquared - 2 * product;
  return 1 - product / Math.sqrt(rowSquared * querySquared);
}

/**
 * By comparing every row with every query: for small sets, and where no file of neighbours is at hand.
 * @param {Rows} set
 * @param {{ queries: Float32Array }} asked
 */
export function exactNeighbours(set, { queries }) {
  const { dimension, vectors } = set;
  const count = queries.length / dimension;
  const found = new Int32Array(count * NEIGHBOURS).fill(-1);
  for (let query = 0; query < count; query++) {
    const vector = queries.subarray(query * dimension, (query + 1) * dimension);
    const nearest = nearestRows(vectors.length / dimension, NEIGHBOURS, (row) =>
      trueDistance(set, row, vector),
    );
    found.set(nearest, query * NEIGHBOURS);
  }
  return found;
}

/** Judges answers to the queries of a set. */
export class NeighbourJudge {
  /** @param {import('./real-sets.mjs').BenchSet} set */
  constructor(set) {
    this.set = set;
    this.rowOf = new Map(set.ids.map((id, row) => [id, row]));
  }

  /** @param {number} query */
  vector(query) {
    const { dimension, queries } = this.set;
    return queries.subarray(query * dimension, (query + 1) * dimension);
  }

  /** The exact neighbours of some queries must be those of the set's file: data and neighbours belong together. */
  mustMatchRows() {
    const { dimension, queries, neighbours } = this.set;
    for (const query of [0, queries.length / dimension - 1]) {
      const again = exactNeighbours(this.set, { queries: this.vector(query) });
      const ids = [...again].filter((row) => row >= 0).map((row) => this.set.ids[row] ?? '');
      const found = this.hits(query, ids, Math.min(NEIGHBOURS, ids.length));
      if (found !== ids.length || neighbours.length !== (queries.length / dimension) * NEIGHBOURS)
        throw new Error(
          `${this.set.title}: the file of neighbours is not that of these rows (query ${query})`,
        );
    }
  }

  /**
   * How many of the k nearest an answer has. An id that comes twice, or is none of the set, is no hit.
   * @param {number} query @param {readonly string[]} ids @param {number} k
   */
  hits(query, ids, k) {
    const vector = this.vector(query);
    const farthest = this.#distanceOfPlace(query, k);
    let hits = 0;
    for (const id of new Set(ids)) {
      const row = this.rowOf.get(id);
      if (row !== undefined && trueDistance(this.set, row, vector) <= farthest) hits++;
    }
    return Math.min(hits, k);
  }

  /** The largest distance among the exact k, so that their order in the file does not matter. @param {number} query @param {number} k */
  #distanceOfPlace(query, k) {
    const vector = this.vector(query);
    let farthest = 0;
    for (const row of this.set.neighbours.subarray(query * NEIGHBOURS, query * NEIGHBOURS + k))
      if (row >= 0) farthest = Math.max(farthest, trueDistance(this.set, row, vector));
    return this.set.metric === 'euclidean' ? farthest * (1 + SLACK.euclidean) : farthest + SLACK.cosine;
  }
}
