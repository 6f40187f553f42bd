/**
 * Many small folds and the merges that follow from them:
 *
 *   npm run build && npm run bench:folds
 *   node bench/folds.mjs --set fashion|arxiv --folds 50 --batch 1200 --queries 200 --results FOLDER
 *
 * In one process, through the library, over the file store: each fold is an upsert of the next rows and then `compact`
 * until it finds nothing to do. After each: bytes that the store was given for the upsert and for the compaction, bytes of
 * the segment files that are new, segments and rows in them, queries per second and recall@10 of a sample at a target
 * of 0.95 (exact neighbours among the rows so far, by comparing all). Nothing is collected meanwhile, so every file that
 * was written is there to be counted.
 *
 * Write amplification: bytes of all segment files written so far / bytes of the rows so far (ids, f32 vectors, JSON
 * documents). The least that a database with segments can have is about 1.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';
import { foldsPlot } from './folds-plot.mjs';
import { megabytes, round, summaryOf, whole } from './latencies.mjs';
import { GrowingNeighbours } from './growing-neighbours.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, table, writeResults } from './result-files.mjs';
import { storedFiles } from './store-files.mjs';

const K = 10;
const TARGET = 0.95;
const WARM_UP = 20;
const COMPACTIONS = 1_000;
const SEGMENT_KINDS = new Set(['seg', 'del', 'win']);

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'fashion' },
    folds: { type: 'string', default: '50' },
    batch: { type: 'string' },
    queries: { type: 'string', default: '200' },
    results: { type: 'string' },
  },
});

/**
 * @typedef {object} Fold
 * @property {number} rows so far
 * @property {number} rowBytes so far
 * @property {number} upsertBytes given to the store for the upsert of this fold
 * @property {number} compactBytes given to the store for its compaction
 * @property {number} segmentBytes of segment files written so far
 * @property {number} amplification
 * @property {number} segments
 * @property {number} segmentRows
 * @property {number} merged segments merged away by this fold
 * @property {number} compactMs
 * @property {number} qps
 * @property {number} p99
 * @property {number} recall
 */

/** Bytes of what a user gives. @param {import('./real-sets.mjs').BenchSet} set @param {number} from @param {number} to */
function bytesOfRows({ ids, documents, dimension }, from, to) {
  let bytes = 0;
  for (let row = from; row < to; row++) {
    const document = documents?.[row];
    bytes += Buffer.byteLength(ids[row] ?? '') + dimension * 4;
    if (document !== undefined) bytes += Buffer.byteLength(JSON.stringify(document));
  }
  return bytes;
}

/** @param {import('../dist/core/index.js').Collection} collection */
async function compactWhole(collection) {
  let merged = 0;
  for (let call = 0; call < COMPACTIONS; call++) {
    const { foldedSlots, segmentsWritten, segmentsMerged } = await collection.compact();
    if (foldedSlots + segmentsWritten + segmentsMerged === 0) return merged;
    merged += segmentsMerged;
  }
  throw new Error(`not compact after ${COMPACTIONS} calls`);
}

/**
 * @param {import('../dist/core/index.js').Collection} collection
 * @param {GrowingNeighbours} neighbours
 */
async function measureQueries(collection, neighbours) {
  const times = [];
  let hits = 0;
  for (let turn = -WARM_UP; turn < neighbours.count; turn++) {
    const query = Math.max(0, turn);
    const vector = neighbours.vector(query).slice();
    const started = performance.now();
    const { matches } = await collection.query({ vector, k: K, targetRecall: TARGET, include: [] });
    if (turn < 0) continue;
    times.push(performance.now() - started);
    hits += neighbours.hits(
      query,
      matches.map(({ id }) => id),
    );
  }
  const { qps, p99 } = summaryOf(times);
  return { qps, p99, recall: round(hits / (neighbours.count * neighbours.k), 4) };
}

/**
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {{ folder: string, batch: number, folds: number }} options
 */
