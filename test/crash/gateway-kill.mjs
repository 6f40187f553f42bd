/**
 * kill -9 of an S3 gateway under many processes that write to one collection:
 *
 *   npm run build && npm run crash:gateway -- --writers 32 --writes 4
 *
 * Strategy: a Ceph on loopback, and a collection in a bucket of it. Each writer is a process of its own (writer-child.mjs), which writes as fast as
 * it can what is planned (planned-writes.mjs): each write under a key, some keys asked again later, some asked by two processes at once. In the
 * middle a gateway is killed with SIGKILL, in whatever requests it is then, and started again some seconds later, which is longer than a write
 * waits for its end: outcomes are left open, and repeats settle them. Then once more with half of the writers at each of two gateways, of which one
 * is killed. In the end a fresh process reads through each gateway:
 *
 *   - the scan is exactly what was planned: every record once, with its vector and document; none lost, none besides, none that came back
 *   - of every key each answer named one sequence, and the log has the key there first: in a slot whose sequence no other has, with none missing
 *   - the log holds as many rows as the keys have: none had two effects
 *   - a check of the whole store finds no error
 *
 * What a kill meets is up to the machine.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { quantile } from '../../bench/latencies.mjs';
import { open } from '../../dist/core/index.js';
import { startBundledCluster } from '../engines/ceph/bundled-cluster.mjs';
import { newBucket, s3Url } from '../engines/ceph/new-bucket.mjs';
import { logSlots } from './gateway-kill/log-slots.mjs';
import { COLLECTION, DIMENSION, recordsAfter, writesOf } from './gateway-kill/planned-writes.mjs';

/** @typedef {import('./gateway-kill/writer-child.mjs').WriterReport} WriterReport */
/** @typedef {import('./gateway-kill/writer-child.mjs').WrittenOnce} WrittenOnce */
/** @typedef {import('./gateway-kill/reader-child.mjs').ReaderReport} ReaderReport */

/**
 * @typedef {object} GatewayKillOptions
 * @property {import('../engines/ceph/cluster.js').Cluster} cluster
 * @property {number} gateways that are written through
 * @property {number} writers
 * @property {number} writes of each
 * @property {(line: string) => void} [say]
 */

/**
 * @typedef {object} GatewayKillReport
 * @property {number} writes planned, by distinct keys
 * @property {number} acknowledged answers: more, where two processes had one key
 * @property {number} inDoubt of these, after an outcome that was left open
 * @property {number} repeated keys that were answered before and asked again
 * @property {number} slots
 * @property {number} carried batches that another process put into its slot
 * @property {number} twice places in the log of keys that were there already, which count for nothing
 * @property {Record<string, number>} failures by code
 * @property {Record<string, number>} sent requests by method, of all acknowledged writes
 * @property {number} calls of the store's port
 * @property {number} opening requests of a process until it could write
 * @property {number} records in the end
 * @property {number} ms from the first write to the last answer
 * @property {number[]} calmMs of writes that no outage fell into
 * @property {number[]} allMs
 */

const children = fileURLToPath(new URL('gateway-kill/', import.meta.url));
/** Of the answers, after which the gateway dies. */
const KILL_AT = 0.4;
/** On two cores, which all of them and the store share, a write waits for many requests of the others. */
const TIMEOUT_MS_PER_WRITER = 300;
/** So that every write that the kill meets ends with an open outcome. */
const LONGER_DOWN_MS = 1_500;

/** @param {GatewayKillOptions} options @returns {Promise<GatewayKillReport>} throws where anything is lost, doubled or besides */
export async function killGateway(options) {
  const { cluster, gateways, writers, writes, say = () => {} } = options;
  const timeoutMs = TIMEOUT_MS_PER_WRITER * writers;
  const downMs = timeoutMs + LONGER_DOWN_MS;
  const [first = ''] = cluster.gateways;
  const bucket = await newBucket(first, 'killed');
  const urls = cluster.gateways.slice(0, gateways).map((endpoint) => s3Url(bucket, endpoint));
  const urlOf = (/** @type {number} */ writer) => urls.at(writer % urls.length) ?? '';
  await createCollection(urlOf(0));
  const all = Array.from(
    { length: writers },
    (_, writer) => new Writer({ url: urlOf(writer), writer, writes, timeoutMs }),
  );
  try {
    await Promise.all(all.map(({ ready }) => ready));
    say(`${writers} processes are ready, ${gateways === 1 ? 'at one gateway' : `at ${gateways} gateways`}`);
    const begunMs = Date.now();
    const done = Promise.all(all.map((writer) => writer.run()));
    const acknowledged = () => all.reduce((sum, writer) => sum + writer.acknowledged, 0);
    const outage = killOnce(cluster, {
      due: () => acknowledged() >= KILL_AT * writers * writes,
      downMs,
      done,
      say,
    });
    const [reports, away] = await Promise.all([done, outage]);
    const ms = Date.now() - begunMs;
    const slots = await logSlots(urlOf(0));
    mustMatchLog(reports, slots);
    const records = await mustHoldAll(urls, { writers, writes });
    return { ...figuresOf(reports, slots, away), ms, records };
  } finally {
    for (const writer of all) writer.end();
  }
}

