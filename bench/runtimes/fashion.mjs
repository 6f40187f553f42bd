/**
 * The same job in each of the five runtimes, over the store of its own cloud: the first rows of Fashion-MNIST are ingested,
 * compacted by the platform's scheduled event, and queried.
 *
 *   npm run bundle && npm run bench:runtimes
 *   node bench/runtimes/fashion.mjs --rows 10000 --queries 500 --kinds cloudflare,aws --results FOLDER
 *
 * Each is what is deployed (build/bundles), in the runtime or what emulates it here (hosts.mjs), on the newest line of Node. Requests and bytes are
 * those that the handler counts: by /metrics of the process that answers, and of the scheduled event by the line that it logs. Milliseconds
 * are those of one client, and stores on loopback: they compare operations, not clouds. Recall counts by distance.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { load, statsOf, upsertBodies } from '../collection-load.mjs';
import { connect, mustCall } from '../http-client.mjs';
import { round, whole } from '../latencies.mjs';
import { runQueries, throughHttp } from '../query-runs.mjs';
import { realSet } from '../real-sets.mjs';
import { machine, machineLine, writeResults } from '../result-files.mjs';
import { NeighbourJudge } from '../true-neighbours.mjs';
import { deployedNode, hostNames, kinds, measured, titles, until, withHost } from './hosts.mjs';

const COLLECTION = 'fashion';
/** 2 MB: what every platform takes. */
const BATCH_ROWS = 500;
const PATIENCE_MS = 300_000;
const RECALL_LEAST = 0.99;
const EVENTS_MOST = 5;
const EVENT_MS = 60_000;
const LINE_MS = 80_000;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000' },
    queries: { type: 'string', default: '500' },
    kinds: { type: 'string', default: kinds.join(',') },
    results: { type: 'string' },
  },
});
const set = realSet('fashion', { rows: Number(flags.rows), queries: Number(flags.queries) });
const judge = new NeighbourJudge(set);
const bodies = upsertBodies(set, BATCH_ROWS);
const binary = await deployedNode();

/** @typedef {import('./hosts.mjs').Spent} Spent */
/** @typedef {{ operation: string, times: number, spent: Spent | undefined, ms: number }} Line `times`: calls that `spent` and `ms` are of */

/**
 * Sends the platform's event until all is in segments with graphs. What it spent is in the lines that it logs when it ends. The node
 * server has a clock of its own instead, and begins while rows still come: what came last stays in its log until it is worth folding.
 * @param {import('./hosts.mjs').HostKind} kind
 * @param {import('./hosts.mjs').RuntimeHost} host
 * @param {import('../http-client.mjs').Client} client
 * @returns {Promise<Line>}
 */
async function compactBySchedule(kind, host, client) {
  const started = performance.now();
  const isDone = async () => {
    const { log, segments } = await statsOf(client, COLLECTION);
    const isFolded = kind === 'node' ? segments.length > 0 : log.slots === 0;
    return isFolded && segments.every((/** @type {{ graph: boolean }} */ { graph }) => graph);
  };
  if (kind === 'node') {
    await until(async () => ((await isDone()) ? true : undefined), PATIENCE_MS);
    return {
      operation: 'compact by its own clock',
      times: 1,
      spent: undefined,
      ms: performance.now() - started,
    };
  }
  for (let event = 0; event < EVENTS_MOST; event++) {
    const running = host.schedule();
    running.catch(() => {});
    // An event goes on for a minute behind what it has compacted, to delete what that leaves.
    const isFolded = await until(async () => ((await isDone()) ? true : undefined), EVENT_MS).catch(
      () => false,
    );
    if (!isFolded) continue;
    const ms = performance.now() - started;
    await running;
    const spent = await until(async () => spentBy(host), LINE_MS).catch(() => undefined);
    return { operation: 'compact by the schedule', times: 1, spent: spent && { ...spent, ms }, ms };
  }
  throw new Error(`the log is not folded after ${EVENTS_MOST} events`);
}

