/**
 * What clients feel while a collection is compacted, and what a stop in the middle of it leaves:
 *
 *   npm run build && npm run bench:busy
 *   node bench/busy.mjs --rows N --per-second 20 --seconds 20 --target 0.95 --maintenance --results FOLDER
 *
 * 60,000 x 784 are ingested over HTTP into a fresh file store. A client of its own process asks at a steady pace
 * (busy-client.mjs) in four phases: idle; with small writes going on (busy-writer.mjs); with writes, while everything is
 * compacted; idle again, on segments. Printed: p50 and p99 of each and their ratio to idle, whether every answer was right,
 * what became of the writes. The compaction is asked for by a call, or with --maintenance left to a server that is
 * restarted for that phase and does it by itself.
 *
 * Then the same rows in a second store, SIGTERM in the middle of the compaction (--stop-at: share of the time that the
 * first one took), under writes: how long the process takes to end, whether all that was acknowledged is there after a
 * restart, whether exact answers are, and whether compaction goes on.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busyReport } from './busy-report.mjs';
import { stopInTheMiddle } from './busy-stop.mjs';
import { BusyWriter } from './busy-writer.mjs';
import { compactAll, load, statsOf, upsertBodies } from './collection-load.mjs';
import { connect, mustCall } from './http-client.mjs';
import { summaryOf } from './latencies.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, writeResults } from './result-files.mjs';
import { startServer } from './server-process.mjs';

const COLLECTION = 'busy';
const BATCH_ROWS = 5_000;
/** How long a server with maintenance may take until everything is folded. */
const MAINTENANCE_MS = 1_200_000;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string' },
    'per-second': { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
    target: { type: 'string', default: '0.95' },
    'stop-at': { type: 'string', default: '0.4' },
    maintenance: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
});
const less = { rows: flags.rows === undefined ? undefined : Number(flags.rows) };
const quiet = { serveArguments: ['--no-maintenance'] };

/** @param {import('node:child_process').ChildProcess} asker @param {object} message @returns {Promise<any>} */
async function order(asker, message) {
  const answered = once(asker, 'message');
  asker.send(message);
  return (await answered)[0];
}

/**
 * Queries while `work` goes on, and what they found.
 * @param {import('node:child_process').ChildProcess} asker
 * @param {string} url
 * @param {() => Promise<unknown>} work
 * @returns {Promise<import('./busy-client.mjs').Phase>}
 */
async function asking(asker, url, work) {
  const pace = { perSecond: Number(flags['per-second']), target: Number(flags.target) };
  await order(asker, { act: 'begin', url, collection: COLLECTION, ...pace });
  await work();
  return await order(asker, { act: 'end' });
}

/** @param {import('./http-client.mjs').Client} client */
async function untilFolded(client) {
  const started = performance.now();
  const { sequence } = await statsOf(client, COLLECTION);
  while (performance.now() - started < MAINTENANCE_MS) {
    const { log } = await statsOf(client, COLLECTION);
    if (log.folded_sequence >= sequence) return;
    await sleep(500);
  }
  throw new Error(`maintenance has not folded the log in ${MAINTENANCE_MS} ms`);
}

/**
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {string} store
 * @param {import('node:child_process').ChildProcess} asker
 */
async function measurePhases(set, store, asker) {
  const seconds = Number(flags.seconds) * 1_000;
  let server = await startServer({ store, ...quiet });
  let client = connect(server.url);
  let writer = new BusyWriter(set, { url: server.url, collection: COLLECTION });
  try {
    const { dimension, metric } = set;
    await mustCall(client, 'PUT', `/v1/collections/${COLLECTION}`, { dimension, metric });
    const loaded = await load(client, COLLECTION, upsertBodies(set, BATCH_ROWS));
    await asking(asker, server.url, () => sleep(Math.min(3_000, seconds)));
    const idle = await asking(asker, server.url, () => sleep(seconds));
    writer.start();
    const writing = await asking(asker, server.url, () => sleep(seconds));
    const writtenBefore = await writer.stop();
    if (flags.maintenance) {
      client.close();
      await server.stop();
      server = await startServer({ store });
      client = connect(server.url);
      const { next } = writer;
      writer = new BusyWriter(set, { url: server.url, collection: COLLECTION });
      writer.next = next;
    }
    const started = performance.now();
    writer.start();
    const compacting = await asking(asker, server.url, () =>
      flags.maintenance ? untilFolded(client) : compactAll(client, COLLECTION, { underWrites: true }),
    );
    const compactionMs = performance.now() - started;
    const writtenMeanwhile = await writer.stop();
    const stats = await statsOf(client, COLLECTION);
    const after = await asking(asker, server.url, () => sleep(seconds));
    const written = { before: writtenBefore, meanwhile: writtenMeanwhile };
    return { loaded, phases: { idle, writing, compacting, after }, compactionMs, written, stats };
  } finally {
    await writer.stop();
    client.close();
    await server.stop();
  }
}

/** Without the single times. @param {Record<string, import('./busy-client.mjs').Phase>} phases */
function figuresOf(phases) {
  return Object.fromEntries(
    Object.entries(phases).map(([name, { sent, due, exact, ...others }]) => [
      name,
      { ...others, sent: summaryOf(sent), due: summaryOf(due), exact: summaryOf(exact) },
    ]),
  );
}

const folder = mkdtempSync(join(tmpdir(), 'cairn-busy-'));
const asker = fork(fileURLToPath(new URL('./busy-client.mjs', import.meta.url)));
try {
  const prepared = order(asker, { act: 'prepare', less });
  const set = realSet('fashion', less);
  await prepared;
  const ran = machine();
  const phases = await measurePhases(set, `file:${join(folder, 'phases')}`, asker);
  const stop = await stopInTheMiddle(set, {
    store: `file:${join(folder, 'stopped')}`,
    afterMs: phases.compactionMs * Number(flags['stop-at']),
  });
  const found = { set: set.title, target: Number(flags.target), ...phases, stop };
  const md = busyReport(found, machineLine(ran));
  console.log(md);
  writeResults(flags.results, 'busy', { json: { ...ran, ...found, phases: figuresOf(phases.phases) }, md });
} finally {
  asker.kill();
  rmSync(folder, { recursive: true });
}
