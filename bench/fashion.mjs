/**
 * The main job on real data, through HTTP: ingest, compact, search; and hnswlib on the same rows in the same run.
 *
 *   npm run build && npm run bench:fashion
 *   node bench/fashion.mjs --set fashion|arxiv|both --rows N --queries N --no-peer --results FOLDER
 *
 * For each set: a server on a fresh file store, without maintenance of its own; all rows in batches of 5,000, each
 * answer after its fsync; `compact` until nothing is left to do, with nothing else running; hnswlib on one core while
 * the server idles; then every query at each target_recall and k, by one keep-alive client, and the same through the
 * library in this process on the same store, turn by turn. Vectors compacted per second are all rows by the time of all
 * calls of compact, so ordering, calibration and commit are in it. Recall counts by distance (true-neighbours.mjs).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';
import { compactAll, load, statsOf, upsertBodies } from './collection-load.mjs';
import { reportOf } from './fashion-report.mjs';
import { connect, mustCall } from './http-client.mjs';
import { megabytes, perSecond, round } from './latencies.mjs';
import { runHnswlib, tryMakeHnswlib } from './peers/hnswlib.mjs';
import { base64Of, PLACES, runQueries, TARGETS, throughHttp, throughLibrary } from './query-runs.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, writeResults } from './result-files.mjs';
import { startServer } from './server-process.mjs';
import { bytesByKind } from './store-files.mjs';
import { NeighbourJudge } from './true-neighbours.mjs';

const COLLECTION = 'bench';
const WARM_UP_QUERIES = 3_000;
const path = `/v1/collections/${COLLECTION}`;

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'both' },
    rows: { type: 'string' },
    queries: { type: 'string' },
    batch: { type: 'string', default: '5000' },
    results: { type: 'string' },
    'no-peer': { type: 'boolean', default: false },
  },
});

/** @typedef {import('./query-runs.mjs').Run} Run */
/** @typedef {{ k: number, target: number, http: Run, library: Run }} Measured */
/** @typedef {import('./query-runs.mjs').Ask} Ask */
/** @typedef {import('./query-runs.mjs').Effort} Effort */

/**
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {string} folder
 */
async function measure(set, folder) {
  const judge = new NeighbourJudge(set);
  judge.mustMatchRows();
  const { ids, metric, dimension } = set;
  const storeFolder = join(folder, 'store');
  const bodies = upsertBodies(set, Number(flags.batch));
  const program = flags['no-peer'] ? undefined : tryMakeHnswlib(folder);
  const server = await startServer({ store: `file:${storeFolder}`, serveArguments: ['--no-maintenance'] });
  const client = connect(server.url);
  try {
    await mustCall(client, 'PUT', path, { dimension, metric });
    console.log(set.title);
    const ingest = await load(client, COLLECTION, bodies);
    console.log(`  ingested ${perSecond(ids.length, ingest.ms)} vectors/s, ${ingest.waits} waits for 429`);
    const beforeCompaction = { disk: bytesByKind(storeFolder), segments: await statsOf(client, COLLECTION) };
    const cpuBefore = server.cpuMs();
    const calls = await compactAll(client, COLLECTION);
    const compaction = { ...calls, cpuMs: server.cpuMs() - cpuBefore };
    console.log(
      `  compacted ${perSecond(ids.length, compaction.ms)} vectors/s: ${round(compaction.ms / 1_000, 2)} s, ` +
        `processor time ${round(compaction.cpuMs / 1_000, 2)} s, ${compaction.calls} calls`,
    );
    const peer = program === undefined ? undefined : await runHnswlib(program, set, folder);
    if (compaction.ms === 0) console.error('!!! NOTHING WAS COMPACTED: what follows is search in the log');
    else if (peer !== undefined) {
      const ratio = peer.build_seconds / (compaction.ms / 1_000);
      console.log(
        `  hnswlib built in ${peer.build_seconds} s: compaction is at ${round(ratio, 2)} of its speed`,
      );
    }
    const { first, measured: queries } = await measureQueries(client, `file:${storeFolder}`, judge);
    const stats = await statsOf(client, COLLECTION);
    const disk = bytesByKind(storeFolder);
    const rawBytes = set.vectors.byteLength;
    const memory = server.residentBytes();
    const usage = await usageOf(client, judge);
    return {
      ...{ set: set.title, real: set.real, rows: ids.length, dimension, metric, rawBytes },
      ...{ ingest, compaction, peer, first, queries, usage, stats, memory, disk },
      before: { disk: beforeCompaction.disk, segments: beforeCompaction.segments.segments },
    };
  } finally {
    client.close();
    await server.stop();
  }
}