/** @param {string} url */
async function createCollection(url) {
  const database = await open(url);
  await database.createCollection(COLLECTION, { dimension: DIMENSION, metric: 'euclidean' });
  await database.close();
}

/** A process that writes, from here. */
class Writer {
  acknowledged = 0;
  #process;
  /** @type {Promise<void>} */
  ready;
  /** @type {Promise<WriterReport>} */
  #done;

  /** @param {import('./gateway-kill/writer-child.mjs').WriterPart} part */
  constructor(part) {
    this.#process = fork(`${children}writer-child.mjs`, [JSON.stringify(part)]);
    const gone = new Promise((_, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code, signal) =>
        reject(new Error(`writer ${part.writer} ended: ${code ?? signal}`)),
      );
    });
    gone.catch(() => {});
    /** @type {(is: string) => Promise<any>} */
    const said = (is) =>
      new Promise((resolve) =>
        this.#process.on('message', (/** @type {any} */ word) => word.is === is && resolve(word)),
      );
    this.#process.on('message', (/** @type {any} */ word) => {
      if (word.is === 'acknowledged') this.acknowledged++;
    });
    this.ready = Promise.race([said('ready'), gone]);
    this.#done = Promise.race([said('done').then(({ report }) => report), gone]);
    this.#done.catch(() => {});
  }

  run() {
    this.#process.send('go');
    return this.#done;
  }

  end() {
    this.#process.kill('SIGKILL');
  }
}

/**
 * @param {import('../engines/ceph/cluster.js').Cluster} cluster
 * @param {{ due: () => boolean, downMs: number, done: Promise<unknown>, say: (line: string) => void }} options
 * @returns {Promise<{ fromMs: number, toMs: number }>} while the gateway was away
 */
async function killOnce(cluster, { due, downMs, done, say }) {
  while (!due()) await Promise.race([sleep(5), done.then(writersAreDone)]);
  const fromMs = Date.now();
  await cluster.killGateway(0);
  await sleep(downMs);
  await cluster.startGateway(0);
  const toMs = Date.now();
  say(`gateway 0 was killed and answered again after ${toMs - fromMs} ms`);
  return { fromMs, toMs };
}

/** @returns {never} */
function writersAreDone() {
  throw new Error('the writers were done before the gateway was killed');
}

/** Of every key one sequence was told, and the log has it there first. @param {readonly WriterReport[]} reports @param {readonly import('./gateway-kill/log-slots.mjs').LogSlot[]} slots */
function mustMatchLog(reports, slots) {
  slots.forEach(({ sequence }, at) => assert.equal(sequence, at + 1, 'sequences of the slots, none missing'));
  /** @type {Map<string, number>} */
  const firstPlace = new Map();
  for (const { sequence, batches } of slots)
    for (const { keyHash } of batches) if (!firstPlace.has(keyHash)) firstPlace.set(keyHash, sequence);
  const keys = new Set();
  for (const { written } of reports) {
    let last = 0;
    for (const { key, sequence } of written) {
      const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
      assert.equal(sequence, firstPlace.get(hash), `the sequence of ${key}`);
      // One that two processes ask may be older than the last of the one that comes later.
      if (key.startsWith('writer-')) assert.ok(sequence > last, `${key}: sequence ${sequence} after ${last}`);
      last = Math.max(last, sequence);
      keys.add(hash);
    }
  }
  assert.equal(firstPlace.size, keys.size, 'keys in the log are those that were asked');
}

/** @param {readonly string[]} urls @param {{ writers: number, writes: number }} planned @returns {Promise<number>} records */
async function mustHoldAll(urls, { writers, writes }) {
  const expected = recordsAfter(writers, writes);
  const planned = Array.from({ length: writers }, (_, writer) => writesOf(writer, writes)).flat();
  const rows = [...new Map(planned.map(({ key, upsert }) => [key, upsert.length])).values()];
  for (const url of urls) {
    const { records, count, stats, scrubErrors } = await readAll(url);
    assert.equal(new Set(records.map(({ id }) => id)).size, records.length, 'an id comes once');
    for (const { id, vector, metadata } of records) {
      assert.ok(expected.has(id), `record ${id} was not written, or was deleted`);
      assert.deepEqual({ id, vector, metadata }, expected.get(id));
    }
    assert.equal(records.length, expected.size, 'records');
    assert.equal(count, expected.size, 'records that are counted');
    assert.equal(
      stats.log.foldedSequence,
      0,
      'nothing is folded, so that rows of the log can be counted: fewer writes, please',
    );
    assert.equal(
      stats.memory.rows,
      rows.reduce((sum, each) => sum + each, 0),
      'rows in the log: one effect per key',
    );
    assert.equal(scrubErrors, 0, 'a check of the whole store finds no error');
  }
  return expected.size;
}

