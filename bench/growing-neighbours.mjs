/** Exact neighbours among the first rows of a set, of which there are ever more: each row is compared once. */
import { trueDistance } from './true-neighbours.mjs';

export class GrowingNeighbours {
  /** @param {import('./real-sets.mjs').BenchSet} set @param {number} k */
  constructor(set, k) {
    this.set = set;
    this.places = k;
    this.count = set.queries.length / set.dimension;
    this.rows = 0;
    this.rowOf = new Map(set.ids.map((id, row) => [id, row]));
    /** Distances of the k nearest so far, ascending. @type {number[][]} */
    this.nearest = Array.from({ length: this.count }, () => []);
  }

  /** How many neighbours an answer must have by now. */
  get k() {
    return Math.min(this.places, this.rows);
  }

  /** @param {number} query */
  vector(query) {
    const { queries, dimension } = this.set;
    return queries.subarray(query * dimension, (query + 1) * dimension);
  }

  /** From now on the first `rows` are there. @param {number} rows */
  grow(rows) {
    for (const [query, nearest] of this.nearest.entries()) {
      const vector = this.vector(query);
      for (let row = this.rows; row < rows; row++) {
        const distance = trueDistance(this.set, row, vector);
        if (nearest.length === this.places && distance >= (nearest.at(-1) ?? Infinity)) continue;
        const at = nearest.findIndex((other) => other > distance);
        nearest.splice(at < 0 ? nearest.length : at, 0, distance);
        if (nearest.length > this.places) nearest.pop();
      }
    }
    this.rows = rows;
  }

  /** By distance, as in true-neighbours.mjs. @param {number} query @param {readonly string[]} ids */
  hits(query, ids) {
    const farthest = this.nearest[query]?.at(-1) ?? 0;
    const vector = this.vector(query);
    const right = [...new Set(ids)].filter((id) => {
      const row = this.rowOf.get(id);
      if (row === undefined || row >= this.rows) return false;
      return trueDistance(this.set, row, vector) <= farthest * (1 + 1e-9) + 1e-7;
    });
    return Math.min(right.length, this.k);
  }
}
