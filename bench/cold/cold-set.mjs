/**
 * Generated rows of any number and width that need not be held: rows around 1,000 centres, both normally distributed, as in
 * clustered-set.mjs, but each row from a seed of its own, so that any of them can be made again.
 */
import { fillNormal, randomFrom } from '../random.mjs';

const CENTRES = 1_000;
/** Of the rows around their centre, where the centres' own is 1. */
const DEVIATION = 0.6;
const SEED = 1_000_128;
/** Seeds of rows lie apart by this, an odd number: all are different. */
const ROW_SEED = 0x9e37_79b1;
/** Queries are rows that are not in the set. */
const FIRST_QUERY = 2 ** 30;

/** @param {number} dimension @returns {import('../kept-collection.mjs').Generator} */
export function clustered(dimension) {
  return {
    name: `clustered-${dimension}`,
    recipe: { CENTRES, DEVIATION, SEED, dimension },
    make: (rows) => new ClusteredRows(rows, dimension),
  };
}

class ClusteredRows {
  /** @param {number} rows @param {number} dimension */
  constructor(rows, dimension) {
    this.rows = rows;
    this.dimension = dimension;
    this.metric = /** @type {const} */ ('euclidean');
    this.centres = new Float32Array(CENTRES * dimension);
    fillNormal(this.centres, randomFrom(SEED));
  }

  /** One that is no row. @param {number} at */
  query(at) {
    return this.vectors(FIRST_QUERY + at, 1);
  }

  /** @param {number} first @param {number} count */
  vectors(first, count) {
    const { dimension, centres } = this;
    const vectors = new Float32Array(count * dimension);
    for (let i = 0; i < count; i++) {
      const random = randomFrom(Math.imul(first + i + 1, ROW_SEED) ^ SEED);
      const centre = Math.floor(random() * CENTRES) * dimension;
      const vector = vectors.subarray(i * dimension, (i + 1) * dimension);
      fillNormal(vector, random);
      for (let d = 0; d < dimension; d++) {
        vector[d] = (centres[centre + d] ?? 0) + DEVIATION * (vector[d] ?? 0);
      }
    }
    return vectors;
  }
}
