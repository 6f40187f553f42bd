/**
 * What a Worker can query that it could never have made: collections that a Node process has written into the same bucket of R2, one of
 * the tier `edge` and one of the tier `server`. Held against the memory that the Worker accounts for, recall and time.
 *
 *   npm run bundle && npm run bench:edge-memory
 *   node bench/runtimes/edge.mjs --rows 100000 --server-rows 60000 --queries 100 --budgets 96000000,48000000
 *
 * The Worker is what is deployed (build/bundles/cloudflare), in workerd, which does not enforce the 128 MB of an isolate itself: what counts is
 * what the Worker counts, arenas, pages, filters, tails of segments and what is on its way (/metrics), and beside it what the whole process
 * of workerd takes, JavaScript's own heap and R2's emulation included. With less of a budget than an index needs the index is streamed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { open } from '../../dist/core/index.js';
import { openR2Store } from '../../dist/core/r2.js';
import { rootOfSources } from '../../test/engines/ceph/bundled-cluster.mjs';
import { bundle } from '../../test/fuzz/bundle.mjs';
import { connect, mustCall } from '../http-client.mjs';
import { megabytes, round, whole } from '../latencies.mjs';
import { runQueries, throughHttp } from '../query-runs.mjs';
import { realSet } from '../real-sets.mjs';
import { machine, machineLine, writeResults } from '../result-files.mjs';
import { NeighbourJudge } from '../true-neighbours.mjs';
import { deployedNode, loadHosts, measured } from './hosts.mjs';

const K = 10;
const TARGET = 0.95;
const AT_ONCE = 2_000;
const COMPACT_ROWS = 20_000;
const BUDGET = 96_000_000;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    'server-rows': { type: 'string', default: '60000' },
    queries: { type: 'string', default: '100' },
    budgets: { type: 'string', default: `${BUDGET},48000000` },
    results: { type: 'string' },
  },
});
const queries = Number(flags.queries);
const written = [
  { tier: /** @type {const} */ ('edge'), set: realSet('clustered', { rows: Number(flags.rows), queries }) },
  {
    tier: /** @type {const} */ ('server'),
    set: realSet('fashion', { rows: Number(flags['server-rows']), queries }),
  },
];

/** @param {string} folder of the bucket */
async function writeAll(folder) {
  /** @type {typeof import('../../test/runtime/r2/bucket.js')} */
  const { startR2 } = await import(
    pathToFileURL(await bundle('test/runtime/r2/bucket', [rootOfSources])).href
  );
  const r2 = await startR2(folder);
  const store = await openR2Store(r2.bind(), { selfTest: false });
  const database = await open('r2:BUCKET', { store });
  for (const { tier, set } of written) {
    const { ids, vectors, dimension, metric } = set;
    const collection = await database.createCollection(tier, { dimension, metric, tier });
    for (let row = 0; row < ids.length; row += AT_ONCE) {
      const end = Math.min(row + AT_ONCE, ids.length);
      await collection.upsert({
        ids: ids.slice(row, end),
        vectors: vectors.subarray(row * dimension, end * dimension),
      });
      // A log of the edge tier ends at 16 MiB.
      if (end % COMPACT_ROWS === 0) await collection.compact();
    }
    await collection.compact();
  }
  await database.close();
  await r2.close();
}

/** Resident bytes of all processes of workerd that this one has started. */
function workerdBytes() {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  return children
    .map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'))
    .filter((status) => /^Name:\s+workerd/m.test(status))
    .map((status) => 1_024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0))
    .reduce((a, b) => a + b, 0);
}

/** @param {string} url @param {string} name */
async function gauge(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

/** @param {string} folder @param {typeof written[number]} collection @param {number} budget */
async function query(folder, { tier, set }, budget) {
  const { startDeployedWorker } = await loadHosts();
  const environment = { CAIRN_ALLOW_ANONYMOUS: 'true', CAIRN_MEMORY_BUDGET_BYTES: String(budget) };
  const worker = await startDeployedWorker(environment, folder);
  const client = connect(worker.url);
  const judge = new NeighbourJudge(set);
  try {
    const ask = throughHttp(client, tier, judge)({ k: K, target: TARGET });
    const first = await measured(worker, () => ask(0, { k: K, target: TARGET }));
    const run = await measured(worker, () => runQueries(ask, { k: K, target: TARGET }, judge));
    const stats = await mustCall(client, 'GET', `/v1/collections/${tier}/stats`);
    return {
      tier,
      set: set.title,
      budget,
      segments: stats.segments.length,
      residentBytes: stats.segments.reduce(
        (/** @type {number} */ sum, /** @type {{ resident_bytes: number }} */ { resident_bytes: bytes }) =>
          sum + bytes,
        0,
      ),
      streamed: stats.segments_streamed,
      peakBytes: await gauge(worker.url, 'cairn_memory_peak_bytes'),
      processBytes: workerdBytes(),
      first: first.spent,
      recall: run.result.recall,
      p50: run.result.p50,
      bytesPerQuery: run.spent.bytesRead / (queries + 50),
    };
  } finally {
    client.close();
    await worker.close();
  }
}

const measuredAt = machine();
await deployedNode();
const folder = mkdtempSync(join(tmpdir(), 'cairn-edge-'));
const results = [];
try {
  await writeAll(folder);
  for (const budget of flags.budgets.split(',').map(Number))
    for (const collection of written) results.push(await query(folder, collection, budget));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const rows = results.map((found) => {
  const cells = [
    `${found.tier}: ${found.set}`,
    megabytes(found.budget),
    `${found.segments}, ${found.streamed} streamed`,
    megabytes(found.residentBytes),
    megabytes(found.peakBytes),
    megabytes(found.processBytes),
    `${whole(found.first.ms)} ms, ${found.first.requests} requests, ${megabytes(found.first.bytesRead)}`,
    `${round(found.p50, 1)} ms, ${megabytes(found.bytesPerQuery)}`,
    found.recall.toFixed(4),
  ];
  return `| ${cells.join(' | ')} |`;
});
const md = [
  '# Collections that Node has written, queried by a Worker',
  '',
  `${machineLine(measuredAt)}; workerd. \`npm run bundle && npm run bench:edge-memory\`. ${queries} queries, k ${K}, \`target_recall\` ${TARGET}.`,
  '',
  '| collection | budget | segments | indexes | peak accounted | workerd in all | first query | query, median | recall@10 |',
  '|---|---|---|---|---|---|---|---|---|',
  ...rows,
  '',
].join('\n');
console.log(md);
writeResults(flags.results, 'edge-memory', { json: { machine: measuredAt, results }, md });
for (const { budget, peakBytes, recall } of results)
  if (peakBytes > budget || recall < TARGET) process.exitCode = 1;
