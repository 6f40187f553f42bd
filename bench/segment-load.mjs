/**
 * What it costs to load the index of a segment from the file store into warm WebAssembly memory, checksums of all pages and the
 * check of everything that kernels follow included, beside readFileSync of a file of the same bytes:
 *
 *   npm run build && npm run bench:load
 *
 * Fashion-MNIST, in one segment. Both files are in the kernel's page cache, and the two take turns. A ratio is of one turn. A search that
 * finds its index missing does just this; readFileSync takes fresh memory each time, as it always does. On one core
 * (taskset) the file is read and summed in turns, else side by side.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { tierLimits } from '../dist/core/base/limits.js';
import { attachIndex, beginLoad, indexBytes } from '../dist/core/engine/segments/index-loader.js';
import { acquireBytes } from '../dist/core/index/index.js';
import { open } from '../dist/core/index.js';
import { compileEmbeddedKernel, createDigests, Kernel } from '../dist/core/kernel/index.js';
import { openFileStore } from '../dist/core/store/adapters/node/index.js';
import { fashionMnistTrain } from './data-folder.mjs';
import { openSegment } from './open-segment.mjs';

const AT_ONCE = 5_000;
const ROUNDS = 25;
const WARM_UP = 5;
const PARALLEL = tierLimits.server.requestsParallel;
const BUDGET_BYTES = 512 * 2 ** 20;

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const set = fashionMnistTrain();
const { dimension, vectors } = set;
const folder = mkdtempSync(join(tmpdir(), 'cairn-load-'));
try {
  const database = await open(`file:${folder}`);
  const collection = await database.createCollection('c', { dimension, metric: 'euclidean' });
  const rows = vectors.length / dimension;
  for (let row = 0; row < rows; row += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, rows - row) }, (_, i) => `r${row + i}`);
    const part = vectors.subarray(row * dimension, (row + ids.length) * dimension);
    await collection.upsert({ ids, vectors: part });
  }
  await collection.compact();
  await database.close();

  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: BUDGET_BYTES });
  const digests = createDigests(kernel);
  const store = await openFileStore(folder, { create: false });
  const expected = /** @type {const} */ ({ dimension, metric: 'euclidean' });
  const { reader, bytes } = await openSegment(store, { kernel, digests, expected, cacheBytes: 2 ** 20 });
  const same = join(folder, 'same-bytes');
  writeFileSync(same, bytes.subarray(0, reader.residentBytes));
  const arena = acquireBytes(kernel.pool, indexBytes(reader));

  const turns = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const begun = performance.now();
    readFileSync(same);
    const read = performance.now();
    const load = beginLoad(reader, arena, { alone: true, parallel: PARALLEL });
    await load.fetchMissing();
    attachIndex(reader, arena);
    const end = performance.now();
    if (round >= 0) turns.push({ file: read - begun, load: end - read });
  }
  await store.close();
  const ratios = turns.map((turn) => turn.load / turn.file);
  const ms = (/** @type {number[]} */ values) => `${median(values).toFixed(1)} ms`;
  console.log(
    `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores: ${set.name}, ` +
      `an index of ${(reader.residentBytes / 1e6).toFixed(1)} MB`,
  );
  console.log(`  readFileSync  ${ms(turns.map(({ file }) => file))}`);
  console.log(`  load          ${ms(turns.map(({ load }) => load))}`);
  console.log(
    `  ratio         ${median(ratios).toFixed(2)}, ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} (medians of ${ROUNDS} turns)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
