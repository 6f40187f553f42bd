/**
 * What an exact query costs through the public interface: `collection.query` over Fashion-MNIST in the memtable, real
 * queries one after another, in one process over the memory store:
 *
 *   npm run build && npm run bench:scan
 *
 * The figure per vector is the whole call divided by the rows, so it holds the check of the query, the freshening and
 * the making of the answer; `search` is the part that the engine itself reports for the scan. bench/kernels.mjs has the
 * bare kernel. A collection of 1,000 rows shows what a call costs besides scanning.
 */
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { open } from '../dist/core/index.js';
import { fashionMnistQueries, fashionMnistTrain } from './data-folder.mjs';

const BATCH = 5_000;
const QUERIES = 300;
const WARM_UP = 30;

/** @param {number[]} sorted @param {number} share */
const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/**
 * @param {import('../dist/core/index.js').Collection} collection
 * @param {import('./data-folder.mjs').VectorSet} queries
 * @param {{ rows: number, consistency: 'strong' | 'eventual' }} options
 */
async function timeQueries(collection, { vectors, dimension }, { rows, consistency }) {
  const total = [];
  const search = [];
  for (let query = 0; query < QUERIES + WARM_UP; query++) {
    const vector = vectors.slice(query * dimension, (query + 1) * dimension);
    const started = performance.now();
    const { usage } = await collection.query({ vector, k: 10, exact: true, include: [], consistency });
    if (query < WARM_UP) continue;
    total.push(performance.now() - started);
    search.push(usage.ms.search);
  }
  total.sort((a, b) => a - b);
  search.sort((a, b) => a - b);
  const perVector = (/** @type {number} */ ms) => ((ms * 1e6) / rows).toFixed(1).padStart(8);
  const figures = [quantile(total, 0.5), quantile(total, 0.99), quantile(search, 0.5)];
  console.log(
    `  ${consistency.padEnd(9)} ${figures.map((ms) => ms.toFixed(3).padStart(8)).join(' ')}` +
      ` ${perVector(quantile(total, 0.5))} ${perVector(quantile(search, 0.5))}`,
  );
}

const train = fashionMnistTrain();
const queries = fashionMnistQueries();
const { dimension } = train;
const all = train.vectors.length / dimension;
console.log(
  `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}: ${train.name}, k = 10, ${QUERIES} queries`,
);
const database = await open('memory:');
for (const metric of /** @type {const} */ (['euclidean', 'cosine'])) {
  for (const rows of [1_000, all]) {
    const collection = await database.createCollection(`${metric}-${rows}`, { dimension, metric });
    for (let row = 0; row < rows; row += BATCH) {
      const end = Math.min(rows, row + BATCH);
      const ids = Array.from({ length: end - row }, (_, i) => `row-${row + i}`);
      await collection.upsert({ ids, vectors: train.vectors.slice(row * dimension, end * dimension) });
    }
    console.log(`${metric}, ${rows} x ${dimension}:`);
    console.log('              p50 ms   p99 ms   search   ns/vec  in search');
    for (const consistency of /** @type {const} */ (['strong', 'eventual'])) {
      await timeQueries(collection, queries, { rows, consistency });
    }
    await database.dropCollection(`${metric}-${rows}`);
  }
}
await database.close();
