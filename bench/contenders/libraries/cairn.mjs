/**
 * Cairn as anybody would use it: opened without options, upserts of 5,000 rows, one `compact`. The second contender opens
 * the same store with as little memory as its index needs, so that vectors come from the file, which is to say from the
 * cache of the operating system.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isCairnError, open } from '../../../dist/core/index.js';
import { byEf, K, secondsSince, TARGET_RECALL } from '../conditions.mjs';

const runtimes = fileURLToPath(new URL('../../../test/runtime/node_modules', import.meta.url));
const COLLECTION = 'ann';
const BATCH = 5_000;
const COMPACTIONS = 100;
/** Memory beside the index: the pages of vectors that are being compared, and scratch. */
const SPARE_BYTES = 4 * 2 ** 20;
/** The file that tells the least memory. */
const BUDGET = 'tight-budget';
const TRIAL_ROWS = 4_000;
const TRIAL_QUERIES = 20_000;
/** Arenas come in classes: the index takes a whole one, and the error says how much that is. */
const BUDGETS = 8;
/** Recalls that are asked for. */
const TARGETS = [0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999];

/** @typedef {import('../contender.mjs').Shape} Shape */

/** @typedef {import('../../../dist/core/index.js').CollectionSettings['quantization']} Quantization */

/**
 * @param {import('../contender.mjs').Rows} rows @param {Quantization} [quantization]
 * @returns {Promise<import('../contender.mjs').Built>}
 */
async function build(rows, quantization = 'sq8') {
  const { metric, dimension, ids, vectors, documents, folder } = rows;
  const database = await open(urlOf(rows), { threads: 0 });
  const collection = await database.createCollection(COLLECTION, { dimension, metric, quantization });
  let buildSeconds = 0;
  /** Whether there was anything to do. */
  const compact = async () => {
    const compacted = performance.now();
    const { foldedSlots, segmentsWritten, segmentsMerged } = await collection.compact();
    const done = foldedSlots + segmentsWritten + segmentsMerged > 0;
    if (done) buildSeconds += secondsSince(compacted);
    return done;
  };
  const begun = performance.now();
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = {
      ids: ids.slice(from, from + BATCH),
      vectors: vectors.subarray(from * dimension, Math.min(ids.length, from + BATCH) * dimension),
      ...(documents === undefined ? {} : { metadata: documents.slice(from, from + BATCH) }),
    };
    try {
      await collection.upsert(batch);
    } catch (error) {
      // So much data that the log has to be folded in between.
      if (!isCairnError(error) || error.code !== 'log_too_long') throw error;
      await compact();
      await collection.upsert(batch);
    }
  }
  const loadSeconds = secondsSince(begun) - buildSeconds;
  // One call does it. The others make sure.
  for (let call = 0; await compact(); call++)
    if (call === COMPACTIONS) throw new Error(`not compact after ${COMPACTIONS} calls`);
  await database.close();
  writeFileSync(join(folder, BUDGET), String(await tightBudget(rows)));
  return { loadSeconds, buildSeconds };
}

/** @param {Shape} shape @param {{ memoryBudgetBytes?: number }} [options] */
async function openWith(shape, options = {}) {
  const database = await open(urlOf(shape), { createStore: false, threads: 0, ...options });
  const collection = database.collection(COLLECTION);
  return {
    collection,
    /** @param {Float32Array} vector @param {import('../contender.mjs').Effort} effort @param {string} [filter] */
    search: (vector, { ef = K, targetRecall }, filter) => {
      const effort = targetRecall === undefined ? { ef } : { targetRecall };
      const asked = { vector, k: K, ...effort, include: [], consistency: /** @type {const} */ ('eventual') };
      return collection.query(filter === undefined ? asked : { ...asked, filter });
    },
    memory: async () => {
      const { segments, memory } = await collection.stats({ consistency: 'eventual' });
      const indexBytes = segments.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
      return { indexBytes, pageCacheBytes: memory.pageCacheBytes };
    },
    /** @param {Float32Array} vector @param {import('../contender.mjs').Effort} effort */
    rerank: async (vector, { targetRecall = TARGET_RECALL }) => {
      const { explain } = await collection.explain({ vector, k: K, targetRecall });
      return explain.segments.reduce((sum, { rerank = 0 }) => sum + rerank, 0);
    },
    close: () => database.close(),
  };
}

/**
 * The least memory with which the store's index can be searched. Found by whoever builds, so that the process whose memory is
 * measured tries nothing.
 * @param {Shape} shape
 */