async function measureFolds(set, { folder, batch, folds }) {
  const store = join(folder, 'store');
  const database = await open(`file:${store}`);
  const collection = await database.createCollection('folds', {
    dimension: set.dimension,
    metric: set.metric,
  });
  const neighbours = new GrowingNeighbours(set, K);
  /** Bytes by path: a file that was written once is counted once, also when it is gone later. @type {Map<string, number>} */
  const written = new Map();
  /** @type {Fold[]} */
  const found = [];
  let rowBytes = 0;
  for (let fold = 0; fold < folds && fold * batch < set.ids.length; fold++) {
    const [from, to] = [fold * batch, Math.min(set.ids.length, (fold + 1) * batch)];
    const before = database.storeUsage().bytesWritten;
    await collection.upsert({
      ids: set.ids.slice(from, to),
      vectors: set.vectors.slice(from * set.dimension, to * set.dimension),
      ...(set.documents === undefined ? {} : { metadata: set.documents.slice(from, to) }),
    });
    const between = database.storeUsage().bytesWritten;
    const started = performance.now();
    const merged = await compactWhole(collection);
    const compactMs = round(performance.now() - started, 1);
    const after = database.storeUsage().bytesWritten;
    for (const { path, kind, bytes } of storedFiles(store))
      if (SEGMENT_KINDS.has(kind)) written.set(path, bytes);
    rowBytes += bytesOfRows(set, from, to);
    const segmentBytes = [...written.values()].reduce((sum, bytes) => sum + bytes, 0);
    const { segments } = await collection.stats();
    neighbours.grow(to);
    const asked = await measureQueries(collection, neighbours);
    found.push({
      ...{ rows: to, rowBytes, upsertBytes: between - before, compactBytes: after - between, segmentBytes },
      ...{ amplification: round(segmentBytes / rowBytes, 3), segments: segments.length, merged, compactMs },
      segmentRows: segments.reduce((sum, { rows }) => sum + rows, 0),
      ...asked,
    });
    console.log(lineOf(fold, /** @type {Fold} */ (found.at(-1))));
  }
  await database.close();
  return found;
}

/** @param {number} at @param {Fold} fold */
function lineOf(at, { rows, segments, merged, amplification, compactMs, compactBytes, qps, recall }) {
  return (
    `  fold ${at + 1}: ${whole(rows)} rows, ${segments} segments (${merged} merged), ${compactMs} ms, ` +
    `${megabytes(compactBytes)} written, amplification ${amplification}, ${qps} queries/s, recall ${recall}`
  );
}

/** @param {string} title @param {readonly Fold[]} folds */
function reportOf(title, folds) {
  const last = /** @type {Fold} */ (folds.at(-1));
  const recalls = folds.map(({ recall }) => recall);
  const shown = folds.filter((_fold, at) => at === 0 || (at + 1) % 5 === 0);
  return [
    `# ${folds.length} folds\n\n${title}. Made by \`npm run bench:folds\`; what is measured and how is in bench/folds.mjs.`,
    `![write amplification, segments and queries per second by fold](folds.svg)`,
    `Write amplification ${last.amplification}, at most ${Math.max(...folds.map(({ segments }) => segments))} segments, ` +
      `${last.segments} in the end; recall@${K} at target ${TARGET}: ${Math.min(...recalls)} to ${Math.max(...recalls)}.`,
    table(
      [
        'fold',
        'rows',
        'segments',
        'merged',
        'compact ms',
        'written',
        'amplification',
        'QPS',
        'p99 ms',
        'recall',
      ],
      shown.map((fold) => [
        folds.indexOf(fold) + 1,
        whole(fold.rows),
        ...[fold.segments, fold.merged, fold.compactMs, megabytes(fold.compactBytes), fold.amplification],
        ...[fold.qps, fold.p99, fold.recall],
      ]),
    ),
    '',
  ].join('\n\n');
}

const folder = mkdtempSync(join(tmpdir(), 'cairn-folds-'));
try {
  const folds = Number(flags.folds);
  const set = realSet(flags.set, { queries: Number(flags.queries) });
  const batch = flags.batch === undefined ? Math.floor(set.ids.length / folds) : Number(flags.batch);
  const found = await measureFolds(set, { folder, batch, folds });
  const ran = machine();
  const title = `${set.title}, ${batch} rows a fold. ${machineLine(ran)}`;
  const md = reportOf(title, found);
  console.log(`\n${md}`);
  writeResults(flags.results, 'folds', {
    json: { ...ran, set: set.title, batch, target: TARGET, folds: found },
    md,
    svg: foldsPlot(found, title),
  });
} finally {
  rmSync(folder, { recursive: true });
}
