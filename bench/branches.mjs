/**
 * What a branch and a restore in place cost, in requests, bytes and milliseconds, of collections from a thousand rows
 * to a gigabyte of vectors on the file store: the same of all.
 *
 *   npm run build && npm run bench:branches
 *   npm run bench:branches -- --rows 1000,10000 --dimension 128
 *
 * Random vectors, one segment and a log of ten commits above it, and a snapshot from before these. Of each collection a
 * branch of the newest state, one of the snapshot, and a restore to that; then the first count of each, which has to
 * read what is there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000,30000,350000' },
    dimension: { type: 'string', default: '768' },
  },
});
const AT_ONCE = 1_000;
const FOLD_BYTES = 100 * 2 ** 20;
const dimension = Number(values.dimension);
const sizes = values.rows.split(',').map(Number);
if (![dimension, ...sizes].every((n) => Number.isSafeInteger(n) && n > 0))
  throw new Error('--rows and --dimension are whole numbers');

/** @param {number} rows */
function* batches(rows) {
  for (let first = 0; first < rows; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - first);
    yield {
      ids: Array.from({ length: count }, (_, i) => `r${first + i}`),
      vectors: Float32Array.from({ length: count * dimension }, () => Math.random() - 0.5),
    };
  }
}

console.log(
  `node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${dimension} dimensions`,
);
console.log('rows      MB of vectors  what                     requests  bytes written      ms');
for (const rows of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-branches-'));
  try {
    const database = await open(`file:${folder}`);
    const papers = await database.createCollection('papers', { dimension, metric: 'euclidean' });
    let bytes = 0;
    for (const batch of batches(rows)) {
      await papers.upsert(batch);
      bytes += batch.vectors.byteLength;
      // Before the log is full, which only its folds make room in.
      if (bytes < FOLD_BYTES) continue;
      await papers.compact({ minor: true });
      bytes = 0;
    }
    await papers.compact();
    await papers.createSnapshot({ name: 'kept' });
    for (let i = 0; i < 10; i++) {
      const vector = Array.from({ length: dimension }, () => Math.random());
      await papers.upsert([
        { id: `r${i}`, vector },
        { id: `new${i}`, vector },
      ]);
    }
    /** @param {string} what @param {() => Promise<unknown>} run */
    const measure = async (what, run) => {
      const [before, begun] = [database.storeUsage(), performance.now()];
      await run();
      const [after, ms] = [database.storeUsage(), performance.now() - begun];
      const megabytes = ((rows * dimension * 4) / 1e6).toFixed(0);
      console.log(
        `${String(rows).padEnd(9)} ${megabytes.padStart(13)}  ${what.padEnd(24)} ${String(after.requests - before.requests).padStart(8)} ` +
          `${String(after.bytesWritten - before.bytesWritten).padStart(14)} ${ms.toFixed(1).padStart(7)}`,
      );
    };
    await measure('branch', () => papers.branch('newest'));
    await measure('branch of a snapshot', () => papers.branch('older', { snapshot: 'kept' }));
    await measure('restore', () => papers.restoreTo({ snapshot: 'kept' }));
    for (const [name, expected] of /** @type {const} */ ([
      ['newest', rows + 10],
      ['older', rows],
      ['papers', rows],
    ]))
      await measure(`first count of ${name}`, async () => {
        const { count } = await database.collection(name).count();
        if (count !== expected) throw new Error(`${name} has ${count} records, not ${expected}`);
      });
    await database.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
