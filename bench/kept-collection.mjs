/**
 * Collections of generated rows that take minutes to make: made once through the engine, over a file store below build/, with the exact
 * neighbours of some queries. One is made anew where its generator or what the code writes has changed: a small collection is written
 * first, and what sections its segment has, and of which size, is part of the folder's name.
 *
 * In bulk: a log of about as much as a writer folds by itself is folded without a graph, and in the end one compaction after another
 * merges as many rows as one index may hold. So every row is linked once.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { limits, open } from '../dist/core/index.js';
import { idOf } from './ingest-sets.mjs';
import { round } from './latencies.mjs';
import { PassingNeighbours } from './passing-neighbours.mjs';
import { randomFrom } from './random.mjs';
import { segmentLayouts } from './segment-sections.mjs';

const home = fileURLToPath(new URL('../build/collections', import.meta.url));
const MEMORY_BYTES = 4 * 2 ** 30;
const AT_ONCE_BYTES = 2 ** 22;
const FOLD_BYTES = 120 * 2 ** 20;
const PROBE_ROWS = 4_096;
/** Of which neighbours are kept, and how many. */
const QUERIES = 200;
export const K = 10;
export const COLLECTION = 'c';

/**
 * @typedef {object} GeneratedSet
 * @property {number} rows
 * @property {number} dimension
 * @property {import('../dist/core/kernel/index.js').Metric} metric of rows of length 1, where it is cosine
 * @property {(first: number, count: number) => Float32Array} vectors row-major
 * @property {(at: number) => Float32Array} query one that is no row
 */

/**
 * @typedef {object} Generator
 * @property {string} name of the folder
 * @property {object} recipe what the rows depend on beside their number
 * @property {(rows: number) => GeneratedSet} make
 */

/**
 * @typedef {object} KeptCollection
 * @property {string} folder of the store, with the collection `COLLECTION`
 * @property {GeneratedSet} set
 * @property {number[][]} neighbours rows of the nearest `K` of each of the first queries, nearest first
 * @property {Record<string, number>} seconds that making it took, by step
 */

/** @param {Generator} generator @param {number} rows @param {{ rebuild: boolean }} options @returns {Promise<KeptCollection>} */
export async function keptCollection(generator, rows, { rebuild }) {
  const set = generator.make(rows);
  const root = join(home, `${generator.name}-${rows}-${await formatName(generator)}`);
  const [folder, facts] = [join(root, 'store'), join(root, 'facts.json')];
  if (rebuild || !existsSync(facts)) {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    console.log(`making ${rows} rows in ${root}`);
    const made = await make(folder, set);
    // Last, and at once: a folder without it was not finished.
    writeFileSync(`${facts}.new`, JSON.stringify(made));
    renameSync(`${facts}.new`, facts);
  }
  return { folder, set, ...JSON.parse(readFileSync(facts, 'utf8')) };
}

/** How many of an answer's ids are those of rows. @param {readonly string[]} ids @param {readonly number[]} rows */
export function hitsOf(ids, rows) {
  const near = new Set(rows.map((row) => idOf(row)));
  return ids.filter((id) => near.has(id)).length;
}

/** Of the generator, and of what the code writes: from a collection that it writes. @param {Generator} generator */
async function formatName({ make: makeSet, recipe }) {
  const folder = join(home, `probe-${process.pid}`);
  try {
    const next = randomFrom(1);
    const random = {
      fill: (/** @type {Uint8Array} */ target) => {
        for (let at = 0; at < target.length; at++) target[at] = next() * 256;
        return target;
      },
    };
    await write(folder, makeSet(PROBE_ROWS), { options: { random } });
    const written = (await segmentLayouts(folder)).map(({ bytes, sections }) => ({ bytes, sections }));
    return createHash('sha256')
      .update(JSON.stringify([recipe, written]))
      .digest('hex')
      .slice(0, 12);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder @param {GeneratedSet} set */
async function make(folder, set) {
  const queries = Array.from({ length: QUERIES }, (_, at) => set.query(at));
  const truth = await PassingNeighbours.create({ queries, metric: set.metric, k: K });
  const seconds = await write(folder, set, { pass: (vectors) => truth.pass(vectors) });
  return { neighbours: truth.rows(), seconds };
}

/**
 * @param {string} folder
 * @param {GeneratedSet} set
 * @param {{ pass?: (vectors: Float32Array) => void, options?: import('../dist/core/index.js').OpenOptions }} also
 *   `pass` is called with all rows, as they come
 */
async function write(folder, set, { pass, options }) {
  const clock = stopwatch();
  const database = await open(`file:${folder}`, { memoryBudgetBytes: MEMORY_BYTES, ...options });
  const { dimension, metric, rows } = set;
  const collection = await database.createCollection(COLLECTION, { dimension, metric });
  const atOnce = Math.min(limits.batchRecords, Math.floor(AT_ONCE_BYTES / (4 * dimension)));
  let [bytes, folds] = [0, 0];
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    const vectors = await clock('generated', () => set.vectors(first, count));
    await clock('neighbours', () => pass?.(vectors));
    await clock('upserted', () => collection.upsert({ ids: idsOf(first, count), vectors }));
    bytes += vectors.byteLength;
    if (bytes < FOLD_BYTES) continue;
    await clock('folded', () => collection.compact({ minor: true }));
    [bytes, folds] = [0, folds + 1];
  }
  for (;;) {
    const done = await clock('compacted', () => collection.compact());
    if (done.foldedSlots + done.segmentsWritten + done.segmentsMerged === 0) break;
  }
  // What was merged is garbage. To delete it takes a minute's wait.
  if (folds > 0) await clock('collected', () => database.collect());
  await database.close();
  return clock.seconds;
}

/** @param {number} first @param {number} count */
function idsOf(first, count) {
  return Array.from({ length: count }, (_, i) => idOf(first + i));
}

/** Runs steps, and adds up what those of a name took. */
function stopwatch() {
  /** @type {Record<string, number>} */
  const seconds = {};
  /** @template T @param {string} name @param {() => T | Promise<T>} step */
  const run = async (name, step) => {
    const begun = performance.now();
    const result = await step();
    seconds[name] = round((seconds[name] ?? 0) + (performance.now() - begun) / 1_000, 3);
    return result;
  };
  return Object.assign(run, { seconds });
}