/** @param {import('./hosts.mjs').RuntimeHost} host @returns {Omit<Spent, 'ms'> | undefined} */
function spentBy(host) {
  const lines = [...host.printed().matchAll(/\{"level":"info","part":"maintenance".*\}/g)].map(([line]) =>
    JSON.parse(line),
  );
  if (lines.length === 0) return undefined;
  const sum = (/** @type {string} */ name) => lines.reduce((total, line) => total + line[name], 0);
  return { requests: sum('requests'), bytesRead: sum('bytes_read'), bytesWritten: sum('bytes_sent') };
}

/** @param {import('./hosts.mjs').HostKind} kind */
async function measure(kind) {
  return await withHost(kind, binary, async (host, store) => {
    const client = connect(host.url);
    const path = `/v1/collections/${COLLECTION}`;
    const settings = { dimension: set.dimension, metric: set.metric };
    const created = await measured(host, () => mustCall(client, 'PUT', path, settings));
    const ingested = await measured(host, () => load(client, COLLECTION, bodies));
    const compacted = await compactBySchedule(kind, host, client);
    const ask = throughHttp(client, COLLECTION, judge)({ k: 10, target: RECALL_LEAST });
    const first = await measured(host, () => ask(0, { k: 10, target: RECALL_LEAST }));
    const run = await measured(host, () => runQueries(ask, { k: 10, target: RECALL_LEAST }, judge));
    const { segments, log } = await statsOf(client, COLLECTION);
    client.close();
    const asked = set.queries.length / set.dimension + 50;
    return {
      kind,
      store,
      segments: segments.length,
      logSlots: log.slots,
      recall: run.result.recall,
      medianMs: run.result.p50,
      lines: /** @type {Line[]} */ ([
        { operation: 'create', times: 1, spent: created.spent, ms: created.spent.ms },
        { operation: 'upsert 500 rows', times: bodies.length, spent: ingested.spent, ms: ingested.spent.ms },
        compacted,
        { operation: 'first query', times: 1, spent: first.spent, ms: first.spent.ms },
        { operation: 'query', times: asked, spent: run.spent, ms: run.spent.ms },
      ]),
    };
  });
}

/** @param {Awaited<ReturnType<typeof measure>>} found */
function rowsOf({ kind, store, lines, recall, segments, logSlots }) {
  return lines.map(({ operation, times, spent, ms }, at) => {
    const each = (/** @type {number} */ value) => (spent === undefined ? '-' : whole(value / times));
    const cells = [
      at === 0 ? `**${titles[kind]}** (${hostNames[kind]}), ${store}` : '',
      operation,
      each(spent?.requests ?? 0) === '-' ? '-' : round((spent?.requests ?? 0) / times, 1),
      each(spent?.bytesRead ?? 0),
      each(spent?.bytesWritten ?? 0),
      round(ms / times, 1),
      operation === 'query'
        ? `${recall.toFixed(4)} over ${segments} segment${segments === 1 ? '' : 's'} and ${logSlots} slots of log`
        : '',
    ];
    return `| ${cells.join(' | ')} |`;
  });
}

const measuredAt = machine();
const results = [];
for (const kind of kinds.filter((name) => flags.kinds.split(',').includes(name))) {
  const found = await measure(kind);
  results.push(found);
  console.log(`${titles[kind]}: recall@10 ${found.recall.toFixed(4)}, median query ${found.medianMs} ms`);
  if (found.recall < RECALL_LEAST) process.exitCode = 1;
}
const md = [
  '# One job in five runtimes',
  '',
  `${set.title}. ${machineLine(measuredAt)}; handlers on Node 24. \`npm run bundle && npm run bench:runtimes\``,
  '',
  'Requests to the store, bytes and milliseconds of one call. Of the node server the compaction runs in a thread of its own, whose requests',
  'nothing counts. Milliseconds are of one client on loopback, before emulators of the stores.',
  '',
  '| runtime, store | operation | requests | bytes read | bytes written | ms | recall@10 |',
  '|---|---|---|---|---|---|---|',
  ...results.flatMap(rowsOf),
  '',
].join('\n');
console.log(md);
writeResults(flags.results, 'runtimes', { json: { machine: measuredAt, set: set.title, results }, md });
