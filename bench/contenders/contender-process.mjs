/**
 * The process of one contender, which does what its parent (contender-child.mjs) asks over IPC, one thing at a time:
 *
 *   build   makes the index and leaves it in the folder: { loadSeconds?, buildSeconds }
 *   open    opens it and warms up: { note?, built?, residentBytes, memory? }
 *   sweep   every effort once: { points, answers? }, where answers are rows or ids of each query at each effort;
 *           each query under its filter, where filters are given
 *   close   and ends
 *
 *   node --expose-gc contender-process.mjs CONTENDER INPUT FOLDER
 *
 * Resident bytes are what the process has grown by since before `open`, both after a garbage collection: the queries are there and the
 * library's code is loaded (and compiled, where that is V8's work) before, and V8's young generation, which any program
 * fills, is as large as it gets.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { vectorAt } from '../real-sets.mjs';
import { quantile, round } from '../latencies.mjs';
import { mustBeContender } from './contender.mjs';
import { readDocuments, readFields, readIds, readShape, readVectors } from './input-files.mjs';

/** Until V8 has compiled what is hot, and whatever is loaded at first use is loaded. */
const WARM_UP = 3_000;
/** Before each effort, of whatever kind the library is: others had the core and its caches meanwhile. */
const WARM_UP_EFFORT = 500;
const YOUNG_OBJECTS = 4_000_000;
const HELD_OBJECTS = 100_000;
const COLLECTIONS = 3;
const COLLECTION_MS = 100;

/** @typedef {import('./contender.mjs').Effort} Effort */
/** One for each query. @typedef {readonly string[] | undefined} Filters */

const [key = '', input = '', folder = ''] = process.argv.slice(2);
const contender = mustBeContender(key);
const shape = { ...readShape(input), input, folder };
const { efforts = [], found = (answer) => answer, asked = (vector) => vector } = contender;

/** @type {any} */
let library;
/** @type {import('./contender.mjs').Opened} */
let opened;
/** @type {readonly any[]} */
let queries = [];

function readQueries() {
  const { dimension, metric } = shape;
  const vectors = readVectors(input, 'queries');
  const count = Math.min(contender.queries ?? Infinity, vectors.length / dimension);
  return Array.from({ length: count }, (_, at) => asked(vectorAt(vectors, dimension, at).slice(), metric));
}

/** Buffers that a collection finds dead are given back in a later turn of the event loop, or by the next collection. */
async function residentBytes() {
  for (let pass = 0; pass < COLLECTIONS; pass++) {
    globalThis.gc?.();
    await sleep(COLLECTION_MS);
  }
  return process.memoryUsage.rss();
}

/** Short-lived objects, some of which outlive a collection or two: the young generation grows to its full size. */
function fillYoungGeneration() {
  /** @type {{ number: number }[]} */
  let held = [];
  for (let number = 0; number < YOUNG_OBJECTS; number++) {
    held.push({ number });
    if (held.length === HELD_OBJECTS) held = [];
  }
}

/** @param {Effort} effort @param {number} count @param {readonly any[]} asking @param {Filters} [filters] */
async function ask(effort, count, asking, filters) {
  for (let at = 0; at < count; at++) {
    const query = at % asking.length;
    await opened.search?.(asking[query], effort, filters?.[query]);
  }
}

/** At an effort of those in the middle. */
async function warmUp() {
  const effort = efforts[Math.floor(efforts.length / 2)];
  if (effort === undefined) return;
  await opened.prepare?.(effort);
  await ask(effort, contender.warmUp ?? WARM_UP, queries);
}

/** @param {Effort} effort @param {readonly any[]} asking @param {Filters} filters */
async function measure(effort, asking, filters) {
  await opened.prepare?.(effort);
  await ask(effort, Math.min(WARM_UP_EFFORT, asking.length), asking, filters);
  /** @type {number[]} */
  const times = [];
  const answers = [];
  for (const [at, query] of asking.entries()) {
    const filter = filters?.[at];
    const started = performance.now();
    const sent = opened.search?.(query, effort, filter);
    // Waiting for what is no promise would cost a tick that the library does not take.
    const settled = sent instanceof Promise ? await sent : sent;
    times.push(performance.now() - started);
    answers.push(settled);
  }
  const total = times.reduce((sum, ms) => sum + ms, 0);
  const quantileUs = (/** @type {number} */ share) => round(quantile(times, share) * 1_000, 1);
  const rerank = await opened.rerank?.(asking[0], effort);
  const point = {
    ...(rerank === undefined ? {} : { rerank }),
    ...{ effort, qps: round((times.length / total) * 1_000, 1) },
    ...{ p50us: quantileUs(0.5), p99us: quantileUs(0.99) },
  };
  return { point, answers: answers.map((one) => [...found(one)]) };
}

const calls = {
  build: () => {
    const rows = { ids: readIds(input), vectors: readVectors(input, 'vectors') };
    const about = { documents: readDocuments(input), fields: readFields(input) };
    return contender.build?.({ ...shape, ...rows, ...about }, library);
  },
  open: async () => {
    if (efforts.length > 0) queries = readQueries();
    fillYoungGeneration();
    const before = await residentBytes();
    opened = await contender.open(shape, library);
    await warmUp();
    const { note, built, residentBytes: own } = opened;
    const memory = await opened.memory?.();
    return { note, built, residentBytes: own ?? (await residentBytes()) - before, memory };
  },
  /** @param {import('./contender-child.mjs').SweepOptions} options */
  sweep: async ({ withAnswers, sweeping = efforts, count = queries.length, filters }) => {
    if (opened.sweep !== undefined) return { points: await opened.sweep() };
    // While others had their turns, V8 gave up what it had compiled.
    await warmUp();
    const points = [];
    const answers = [];
    for (const effort of sweeping) {
      const measured = await measure(effort, queries.slice(0, count), filters);
      points.push(measured.point);
      answers.push(measured.answers);
    }
    return withAnswers ? { points, answers } : { points };
  },
  close: async () => void (await opened?.close()),
};

/** @typedef {typeof calls} Calls */

/** @param {{ call: keyof Calls, options: any }} message */
async function answerTo({ call, options }) {
  try {
    // Not when this file is loaded: what fails here is an answer.
    library ??= await contender.load?.();
    process.send?.({ result: (await calls[call](options)) ?? {} });
    if (call === 'close') process.disconnect();
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) });
  }
}

process.on('message', (/** @type {Parameters<typeof answerTo>[0]} */ message) => void answerTo(message));
// The parent went: nobody asks any more, and a library may keep threads that would.
process.on('disconnect', () => process.exit());
