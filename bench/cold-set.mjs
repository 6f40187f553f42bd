/**
 * Generated rows of any number and width that need not be held: rows around 1,000 centres, both normally distributed, as in
 * clustered-set.mjs, but each row from a seed of its own, so that any of them can be made again. The exact neighbours of the
 * queries are found while the rows pass by.
 */
import { idOf } from './ingest-sets.mjs';
import { randomFrom } from './random.mjs';

const CENTRES = 1_000;
/** Of the rows around their centre, where the centres' own is 1. */
const DEVIATION = 0.6;
const SEED = 1_000_128;
/** Seeds of rows lie apart by this, an odd number: all are different. */
const ROW_SEED = 0x9e37_79b1;
/** Queries are rows that are not in the set. */
const FIRST_QUERY = 2 ** 30;
const NEIGHBOURS = 10;

/** Fills `target` with normal numbers of deviation 1, two at a time (Box and Muller). @param {Float32Array} target @param {() => number} random */
function fillNormal(target, random) {
  for (let at = 0; at < target.length; at += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    target[at] = radius * Math.cos(angle);
    if (at + 1 < target.length) target[at + 1] = radius * Math.sin(angle);
  }
}

export class ColdSet {
  /** @param {{ rows: number, dimension: number, queries: number }} shape `queries`: of which the neighbours are wanted */
  constructor({ rows, dimension, queries }) {
    this.name = `${rows}x${dimension}`;
    this.rows = rows;
    this.dimension = dimension;
    this.centres = new Float32Array(CENTRES * dimension);
    fillNormal(this.centres, randomFrom(SEED));
    this.judged = Array.from({ length: queries }, (_, at) => this.query(at));
    /** Squared distances of the ten nearest rows so far, ascending. @type {number[][]} */
    this.nearest = Array.from({ length: queries }, () => []);
  }

  /** @param {number} row */
  vector(row) {
    return this.vectors(row, 1);
  }

  /** @param {number} first @param {number} count */
  ids(first, count) {
    return Array.from({ length: count }, (_, i) => idOf(first + i));
  }

  /** One that is no row. @param {number} at */
  query(at) {
    return this.vector(FIRST_QUERY + at);
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

  /** Rows on their way into the store, for the neighbours. @param {Float32Array} vectors */
  pass(vectors) {
    const { dimension, nearest } = this;
    for (const [at, query] of this.judged.entries()) {
      const kept = nearest[at] ?? [];
      for (let from = 0; from < vectors.length; from += dimension) {
        const farthest = kept.length < NEIGHBOURS ? Infinity : (kept[NEIGHBOURS - 1] ?? Infinity);
        const distance = distanceWithin(query, vectors, from, farthest);
        if (distance >= farthest) continue;
        kept.push(distance);
        kept.sort((a, b) => a - b);
        kept.length = Math.min(kept.length, NEIGHBOURS);
      }
    }
  }

  /** Share of the ten nearest, by their distance, as computed here. @param {number} at @param {readonly string[]} ids */
  recall(at, ids) {
    const farthest = (this.nearest[at]?.at(-1) ?? 0) * (1 + 1e-9);
    const query = /** @type {Float32Array} */ (this.judged[at]);
    const rows = [...new Set(ids)].map((id) => Number(id.slice('row-'.length)));
    const hits = rows.filter((row) => distanceWithin(query, this.vector(row), 0, Infinity) <= farthest);
    return Math.min(hits.length, NEIGHBOURS) / NEIGHBOURS;
  }
}

/**
 * Squared euclidean distance, or something beyond `farthest` as soon as that is sure.
 * @param {Float32Array} query @param {Float32Array} vectors @param {number} from @param {number} farthest
 */
function distanceWithin(query, vectors, from, farthest) {
  let sum = 0;
  for (let d = 0; d < query.length;) {
    for (const end = Math.min(query.length, d + 64); d < end; d++) {
      const difference = (query[d] ?? 0) - (vectors[from + d] ?? 0);
      sum += difference * difference;
    }
    if (sum > farthest) return sum;
  }
  return sum;
}
