/** What the ingest bench writes: the sets of vectors, cut into the batches that client and yardstick share. */
import { fashionMnistTrain } from './data-folder.mjs';
import { randomFrom } from './random.mjs';

/** @typedef {'generated-128' | 'fashion-784'} IngestSet */

const GENERATED_ROWS = 200_000;
const GENERATED_DIMENSION = 128;

/** @param {IngestSet} name @returns {import('./data-folder.mjs').VectorSet} */
export function ingestSet(name) {
  if (name === 'fashion-784') return fashionMnistTrain();
  const random = randomFrom(1);
  const vectors = Float32Array.from({ length: GENERATED_ROWS * GENERATED_DIMENSION }, () => random() * 2 - 1);
  const described = `generated: ${GENERATED_ROWS} x ${GENERATED_DIMENSION}, uniform in [-1, 1)`;
  return { name: described, real: false, dimension: GENERATED_DIMENSION, vectors };
}

/**
 * The vectors of each batch as bytes, without copying them.
 * @param {import('./data-folder.mjs').VectorSet} set
 * @param {number} batchRows
 */
export function batchBytes({ vectors, dimension }, batchRows) {
  const all = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const bytes = batchRows * dimension * 4;
  return Array.from({ length: Math.ceil(all.length / bytes) }, (_, at) =>
    all.subarray(at * bytes, (at + 1) * bytes),
  );
}

/** @param {number} row */
export function idOf(row) {
  return `row-${String(row).padStart(6, '0')}`;
}
