/**
 * A fresh process that opens a store and asks one query of a collection whose index it has not. Its argument is JSON: `url`, `collection`,
 * `vector`. Sends its parent a `ColdReport`. Wants `--expose-gc`.
 *
 * The yardstick of its memory is the process with the database open: Node, the engine, the SDK, the compiled kernels, the requests of
 * the self-test. Garbage of the start is collected first, because the load could otherwise use its room and seem smaller than it is.
 * The high-water mark of resident memory is set back there, so what is told includes all that comes later, garbage and buffers too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../dist/core/index.js';
import { SentRequests } from './sent-requests.mjs';

/**
 * @typedef {object} ColdReport
 * @property {readonly import('./sent-requests.mjs').SentRequest[]} opening requests of `open`
 * @property {readonly import('./sent-requests.mjs').SentRequest[]} requests of the query
 * @property {number} bytesRead bodies of these
 * @property {string[]} ids found
 * @property {number} ms
 * @property {number} residentBytes of the segments
 * @property {number} segmentBytes
 * @property {{ base: number, peak: number } | undefined} rss resident memory before, and the most; undefined where the system does not tell
 * @property {{ buffers: number, external: number, heap: number }} grown the most that samples saw above the yardstick. `external` has the
 *   index in it, `buffers` what lies in JavaScript's own buffers, such as chunks of bodies
 */

const SETTLE_MS = 200;
const SAMPLE_MS = 1;

const { url, collection: name, vector } = JSON.parse(process.argv[2] ?? '');
const sent = new SentRequests();
const database = await open(url);
const opening = sent.all.length;
/** @type {any} */ (globalThis).gc();
await sleep(SETTLE_MS);

const before = process.memoryUsage();
const grown = { buffers: 0, external: 0, heap: 0 };
const sample = () => {
  const { arrayBuffers, external, heapUsed } = process.memoryUsage();
  grown.buffers = Math.max(grown.buffers, arrayBuffers - before.arrayBuffers);
  grown.external = Math.max(grown.external, external - before.external);
  grown.heap = Math.max(grown.heap, heapUsed - before.heapUsed);
};
const sampler = setInterval(sample, SAMPLE_MS);
const usage = database.storeUsage();
const base = startMark();
const begun = performance.now();

const collection = database.collection(name);
const { matches } = await collection.query({ vector, k: 10, include: [] });

const ms = performance.now() - begun;
const peak = residentBytes('VmHWM');
sample();
clearInterval(sampler);
const requests = sent.all.slice(opening);
const { bytesRead } = database.storeUsage();
const { segments } = await collection.stats();
await database.close();
const total = (/** @type {(segment: typeof segments[0]) => number} */ of) =>
  segments.reduce((sum, segment) => sum + of(segment), 0);
process.send?.({
  ...{ opening: sent.all.slice(0, opening), requests, ms, grown },
  bytesRead: bytesRead - usage.bytesRead,
  ids: matches.map(({ id }) => id),
  residentBytes: total((segment) => segment.residentBytes),
  segmentBytes: total(({ bytes }) => bytes),
  rss: base === undefined || peak === undefined ? undefined : { base, peak },
});

/** Sets the high-water mark back to what is resident now, and gives that back. */
function startMark() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return residentBytes('VmRSS');
  } catch {
    return undefined;
  }
}

/** @param {string} field @returns {number | undefined} */
function residentBytes(field) {
  try {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
      readFileSync('/proc/self/status', 'utf8'),
    )?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
