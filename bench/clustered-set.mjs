/**
 * A large generated set: rows around centres, both normally distributed, with queries of the same kind. Its neighbours are
 * harder to find than those of real sets of its size: around a centre rows vary in all dimensions alike.
 */
import { idOf } from './ingest-sets.mjs';
import { randomFrom } from './random.mjs';

const ROWS = 1_000_000;
const DIMENSION = 128;
const CENTRES = 1_000;
const QUERIES = 500;
/** Of the rows around their centre, where the centres' own is 1. */
const DEVIATION = 0.6;
const SEED = 1_000_128;

/** By Box and Muller. @param {() => number} random */
function normalFrom(random) {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/**
 * @param {number} [rows] fewer are the first ones
 * @returns {import('./real-sets.mjs').UnprovenSet}
 */
export function clusteredSet(rows = ROWS) {
  const random = randomFrom(SEED);
  const normal = normalFrom(random);
  const centres = Float32Array.from({ length: CENTRES * DIMENSION }, normal);
  const draw = (/** @type {number} */ count) => {
    const vectors = new Float32Array(count * DIMENSION);
    for (let at = 0; at < vectors.length; at += DIMENSION) {
      const centre = Math.floor(random() * CENTRES) * DIMENSION;
      for (let d = 0; d < DIMENSION; d++) vectors[at + d] = (centres[centre + d] ?? 0) + DEVIATION * normal();
    }
    return vectors;
  };
  const queries = draw(QUERIES);
  return {
    ...{ key: 'clustered', metric: 'euclidean', real: false, dimension: DIMENSION, queries },
    title: `generated clusters, ${rows} x ${DIMENSION}, euclidean`,
    ids: Array.from({ length: rows }, (_, row) => idOf(row)),
    vectors: draw(rows),
    documents: undefined,
  };
}
