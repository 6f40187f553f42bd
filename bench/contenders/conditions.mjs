/** What contenders have in common: what they are asked, what they are set to, and vectors as some of them want them. */
import { performance } from 'node:perf_hooks';

/** Neighbours that each query asks for. */
export const K = 10;

/** What Cairn is asked for where filters are compared, and the recall of the comparison. */
export const TARGET_RECALL = 0.99;

/** Those of peers/hnswlib.cpp. */
export const SWEEP = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

export const byEf = SWEEP.map((ef) => ({ ef }));

/** HNSW's two settings, the same for all. */
export const M = 16;
export const EF_CONSTRUCTION = 128;

/** The vector at length 1, for libraries that have cosine as an inner product. @param {Float32Array} vector */
export function normalised(vector) {
  let squared = 0;
  for (const value of vector) squared += value * value;
  const scale = squared > 0 ? 1 / Math.sqrt(squared) : 0;
  return vector.map((value) => value * scale);
}

/** @param {number} from of performance.now() */
export function secondsSince(from) {
  return (performance.now() - from) / 1_000;
}
