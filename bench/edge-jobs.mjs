/**
 * What compactions of an edge handler take, job by job, of what Workers count:
 *
 *   npm run build && node bench/edge-jobs.mjs --set fashion|arxiv|random --rows 14000 --batch 1000
 *
 * In one process, over a store in memory, with the budget of memory that Workers get: each batch is upserted and compacted. Of
 * each compaction that merged something: rows written, requests (as R2 counts them), bytes read and written, CPU seconds, and
 * numbers written (rows times dimension and 128) per second of these. `random` is rows of 784 dimensions that no order
 * brings together: what a merge reads lies everywhere.
 */
import { parseArgs } from 'node:util';
import { limits } from '../dist/core/base/limits.js';
import { open } from '../dist/core/index.js';
import { accountingStore, memoryStore, meteringStore } from '../dist/core/store/index.js';
import { randomFrom } from './random.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, table } from './result-files.mjs';

const MEMORY_BYTES = 96_000_000;

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'fashion' },
    rows: { type: 'string', default: '14000' },
    batch: { type: 'string', default: '1000' },
  },
});
const rows = Number(flags.rows);
const batch = Number(flags.batch);
const set = flags.set === 'random' ? randomSet() : realSet(flags.set, { rows, queries: 1 });
const { dimension, metric, ids, vectors } = set;

const invocation = { limit: Number.MAX_SAFE_INTEGER, used: 0 };
const counted = accountingStore(memoryStore({ clock: { wallMs: () => Date.now() } }));
const store = meteringStore(counted, { current: () => invocation });
const db = await open('memory:', {
  store,
  tier: 'edge',
  memoryBudgetBytes: MEMORY_BYTES,
  shareRequests: false,
});
await db.createCollection('c', { dimension, metric });
const collection = db.collection('c');
const lines = [];
for (let from = 0; from < ids.length; from += batch) {
  const to = Math.min(ids.length, from + batch);
  await collection.upsert({
    ids: ids.slice(from, to),
    vectors: vectors.subarray(from * dimension, to * dimension),
    ...(set.documents === undefined ? {} : { metadata: set.documents.slice(from, to) }),
  });
  invocation.used = 0;
  const before = counted.snapshot();
  const cpu = process.cpuUsage();
  const done = await collection.compact();
  const { user, system } = process.cpuUsage(cpu);
  const after = counted.snapshot();
  if (done.segmentsMerged === 0) continue;
  const seconds = (user + system) / 1e6;
  lines.push([
    `${done.rowsWritten}`,
    `${done.segmentsMerged}`,
    `${invocation.used}`,
    ((after.bytesRead - before.bytesRead) / 1e6).toFixed(1),
    ((after.bytesWritten - before.bytesWritten) / 1e6).toFixed(1),
    seconds.toFixed(2),
    ((done.rowsWritten * (dimension + limits.rowNumbers)) / 1e6 / seconds).toFixed(1),
  ]);
}
await db.close();
console.log(`${flags.set}, ${ids.length} x ${dimension}, ${batch} at a time\n${machineLine(machine())}\n`);
console.log(
  table(['rows', 'merged', 'requests', 'MB read', 'MB written', 'CPU s', 'million numbers per s'], lines),
);

function randomSet() {
  const random = randomFrom(1);
  return {
    dimension: 784,
    metric: /** @type {const} */ ('euclidean'),
    ids: Array.from({ length: rows }, (_, i) => `r${i}`),
    vectors: Float32Array.from({ length: rows * 784 }, () => random()),
    documents: undefined,
  };
}
