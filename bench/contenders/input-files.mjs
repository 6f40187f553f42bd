/**
 * A set as files, for processes that must not spend their memory or their time on reading it from its archive: raw,
 * little-endian, row-major, and a JSON file with the rest.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const INPUT = {
  vectors: 'vectors.f32',
  queries: 'queries.f32',
  neighbours: 'neighbours.i32',
  shape: 'shape.json',
  ids: 'ids.json',
  documents: 'documents.json',
  fields: 'fields.json',
};

/** @param {import('../real-sets.mjs').BenchSet} set @param {string} folder */
export function writeInput(set, folder) {
  for (const name of /** @type {const} */ (['vectors', 'queries', 'neighbours'])) {
    const { buffer, byteOffset, byteLength } = set[name];
    writeFileSync(join(folder, INPUT[name]), new Uint8Array(buffer, byteOffset, byteLength));
  }
  const { metric, dimension, ids } = set;
  writeFileSync(join(folder, INPUT.shape), JSON.stringify({ metric, dimension, rows: ids.length }));
  writeFileSync(join(folder, INPUT.ids), JSON.stringify(ids));
}

/**
 * What filters ask for, beside the set.
 * @param {Required<Pick<import('./contender.mjs').Rows, 'documents' | 'fields'>>} about @param {string} folder
 */
export function writeFilterInput({ documents, fields }, folder) {
  writeFileSync(join(folder, INPUT.documents), JSON.stringify(documents));
  writeFileSync(join(folder, INPUT.fields), JSON.stringify(fields));
}

/** @param {string} folder @returns {import('./contender.mjs').Rows['documents']} */
export function readDocuments(folder) {
  const path = join(folder, INPUT.documents);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** @param {string} folder @returns {import('./contender.mjs').Rows['fields']} */
export function readFields(folder) {
  const path = join(folder, INPUT.fields);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
}

/** @param {string} folder @returns {Pick<import('./contender.mjs').Shape, 'metric' | 'dimension' | 'rows'>} */
export function readShape(folder) {
  return JSON.parse(readFileSync(join(folder, INPUT.shape), 'utf8'));
}

/** @param {string} folder @returns {readonly string[]} */
export function readIds(folder) {
  return JSON.parse(readFileSync(join(folder, INPUT.ids), 'utf8'));
}

/** @param {string} folder @param {'vectors' | 'queries'} name */
export function readVectors(folder, name) {
  const { buffer, byteOffset, byteLength } = readFileSync(join(folder, INPUT[name]));
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}