async function tightBudget(shape) {
  const { collection, close } = await openWith(shape);
  const { segments } = await collection.stats();
  await close();
  let memoryBudgetBytes = segments.reduce((sum, { residentBytes }) => sum + residentBytes, 0) + SPARE_BYTES;
  for (let tried = 0; tried < BUDGETS; tried++) {
    const opened = await openWith(shape, { memoryBudgetBytes });
    try {
      await opened.search(new Float32Array(shape.dimension).fill(1), {});
      return memoryBudgetBytes;
    } catch (error) {
      if (!isCairnError(error) || error.code !== 'memory_budget_exceeded') throw error;
      memoryBudgetBytes = Number(error.details['value']) + SPARE_BYTES;
    } finally {
      await opened.close();
    }
  }
  throw new Error(`its index does not fit into ${memoryBudgetBytes} bytes`);
}

/** @param {Shape} shape */
async function openTight(shape) {
  const memoryBudgetBytes = Number(readFileSync(join(shape.folder, BUDGET), 'utf8'));
  return {
    ...(await openWith(shape, { memoryBudgetBytes })),
    note: `memoryBudgetBytes ${memoryBudgetBytes}`,
  };
}

/** @param {Pick<Shape, 'folder'>} shape */
function urlOf({ folder }) {
  return `file:${join(folder, 'store')}`;
}

/**
 * A few rows written, compacted and asked for in memory: V8 compiles the library, which others come compiled. What stays of that is no
 * part of an index.
 */
async function compileLibrary() {
  const database = await open('memory:');
  const collection = await database.createCollection(COLLECTION, { dimension: 64, metric: 'euclidean' });
  const vectors = Float32Array.from({ length: TRIAL_ROWS * 64 }, (_, at) => Math.sin(at * 7.3) + (at % 11));
  const ids = Array.from({ length: TRIAL_ROWS }, (_, row) => String(row));
  await collection.upsert({ ids, vectors });
  await collection.compact();
  for (let at = 0; at < TRIAL_QUERIES; at++) {
    const from = (at % TRIAL_ROWS) * 64;
    const vector = vectors.subarray(from, from + 64);
    await collection.query({ vector, k: K, ef: 32, include: [], consistency: 'eventual' });
  }
  await database.close();
}

const both = {
  peer: 'cairn',
  load: compileLibrary,
  store: 'cairn',
  efforts: byEf,
  /** @param {import('../contender.mjs').Rows} rows */
  build: (rows) => build(rows),
  /** @param {import('../../../dist/core/index.js').QueryResult} answer */
  found: ({ matches }) => matches.map(({ id }) => id),
};

/** @type {import('../contender.mjs').Contender} */
export const cairn = {
  ...both,
  key: 'cairn',
  title: 'Cairn',
  settings: 'open() with { threads: 0 }, upserts of 5,000, one compact; eventual, include []',
  filtering: { efforts: [{ targetRecall: TARGET_RECALL }], settings: 'documents whole, no field declared' },
  open: (shape) => openWith(shape),
};

/** As the suites of test/runtime install it. */
const NODE_24 = join(runtimes, `node24-${process.platform}-${process.arch}`, 'bin/node');

/** Its module is the one with relaxed SIMD. @type {import('../contender.mjs').Contender} */
export const cairnNode24 = {
  ...both,
  key: 'cairn-node24',
  title: 'Cairn, Node 24',
  settings: 'the same store, relaxed SIMD',
  node: NODE_24,
  ready: () => {
    if (!existsSync(NODE_24)) throw new Error('Node 24 is not there: npm ci --prefix test/runtime');
  },
  open: (shape) => openWith(shape),
};

/** @type {import('../contender.mjs').Contender} */
export const cairnTight = {
  ...both,
  key: 'cairn-tight',
  title: 'Cairn, tight memory',
  settings: 'the same store, memoryBudgetBytes as small as its index allows',
  open: openTight,
};

/**
 * Cairn by what its segments code vectors as; efforts are recalls that are asked for, by which it chooses how wide a walk is and how
 * many raw vectors are compared.
 * @param {string} name @param {Quantization} quantization
 * @returns {import('../contender.mjs').Contender}
 */
export function cairnCodedBy(name, quantization) {
  return {
    ...both,
    key: `cairn-${name.replaceAll(' ', '-')}`,
    title: `Cairn ${name}`,
    settings: `quantization ${JSON.stringify(quantization)}`,
    store: `cairn-${name.replaceAll(' ', '-')}`,
    efforts: TARGETS.map((targetRecall) => ({ targetRecall })),
    build: (rows) => build(rows, quantization),
    open: (shape) => openWith(shape),
  };
}
