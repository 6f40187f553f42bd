/**
 * What a warm cache spares a cold start: the first query of a database that has just been opened on a bucket, without a cache, with one
 * that is empty, and with one that a database before it has filled.
 *
 *   npm run build && npm run bench:warm -- --store 's3://BUCKET/PREFIX?endpoint=…' [--directory DIRECTORY]
 *
 * 8,000 rows of Fashion-MNIST with metadata, in one segment of some 30 MB, made where the store has none. The query asks for 10
 * neighbours of a row, with metadata. Rounds take turns; medians. Requests and bytes are those of the query, as its `usage` says.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';
import { fashionMnistTrain } from './data-folder.mjs';

const ROWS = 8_000;
const AT_ONCE = 2_000;
const ROUNDS = 9;
const NAME = 'warm-bench';

const { values } = parseArgs({ options: { store: { type: 'string' }, directory: { type: 'string' } } });
const { store, directory = tmpdir() } = values;
if (store === undefined) throw new Error("--store 's3://BUCKET/PREFIX' is missing");
const { dimension, vectors } = fashionMnistTrain();

/** @param {number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** @param {string} url */
async function fill(url) {
  const database = await open(url);
  const collection = await database.createCollection(NAME, { dimension, metric: 'euclidean' });
  if (collection.created) {
    for (let row = 0; row < ROWS; row += AT_ONCE) {
      const places = Array.from({ length: AT_ONCE }, (_, i) => row + i);
      await collection.upsert({
        ids: places.map((place) => `r${place}`),
        vectors: vectors.subarray(row * dimension, (row + AT_ONCE) * dimension),
        metadata: places.map((place) => ({ place, half: place % 2 })),
      });
    }
    await collection.compact();
  }
  const { segments } = await collection.stats();
  await database.close();
  return segments;
}

/**
 * @param {string} url
 * @param {string | undefined} folder
 */
async function firstQuery(url, folder) {
  const database = await open(url, folder === undefined ? {} : { warmCache: { directory: folder } });
  const collection = database.collection(NAME);
  const begun = performance.now();
  const { usage } = await collection.query({ vector: vectors.slice(0, dimension), k: 10 });
  const ms = performance.now() - begun;
  await database.close();
  return { ...usage, firstMs: ms };
}

const segments = await fill(store);
process.stdout.write(`${segments.length} segment: ${segments.map(({ bytes }) => bytes).join(', ')} bytes\n`);
/** @type {Record<string, Awaited<ReturnType<typeof firstQuery>>[]>} */
const runs = { 'no cache': [], 'an empty one': [], 'a filled one': [] };
const kept = mkdtempSync(join(directory, 'cairn-warm-bench-'));
try {
  await firstQuery(store, kept);
  for (let round = 0; round < ROUNDS; round++) {
    const empty = mkdtempSync(join(directory, 'cairn-warm-bench-'));
    runs['no cache']?.push(await firstQuery(store, undefined));
    runs['an empty one']?.push(await firstQuery(store, empty));
    runs['a filled one']?.push(await firstQuery(store, kept));
    rmSync(empty, { recursive: true });
  }
} finally {
  rmSync(kept, { recursive: true });
}
process.stdout.write(
  '| cache | temperature | ms | requests | bytes from the bucket | bytes from the cache |\n',
);
process.stdout.write('|---|---|---:|---:|---:|---:|\n');
for (const [name, rounds] of Object.entries(runs)) {
  const { temperature, requests, bytesRead, warmBytes } = rounds[0] ?? {};
  const ms = median(rounds.map((round) => round.firstMs)).toFixed(0);
  process.stdout.write(`| ${name} | ${temperature} | ${ms} | ${requests} | ${bytesRead} | ${warmBytes} |\n`);
}
