/** One process of threads.mjs: prepares what it is started for, then does it each time it is asked, and tells what it took. */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { IndexBuilder, RangeTrainer, trainProjection } from '../dist/core/index/index.js';
import { open } from '../dist/core/index.js';
import { compileEmbeddedKernel, Kernel } from '../dist/core/kernel/index.js';
import { nodeThreads } from '../dist/core/threads/adapters/node/index.js';
import { clusteredSet } from './clustered-set.mjs';
import { realSet } from './real-sets.mjs';

/** @typedef {{ way: string, ms: number }} Question */
/** @typedef {{ go: (question: Question) => Promise<number>, end: () => Promise<void> }} Work answers how much was done */

const job = JSON.parse(process.argv[2] ?? '{}');
const set = job.key === 'clustered' ? clusteredSet(job.rows) : realSet(job.key);
const { dimension, metric, vectors, queries } = set;
const rows = set.ids.length;
const GRAPH = { m: 16, efConstruction: 128, seed: 7 };
const AT_ONCE = 16;
const BATCH = 100;
/** Threads have started by then. */
const STARTED_MS = 1_000;

/** @returns {Promise<Work>} */
async function searching() {
  const database = await open(job.store, { threads: job.threads, createStore: false });
  const collection = database.collection('bench');
  const count = queries.length / dimension;
  let asked = 0;
  const next = () => {
    const at = (asked++ % count) * dimension;
    const consistency = /** @type {const} */ ('eventual');
    return { vector: queries.subarray(at, at + dimension), k: 10, include: [], consistency };
  };
  await collection.query(next());
  return {
    go: async ({ way, ms }) => {
      const from = asked;
      const end = performance.now() + ms;
      if (way === '16 at a time') {
        const lane = async () => {
          while (performance.now() < end) await collection.query(next());
        };
        await Promise.all(Array.from({ length: AT_ONCE }, lane));
      } else while (performance.now() < end) await collection.queryMany(Array.from({ length: BATCH }, next));
      return asked - from;
    },
    end: () => database.close(),
  };
}

/** @returns {Promise<Work>} */
async function building() {
  const started = job.threads === 0 ? undefined : await nodeThreads(job.threads);
  const module = started?.module ?? (await compileEmbeddedKernel());
  const kernel = new Kernel(module, { memoryBudgetBytes: 2 ** 31, shared: started !== undefined });
  const threads = started?.open(kernel.pool);
  const ranges = new RangeTrainer(dimension, metric);
  ranges.add(vectors);
  const sample = vectors.subarray(0, 4_000 * dimension);
  const projection = trainProjection(kernel.pool, sample, { dimension, metric, seed: GRAPH.seed });
  const shape = { dimension, metric, rows };
  const params = ranges.finish();
  // Rows come in no order of likeness.
  const order = Uint32Array.from({ length: rows }, (_, i) => i).sort((a, b) => hash(a) - hash(b));
  return {
    go: async () => {
      const options = { shape, params, graph: GRAPH, projection, extraResidentBytes: 0, threads };
      const builder = new IndexBuilder(kernel.pool, options);
      builder.encode(0, vectors);
      begin();
      for (const _ of builder.link(order));
      for (const _ of builder.connect());
      builder.release();
      return rows;
    },
    end: async () => threads?.close(),
  };
}

/** @param {number} row */
function hash(row) {
  return Math.imul(row, 0x9e37_79b1) >>> 0;
}

let begunMs = 0;
let begunCpu = process.cpuUsage();
function begin() {
  begunMs = performance.now();
  begunCpu = process.cpuUsage();
}

/** @type {Work | undefined} */
let work;
/** @param {Question & { say: string }} question */
async function answer(question) {
  switch (question.say) {
    case 'prepare':
      work = await (job.kind === 'search' ? searching() : building());
      await new Promise((resolve) => setTimeout(resolve, STARTED_MS));
      process.send?.({});
      break;
    case 'go': {
      begin();
      const count = await work?.go(question);
      const { user, system } = process.cpuUsage(begunCpu);
      process.send?.({ count, ms: performance.now() - begunMs, cpuMs: (user + system) / 1_000 });
      break;
    }
    default:
      await work?.end();
      process.disconnect();
  }
}

process.on('message', (/** @type {Question & { say: string }} */ question) => void answer(question));