/**
 * Both ways until V8 has compiled what is hot: the first thousand answers of a process take up to twice the time.
 * @param {(effort: Effort) => Ask} http
 * @param {(effort: Effort) => Ask} library
 * @param {NeighbourJudge} judge
 * @returns {Promise<Measured>} of the very first queries
 */
async function warmUp(http, library, judge) {
  const effort = { k: 10, target: 0.95 };
  /** @type {Measured | undefined} */
  let first;
  for (let asked = 0; asked < WARM_UP_QUERIES; asked += first.http.count) {
    const overHttp = await runQueries(http(effort), effort, judge);
    const inProcess = await runQueries(library(effort), effort, judge);
    first ??= { ...effort, http: overHttp, library: inProcess };
  }
  if (first === undefined) throw new Error('no queries were asked');
  return first;
}

/**
 * @param {import('./http-client.mjs').Client} client
 * @param {string} store
 * @param {NeighbourJudge} judge
 */
async function measureQueries(client, store, judge) {
  const database = await open(store, { createStore: false });
  /** @type {Measured[]} */
  const measured = [];
  /** @type {Measured} */
  let first;
  try {
    const http = throughHttp(client, COLLECTION, judge);
    const library = throughLibrary(database.collection(COLLECTION), judge);
    first = await warmUp(http, library, judge);
    for (const k of PLACES) {
      for (const target of TARGETS) {
        const effort = { k, target };
        const overHttp = await runQueries(http(effort), effort, judge);
        const inProcess = await runQueries(library(effort), effort, judge);
        measured.push({ ...effort, http: overHttp, library: inProcess });
        console.log(
          `  k ${k}, target ${target}: recall ${overHttp.recall.toFixed(4)}, ${overHttp.qps} queries/s, ` +
            `p50 ${overHttp.p50} ms, p99 ${overHttp.p99} ms; in process p50 ${inProcess.p50} ms, ` +
            `HTTP adds ${round(overHttp.p50 - inProcess.p50, 3)} ms`,
        );
      }
    }
  } finally {
    await database.close();
  }
  return { first, measured };
}

/** What one query at the default target says that it cost. @param {import('./http-client.mjs').Client} client @param {NeighbourJudge} judge */
async function usageOf(client, judge) {
  const body = { vector: base64Of(judge.vector(0)), k: 10, include: [] };
  return (await mustCall(client, 'POST', `${path}/query`, body)).usage;
}

/** @param {string} key */
async function run(key) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-'));
  try {
    const less = {
      rows: flags.rows === undefined ? undefined : Number(flags.rows),
      queries: flags.queries === undefined ? undefined : Number(flags.queries),
    };
    const found = await measure(realSet(key, less), folder);
    const ran = machine();
    const md = reportOf(found, machineLine(ran));
    console.log(`\n${md}`);
    console.log(
      `on disk: ${megabytes(Object.values(found.disk).reduce((sum, { bytes }) => sum + bytes, 0))}`,
    );
    writeResults(flags.results, key === 'fashion' ? 'fashion-mnist' : 'arxiv-20k', {
      json: { ...ran, ...found },
      md,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const key of flags.set === 'both' ? ['fashion', 'arxiv'] : [flags.set]) await run(key);
