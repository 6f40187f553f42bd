/**
 * Where the real data lies, and Fashion-MNIST out of it. The folder is `CAIRN_DATA`, and this file alone knows its
 * default. Where the folder is absent, benchmarks say so in a line that cannot be missed and use generated data of the
 * same shape: byte values 0 to 255, half of them zero.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { randomFrom } from './random.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folder of real data, whether or not it is there. */
export const dataFolder = resolve(root, process.env['CAIRN_DATA'] ?? '../shared/data');

/**
 * The bytes of a file of the data folder, unpacked; undefined where it is not there.
 * @param {string} name for example `fashion-mnist/train.u8`
 */
export function tryReadData(name) {
  const path = join(dataFolder, `${name}.gz`);
  return existsSync(path) ? gunzipSync(readFileSync(path)) : undefined;
}

/** A line that cannot be missed. @param {string} name what is not there */
export function sayNoRealData(name) {
  console.error(
    `!!! NO REAL DATA: ${join(dataFolder, name)} is not there (CAIRN_DATA); generated data stands in`,
  );
}

/**
 * @typedef {object} VectorSet
 * @property {string} name
 * @property {boolean} real false where it was generated
 * @property {number} dimension
 * @property {Float32Array} vectors row-major
 */

const FASHION_DIMENSION = 784;

/** @returns {VectorSet} the 60,000 training images, a value as float */
export function fashionMnistTrain() {
  return fashionMnist('fashion-mnist/train.u8', 60_000);
}

/** @returns {VectorSet} the first 1,000 test images */
export function fashionMnistQueries() {
  return fashionMnist('fashion-mnist/test-1000.u8', 1_000);
}

/**
 * @param {string} name
 * @param {number} rows
 * @returns {VectorSet}
 */
function fashionMnist(name, rows) {
  const bytes = tryReadData(name);
  const shape = { dimension: FASHION_DIMENSION };
  if (bytes !== undefined) return { ...shape, name, real: true, vectors: Float32Array.from(bytes) };
  sayNoRealData(name);
  const random = randomFrom(rows);
  const vectors = Float32Array.from({ length: rows * FASHION_DIMENSION }, () =>
    Math.max(0, Math.floor(random() * 512) - 256),
  );
  return { ...shape, name: `generated in place of ${name}`, real: false, vectors };
}
