/**
 * One of the processes that write to one collection. Its argument is JSON, a `WriterPart`. It opens the store, says that it is ready, and
 * begins when it is told. A write whose outcome is open is repeated under its key, with the first tail that the error told.
 */
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SentRequests } from '../../../bench/sent-requests.mjs';
import { isCairnError, open } from '../../../dist/core/index.js';
import { COLLECTION, writesOf } from './planned-writes.mjs';

/**
 * @typedef {object} WriterPart
 * @property {string} url of the store
 * @property {number} writer
 * @property {number} writes
 * @property {number} timeoutMs of a write, shorter than a gateway is away
 */

/**
 * @typedef {object} WrittenOnce
 * @property {string} key
 * @property {number} sequence
 * @property {number} startMs by the wall clock
 * @property {number} ms until it was acknowledged
 * @property {number} tries
 * @property {boolean} inDoubt one of these ended with an unknown outcome
 * @property {Record<string, number>} sent requests by method
 * @property {number} calls of the store's port
 */

/**
 * @typedef {object} WriterReport
 * @property {number} opening requests
 * @property {WrittenOnce[]} written
 * @property {number} repeated keys that were answered before and asked again
 * @property {Record<string, number>} failures by code
 */

const TRIES = 400;
const PAUSE_MS = 250;
const REPEAT_EVERY = 3;

process.on('disconnect', () => process.exit());

/** @type {WriterPart} */
const { url, writer, writes, timeoutMs } = JSON.parse(process.argv[2] ?? '');
const sent = new SentRequests();
const database = await open(url);
const collection = database.collection(COLLECTION);
/** @type {WriterReport} */
const report = { opening: sent.all.length, written: [], repeated: 0, failures: {} };
const go = new Promise((resolve) => process.once('message', resolve));
process.send?.({ is: 'ready' });
await go;

const planned = writesOf(writer, writes);
for (const [at, write] of planned.entries()) {
  report.written.push(await counted(write));
  process.send?.({ is: 'acknowledged' });
  if (at % REPEAT_EVERY === REPEAT_EVERY - 1) await repeatOld(Math.floor(at / 2));
}
await database.close();
process.send?.({ is: 'done', report }, () => process.disconnect());

/** @param {import('./planned-writes.mjs').PlannedWrite} write @returns {Promise<WrittenOnce>} */
async function counted(write) {
  const [startMs, begun] = [Date.now(), performance.now()];
  const [sentBefore, callsBefore] = [sent.all.length, database.storeUsage().requests];
  const { sequence, tries, inDoubt } = await untilAnswered(write);
  /** @type {Record<string, number>} */
  const byMethod = {};
  for (const { method } of sent.all.slice(sentBefore)) byMethod[method] = (byMethod[method] ?? 0) + 1;
  return {
    ...{ key: write.key, sequence, startMs, ms: performance.now() - begun, tries, inDoubt, sent: byMethod },
    calls: database.storeUsage().requests - callsBefore,
  };
}

/** @param {import('./planned-writes.mjs').PlannedWrite} write */
async function untilAnswered({ key, upsert, deleted }) {
  /** @type {number | undefined} */
  let firstTail;
  let inDoubt = false;
  for (let tries = 1; tries <= TRIES; tries++) {
    const again = firstTail === undefined ? {} : { firstTail };
    const options = { idempotencyKey: key, timeoutMs, ...again };
    try {
      const changes = deleted.length === 0 ? { upsert } : { upsert, delete: { ids: deleted } };
      const { sequence } = await collection.write(changes, options);
      return { sequence, tries, inDoubt };
    } catch (error) {
      if (!isCairnError(error) || error.kind !== 'unavailable') throw error;
      report.failures[error.code] = (report.failures[error.code] ?? 0) + 1;
      inDoubt ||= error.outcome === 'unknown';
      const said = error.details['first_tail'];
      if (typeof said === 'number') firstTail = Math.min(said, firstTail ?? said);
    }
    await sleep(PAUSE_MS);
  }
  throw new Error(`${key} was not answered in ${TRIES} tries`);
}

/** The first answer again. @param {number} at */
async function repeatOld(at) {
  const [write, first] = [planned[at], report.written[at]];
  if (write === undefined || first === undefined) return;
  const { sequence } = await untilAnswered(write);
  assert.equal(sequence, first.sequence, `the repeat of ${write.key}`);
  report.repeated++;
}
