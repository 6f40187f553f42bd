/**
 * Makes the folder `fashion-mnist` of the data from the four files that Zalando Research publishes:
 *
 *   node bench/make-fashion-mnist.mjs FOLDER-WITH-THEM [--queries 1000]
 *
 * train-images-idx3-ubyte.gz and t10k-images-idx3-ubyte.gz are a header of 16 bytes and the pixels; the two files of labels
 * a header of 8 bytes and a byte a label. Exact neighbours come from comparing all (a minute or two), ties by row. Prints the
 * SHA-256 of each file's contents, for comparison with bench/README.md.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { dataFolder } from './data-folder.mjs';
import { nearestRows } from './nearest-rows.mjs';
import { NEIGHBOURS, trueDistance } from './true-neighbours.mjs';

const DIMENSION = 784;
const IMAGE_HEADER = 16;
const LABEL_HEADER = 8;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { queries: { type: 'string', default: '1000' } },
});
const [source] = positionals;
if (source === undefined) throw new Error('usage: node bench/make-fashion-mnist.mjs FOLDER');
const queryCount = Number(flags.queries);
const folder = join(dataFolder, 'fashion-mnist');

/** @param {string} name @param {number} header */
const contentsOf = (name, header) => gunzipSync(readFileSync(join(source, `${name}.gz`))).subarray(header);

/** @param {string} name @param {Uint8Array} bytes */
function write(name, bytes) {
  writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${name}`);
}

/** @param {number} query @param {boolean} sameLabel */
function neighboursOf(query, sameLabel) {
  const vector = queries.subarray(query * DIMENSION, (query + 1) * DIMENSION);
  return nearestRows(trainLabels.length, NEIGHBOURS, (row) =>
    sameLabel && trainLabels[row] !== testLabels[query] ? Infinity : trueDistance(rows, row, vector),
  );
}

/** @param {boolean} sameLabel */
function allNeighbours(sameLabel) {
  const found = Array.from({ length: queryCount }, (_, query) => neighboursOf(query, sameLabel));
  return new Uint8Array(Int32Array.from(found.flat()).buffer);
}

const train = contentsOf('train-images-idx3-ubyte', IMAGE_HEADER);
const test = contentsOf('t10k-images-idx3-ubyte', IMAGE_HEADER).subarray(0, queryCount * DIMENSION);
const trainLabels = contentsOf('train-labels-idx1-ubyte', LABEL_HEADER);
const testLabels = contentsOf('t10k-labels-idx1-ubyte', LABEL_HEADER).subarray(0, queryCount);
const queries = Float32Array.from(test);
const rows = {
  metric: /** @type {const} */ ('euclidean'),
  dimension: DIMENSION,
  vectors: Float32Array.from(train),
};

mkdirSync(folder, { recursive: true });
write('train.u8', train);
write('train-labels.u8', trainLabels);
write(`test-${queryCount}.u8`, test);
write(`test-labels-${queryCount}.u8`, testLabels);
write('gt100-ids.i32', allNeighbours(false));
write('gt100-same-label.i32', allNeighbours(true));
