/**
 * What the first query takes of an edge handler that holds nothing, of a large collection in a bucket as far away as S3:
 *
 *   npm run build && npm run bench:cold-leaves
 *   node bench/cold/leaves.mjs --rows 1000000 --queries 200 --profile s3 --rebuild --results FOLDER
 *   node bench/cold/leaves.mjs --rows 100000          # the quick form: two minutes to make, once
 *
 * A `server` tier collection of generated embeddings (embedding-set.mjs), 768 numbers, cosine, made once and kept below build/
 * (kept-collection.mjs; a million rows take ten minutes of one core, a minute of waiting, and 11 GB of disk on the way). Each query has a database of its own: 96 MB
 * of memory, nothing shared or left from the one before; what is loaded and compiled of the code is. k = 10 at target recall 0.95,
 * `include: []`. Each is asked of two handlers, one after the other: of tier `edge`, which has six requests in flight because a Worker may have no
 * more connections, and of tier `server`, as a function of a cloud has it.
 *
 * - **after head**: of what follows the answer to the get of the head: `chain` is the longest run of requests of which each began when
 *   another had ended, those that waited for one of six places among them; `waves` counts a new one where all before had ended.
 * - **ms** from `open` to the answer: with the entry of the catalog and the head, one after the other; and from the head on. **MB** are those of bodies; **memory** is the peak that the database accounts for.
 *
 * What larger collections would take follows from the bytes by part (scale.mjs), and is arithmetic, not measured.
 */
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { composeDatabase } from '../../dist/core/compose.js';
import { compileEmbeddedKernel } from '../../dist/core/kernel/index.js';
import { portableDeflate } from '../../dist/core/segment/index.js';
import { nodeDeflate, nodeSha256, openFileStore } from '../../dist/core/store/adapters/node/index.js';
import { systemClock, systemRandom, systemSleep } from '../../dist/core/system-ports.js';
import { COLLECTION, hitsOf, K, keptCollection } from '../kept-collection.mjs';
import { quantile, round } from '../latencies.mjs';
import { machine, writeResults } from '../result-files.mjs';
import { segmentLayouts } from '../segment-sections.mjs';
import { embeddings } from './embedding-set.mjs';
import { LatencyStore, profiles } from './latency-store.mjs';
import { leavesReport } from './leaves-report.mjs';
import { afterHead, bytesByPart, headEnded, longestChain, RequestTimes, waves } from './request-times.mjs';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    queries: { type: 'string', default: '200' },
    profile: { type: 'string', default: 's3' },
    rebuild: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
});

const TARGET = 0.95;
const MEMORY_BYTES = 96_000_000;
/** Queries that are not counted, in which code is compiled. */
const WARM_UP = 3;

/** @typedef {'edge' | 'server'} Tier */
const tiers = /** @type {const} */ (['edge', 'server']);

/**
 * @typedef {object} ColdQuery
 * @property {number} ms
 * @property {number} msAfterHead
 * @property {number} chain
 * @property {number} waves
 * @property {number} requests of all
 * @property {number} bytes of all
 * @property {number} mostInFlight
 * @property {number} peakBytes
 * @property {number} hits
 * @property {Record<string, number>} parts bytes by part
 */

/**
 * As `open` does with a URL of a bucket on Node, where SHA-256 and deflate are the host's, and as `openR2Store` does in a Worker, which
 * brings none of its own.
 *
 * @param {Tier} tier
 * @param {import('../../dist/core/store/index.js').ObjectStore} store
 * @param {string} identity
 */
async function openOn(tier, store, identity) {
  const host =
    tier === 'server'
      ? { sha256: nodeSha256, deflate: nodeDeflate }
      : { sha256: undefined, deflate: portableDeflate };
  return composeDatabase({
    ...{ store, identity, tier, memoryBudgetBytes: MEMORY_BYTES },
    ports: { clock: systemClock, random: systemRandom, sleep: systemSleep },
    ...host,
    kernelModule: await compileEmbeddedKernel(),
    ...{ shareRequests: true, background: true, hedgeReads: false },
  });
}

/** @param {string} name */
function mustBeProfile(name) {
  if (!Object.hasOwn(profiles, name))
    throw new Error(`profile ${name} is none of ${Object.keys(profiles).join(', ')}`);
  return /** @type {keyof typeof profiles} */ (name);
}