/** @param {string} url @returns {Promise<ReaderReport>} */
async function readAll(url) {
  const reader = fork(`${children}reader-child.mjs`, [url]);
  return await new Promise((resolve, reject) => {
    reader.once('message', (report) => resolve(/** @type {ReaderReport} */ (report)));
    reader.once('error', reject);
    reader.once('exit', (code, signal) => reject(new Error(`the reader ended with ${code ?? signal}`)));
  });
}

/**
 * @param {readonly WriterReport[]} reports
 * @param {readonly import('./gateway-kill/log-slots.mjs').LogSlot[]} slots
 * @param {{ fromMs: number, toMs: number }} away
 */
function figuresOf(reports, slots, away) {
  const written = reports.flatMap((report) => report.written);
  const writes = new Set(written.map(({ key }) => key)).size;
  const batches = slots.flatMap((slot) => slot.batches);
  const calm = written.filter(({ startMs, ms }) => startMs > away.toMs || startMs + ms < away.fromMs);
  return {
    writes,
    acknowledged: written.length,
    inDoubt: written.filter(({ inDoubt }) => inDoubt).length,
    repeated: reports.reduce((sum, { repeated }) => sum + repeated, 0),
    slots: slots.length,
    carried: batches.filter(({ carried }) => carried).length,
    twice: batches.length - writes,
    failures: addUp(reports.map(({ failures }) => failures)),
    sent: addUp(written.map(({ sent }) => sent)),
    calls: written.reduce((sum, { calls }) => sum + calls, 0),
    opening: reports.reduce((sum, { opening }) => sum + opening, 0) / reports.length,
    calmMs: calm.map(({ ms }) => ms),
    allMs: written.map(({ ms }) => ms),
  };
}

/** @param {readonly Record<string, number>[]} tallies */
function addUp(tallies) {
  /** @type {Record<string, number>} */
  const total = {};
  for (const tally of tallies)
    for (const [name, count] of Object.entries(tally)) total[name] = (total[name] ?? 0) + count;
  return total;
}

/** @param {GatewayKillReport} report @returns {readonly string[]} */
export function linesOf(report) {
  const {
    writes,
    acknowledged,
    inDoubt,
    repeated,
    slots,
    carried,
    twice,
    failures,
    sent,
    calls,
    records,
    ms,
  } = report;
  const each = (/** @type {number} */ count) => (count / acknowledged).toFixed(1);
  const quantiles = (/** @type {readonly number[]} */ times) =>
    `${quantile(times, 0.5).toFixed(0)} / ${quantile(times, 0.99).toFixed(0)} ms`;
  const requests = Object.values(sent).reduce((sum, count) => sum + count, 0);
  const byMethod = Object.entries(sent).map(([method, count]) => `${each(count)} ${method}`);
  const codes = Object.entries(failures).map(([code, count]) => `${count} ${code}`);
  return [
    `${writes} writes in ${(ms / 1_000).toFixed(1)} s, ${acknowledged} answers; ${inDoubt} were in doubt, and resolved; ${repeated} old keys repeated`,
    `errors on the way: ${codes.length === 0 ? 'none' : codes.join(', ')}`,
    `${slots} slots: ${(writes / slots).toFixed(1)} writes in each, ${carried} carried for another process, ${twice} in the log twice and counted once`,
    `${each(requests)} requests per write (${byMethod.join(', ')}), ${each(calls)} calls of the port; ${report.opening.toFixed(0)} requests to open`,
    `p50 / p99 of a write ${quantiles(report.allMs)}; of ${report.calmMs.length} that the outage did not fall into ${quantiles(report.calmMs)}`,
    `${records} records: all there, none doubled, none besides; scrub finds no error`,
  ];
}

async function main() {
  const { values: flags } = parseArgs({
    options: { writers: { type: 'string', default: '32' }, writes: { type: 'string', default: '4' } },
  });
  // eslint-disable-next-line no-console
  const say = (/** @type {string} */ line) => console.log(line);
  say(`npm run crash:gateway -- --writers ${flags.writers} --writes ${flags.writes}`);
  const cluster = await startBundledCluster();
  try {
    for (const gateways of [1, 2]) {
      const options = {
        cluster,
        gateways,
        writers: Number(flags.writers),
        writes: Number(flags.writes),
        say,
      };
      for (const line of linesOf(await killGateway(options))) say(`  ${line}`);
    }
  } finally {
    await cluster.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
