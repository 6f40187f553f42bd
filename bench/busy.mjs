/**
 * What clients feel while a collection is compacted, and what a stop in the middle of it leaves:
 *
 *   npm run build && npm run bench:busy
 *   node bench/busy.mjs --way thread|inline|both --rows N --per-second 20 --seconds 30 --target 0.95 --results FOLDER
 *
 * 60,000 x 784 are ingested over HTTP into a fresh file store. A client of its own process asks at a steady pace
 * (busy-client.mjs): of the server that was filled, with small writes going on (busy-writer.mjs). Then of a fresh server on
 * the same log, once its code is warm: idle; with the same writes, while everything is compacted because a call asks for it;
 * idle again, on segments. Idle and compacting are phases of one process on one state, one right after the other. Printed:
 * p50 and p99 of each and their ratio to idle, whether every answer was right, what became of the writes. All of it twice:
 * where the server compacts in its maintenance thread, as it does by default, and where it does so in the thread that
 * serves, as it does with --no-maintenance.
 *
 * Then for each the same rows in a second store, SIGTERM in the middle of the compaction (--stop-at: share of the time that
 * the first one took), under writes: how long the process takes to end, whether all that was acknowledged is there after a
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
import { fillStore, ways } from './busy-store.mjs';
import { BusyWriter } from './busy-writer.mjs';
import { compactAll, statsOf } from './collection-load.mjs';
import { connect } from './http-client.mjs';
import { summaryOf } from './latencies.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, writeResults } from './result-files.mjs';
import { startServer } from './server-process.mjs';

const COLLECTION = 'busy';
/** Queries before a server's first phase: code that is not compiled yet is no part of any. */
const WARM_UP_MS = 8_000;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string' },
    'per-second': { type: 'string', default: '20' },
    seconds: { type: 'string', default: '30' },
    target: { type: 'string', default: '0.95' },
    'stop-at': { type: 'string', default: '0.4' },
    way: { type: 'string', default: 'both' },
    results: { type: 'string' },
  },
});
const less = { rows: flags.rows === undefined ? undefined : Number(flags.rows) };
const seconds = Number(flags.seconds) * 1_000;

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

/**
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {{ folder: string, way: import('./busy-store.mjs').Way, asker: import('node:child_process').ChildProcess }} on
 */
async function measurePhases(set, { folder, way, asker }) {
  const warmUp = Math.min(WARM_UP_MS, seconds);
  const { loaded, done: before } = await fillStore(set, { folder, collection: COLLECTION }, async (url) => {
    await asking(asker, url, () => sleep(warmUp));
    const writer = new BusyWriter(set, { url, collection: COLLECTION });
    writer.start();
    const writing = await asking(asker, url, () => sleep(seconds));
    return { writing, written: await writer.stop(), next: writer.next };
  });
  const server = await startServer({ store: `file:${folder}`, serveArguments: way.serveArguments });
  const client = connect(server.url);
  const writer = new BusyWriter(set, { url: server.url, collection: COLLECTION });
  writer.next = before.next;
  try {
    await asking(asker, server.url, () => sleep(warmUp));
    const idle = await asking(asker, server.url, () => sleep(seconds));
    const started = performance.now();
    writer.start();
    const compacting = await asking(asker, server.url, () =>
      compactAll(client, COLLECTION, { underWrites: true }),
    );
    const compactionMs = performance.now() - started;
    const written = { before: before.written, meanwhile: await writer.stop() };
    // What came in meanwhile, and what the thread may be doing about it.
    await compactAll(client, COLLECTION);
    const stats = await statsOf(client, COLLECTION);
    const after = await asking(asker, server.url, () => sleep(seconds));
    const phases = { writing: before.writing, idle, compacting, after };
    return { loaded, phases, compactionMs, written, stats };
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
  const found = [];
  for (const [name, way] of Object.entries(ways)) {
    if (flags.way !== 'both' && flags.way !== name) continue;
    const phases = await measurePhases(set, { folder: join(folder, name), way, asker });
    const stop = await stopInTheMiddle(set, {
      folder: join(folder, `${name}-stopped`),
      way,
      afterMs: phases.compactionMs * Number(flags['stop-at']),
    });
    found.push({ way: way.title, ...phases, stop });
    rmSync(join(folder, name), { recursive: true });
  }
  const about = { set: set.title, target: Number(flags.target), ranOn: machineLine(ran) };
  const md = busyReport(about, found);
  console.log(md);
  const json = { ...ran, ...about, ways: found.map((one) => ({ ...one, phases: figuresOf(one.phases) })) };
  writeResults(flags.results, 'busy', { json, md });
} finally {
  asker.kill();
  rmSync(folder, { recursive: true });
}