/**
 * @param {import('../kept-collection.mjs').KeptCollection} kept
 * @param {number} at which query
 * @param {Tier} tier of the handler
 * @param {{ profile: keyof typeof profiles, segments: ReadonlyMap<string, import('../segment-sections.mjs').SegmentLayout> }} far
 * @returns {Promise<ColdQuery>}
 */
async function askCold({ folder, set, neighbours }, at, tier, { profile, segments }) {
  const vector = set.query(at);
  const far = new LatencyStore(await openFileStore(folder, { create: false }), profile, at + 1);
  const store = new RequestTimes(far);
  const begun = performance.now();
  const database = await openOn(tier, store, `bench:${profile}`);
  const { matches } = await database
    .collection(COLLECTION)
    .query({ vector, k: K, targetRecall: TARGET, include: [] });
  const ended = performance.now();
  const { peakBytes } = database.memoryUsage();
  // What was sent by then: closing sends nothing.
  const { sent, mostInFlight } = store;
  await database.close();
  const after = afterHead(sent);
  return {
    ...{
      ms: ended - begun,
      msAfterHead: ended - headEnded(sent),
      chain: longestChain(after),
      waves: waves(after),
      requests: sent.length,
      mostInFlight,
      peakBytes,
    },
    bytes: sent.reduce((sum, { bytes }) => sum + bytes, 0),
    hits: hitsOf(
      matches.map(({ id }) => id),
      neighbours[at] ?? [],
    ),
    parts: bytesByPart(sent, segments),
  };
}

/** @param {readonly ColdQuery[]} asked @param {(one: ColdQuery) => number} of @param {number} digits */
function spread(asked, of, digits) {
  const values = asked.map(of);
  const at = (/** @type {number} */ share) => round(quantile(values, share), digits);
  return { p50: at(0.5), p90: at(0.9), most: round(Math.max(...values), digits) };
}

/** Means. @param {readonly ColdQuery[]} asked */
function meanParts(asked) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const { parts } of asked)
    for (const [part, bytes] of Object.entries(parts)) sums[part] = (sums[part] ?? 0) + bytes / asked.length;
  return Object.fromEntries(Object.entries(sums).map(([part, bytes]) => [part, Math.round(bytes)]));
}

/** @param {readonly ColdQuery[]} asked */
function summary(asked) {
  return {
    recall: round(asked.reduce((sum, { hits }) => sum + hits, 0) / (asked.length * K), 4),
    ms: spread(asked, (one) => one.ms, 1),
    msAfterHead: spread(asked, (one) => one.msAfterHead, 1),
    chain: spread(asked, (one) => one.chain, 0),
    waves: spread(asked, (one) => one.waves, 0),
    requests: spread(asked, (one) => one.requests, 0),
    megabytes: spread(asked, (one) => one.bytes / 1e6, 2),
    mostInFlight: Math.max(...asked.map((one) => one.mostInFlight)),
    peakMegabytes: spread(asked, (one) => one.peakBytes / 1e6, 1),
  };
}

const profile = mustBeProfile(flags.profile);
const rows = Number(flags.rows);
const kept = await keptCollection(embeddings, rows, { rebuild: flags.rebuild });
const layouts = (await segmentLayouts(kept.folder)).toSorted((a, b) => b.rows - a.rows);
const far = { profile, segments: new Map(layouts.map((layout) => [layout.key, layout])) };
const load = round(loadavg()[0] ?? 0, 1);
const queries = Math.min(Number(flags.queries), kept.neighbours.length);
/** @type {Record<Tier, ColdQuery[]>} */
const askedOf = { edge: [], server: [] };
for (let turn = -WARM_UP; turn < queries; turn++) {
  for (const tier of tiers) {
    const one = await askCold(kept, Math.max(0, turn), tier, far);
    if (turn >= 0) askedOf[tier].push(one);
  }
}
const found = {
  ...{
    machine: machine(),
    profile,
    load,
    rows,
    dimension: kept.set.dimension,
    queries,
    seconds: kept.seconds,
  },
  memoryBudgetBytes: MEMORY_BYTES,
  ...summary(askedOf.edge),
  parts: meanParts(askedOf.edge),
  server: summary(askedOf.server),
  segments: layouts.map(({ bytes, rows: count, sections }) => ({
    ...{ rows: count, bytes },
    sections: sections.map(({ kind, part, length }) => ({ kind, part, length })),
  })),
};
console.log(JSON.stringify({ ...found, segments: found.segments.length }));
writeResults(flags.results, rows === 1_000_000 ? 'cold-leaves' : `cold-leaves-${rows}`, {
  json: found,
  md: leavesReport(found),
});
