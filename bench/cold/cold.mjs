/**
 * What a query takes of a process that holds nothing, and of one that holds the index, where the bucket is as far away as S3 and
 * R2 are (latency-store.mjs):
 *
 *   npm run build && npm run bench:cold
 *   node bench/cold/cold.mjs --sets 10000x128,1000000x768 --profiles s3,r2 --cold 20 --warm 300 --results FOLDER
 *
 * Sets are generated (cold-set.mjs), euclidean, without metadata, made once and kept below build/ (kept-collection.mjs). k = 10 at the
 * default target, `include: []`.
 *
 * - **cold**: `open`, `collection` and the first query, in a process whose code is loaded and has run; everything else is
 *   dropped each time. What a process start, the modules, the kernel and the self-test of a bucket take is measured by itself.
 * - **new**: strong queries of a database that has loaded the index, none asked before: the pages of raw vectors and ids that they
 *   need are read. **again**: the same queries once more. **eventual**: and once more, without asking what is new.
 *
 * - **--hedge**: cold and new once more with `hedgeReads`, and how many more requests that begins.
 *
 * Processor time is of all threads, and says what a cold query takes of a machine that has nothing else to do; while another process
 * has the cores the times are longer by what it takes. Sets that a run does not measure stay in the results as they are.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { open } from '../../dist/core/index.js';
import { openFileStore } from '../../dist/core/store/adapters/node/index.js';
import { testStore } from '../../dist/core/store/adapters/bucket/index.js';
import { memoryStore } from '../../dist/core/store/index.js';
import { systemClock, systemRandom, systemSleep } from '../../dist/core/system-ports.js';
import { coldReport } from './cold-report.mjs';
import { clustered } from './cold-set.mjs';
import { LatencyStore, profiles } from './latency-store.mjs';
import { COLLECTION, hitsOf, K, keptCollection } from '../kept-collection.mjs';
import { quantile, round } from '../latencies.mjs';
import { machine, resultsHome, writeResults } from '../result-files.mjs';

const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: '10000x128,100000x128,1000000x128,10000x768,100000x768' },
    profiles: { type: 'string', default: 's3,r2' },
    cold: { type: 'string', default: '20' },
    warm: { type: 'string', default: '300' },
    hedge: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
});

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collectGarbage = runInNewContext('gc');

const STARTS = 9;
/** Cold queries that are not counted, in which code is compiled: that of the kernels while they run. */
const WARM_UP = 6;
/** More than the default, so that the index of a million wide rows stays in memory. */
const MEMORY_BYTES = 3 * 2 ** 30;

/**
 * @typedef {object} Times
 * @property {number} count
 * @property {number} p50 milliseconds
 * @property {number} p99
 * @property {number} beyond milliseconds that the median query takes beyond what the model of the store has it wait
 * @property {number} roundTrips of the median query: requests that had to wait for one another
 * @property {number} requests of the median query
 * @property {number} megabytes read by the median query
 */

/** @typedef {import('../kept-collection.mjs').GeneratedSet} GeneratedSet */
/** @typedef {{ ms: number, waitedMs: number, roundTrips: number, requests: number, bytes: number }} Asked */

/**
 * @typedef {object} Measured
 * @property {string} set
 * @property {keyof typeof profiles} profile
 * @property {number} load of the machine, before: processes that want a core
 * @property {Times} cold
 * @property {number} cpuMs processor time of the median cold query
 * @property {number} mostInFlight requests at once, of a cold query
 * @property {Times} new
 * @property {Times} again
 * @property {Times} eventual
 * @property {number} recall
 * @property {{ cold: Times, new: Times, extraPercent: number } | undefined} hedged
 */

/** @param {number[]} values */
const median = (values) => quantile(values, 0.5);

/** @param {readonly Asked[]} asked @returns {Times} */
function timesOf(asked) {
  const ms = asked.map((one) => one.ms);
  return {
    count: asked.length,
    p50: round(median(ms), 2),
    p99: round(quantile(ms, 0.99), 2),
    beyond: round(median(asked.map((one) => one.ms - one.waitedMs)), 2),
    roundTrips: median(asked.map(({ roundTrips }) => roundTrips)),
    requests: median(asked.map(({ requests }) => requests)),
    megabytes: round(median(asked.map(({ bytes }) => bytes)) / 1e6, 2),
  };
}

/**
 * @param {import('../../dist/core/index.js').Database} database
 * @param {GeneratedSet} set @param {number} at @param {'strong' | 'eventual'} consistency
 */
async function ask(database, set, at, consistency) {
  const vector = set.query(at);
  const [before, begun] = [database.storeUsage(), performance.now()];
  const query = { vector, k: K, include: [], consistency };
  const { matches } = await database.collection(COLLECTION).query(query);
  const [ms, after] = [performance.now() - begun, database.storeUsage()];
  return {
    ids: matches.map(({ id }) => id),
    ms,
    roundTrips: after.roundTrips - before.roundTrips,
    requests: after.requests - before.requests,
    bytes: after.bytesRead - before.bytesRead,
  };
}

/**
 * @typedef {object} Far
 * @property {string} folder
 * @property {GeneratedSet} set
 * @property {readonly (readonly number[])[]} neighbours rows of the nearest `K` of each of the first queries
 * @property {keyof typeof profiles} profile
 * @property {boolean} hedgeReads
 */

/** @param {Far} far @param {number} seed */
async function openFar({ folder, profile, hedgeReads }, seed) {
  const store = new LatencyStore(await openFileStore(folder, { create: false }), profile, seed);
  const begun = performance.now();
  const options = { store, hedgeReads, memoryBudgetBytes: MEMORY_BYTES };
  const database = await open(`bench:${profile}`, options);
  return { store, database, openMs: performance.now() - begun };
}

/** @param {Far} far */
async function measureCold(far) {
  /** @type {Asked[]} */
  const asked = [];
  const cpu = [];
  let mostInFlight = 0;
  let requests = 0;
  for (let turn = -WARM_UP; turn < Number(flags.cold); turn++) {
    // What the last one left, which a process that begins does not have.
    collectGarbage();
    const before = process.cpuUsage();
    const { store, database, openMs } = await openFar(far, turn + WARM_UP + 1);
    const answer = await ask(database, far.set, Math.max(0, turn), 'strong');
    const { user, system } = process.cpuUsage(before);
    await database.close();
    if (turn < 0) continue;
    asked.push({ ...answer, ms: openMs + answer.ms, waitedMs: store.modelledMs });
    cpu.push((user + system) / 1_000);
    mostInFlight = Math.max(mostInFlight, store.mostInFlight);
    requests += store.begun;
  }
  return { cold: timesOf(asked), cpuMs: round(median(cpu), 1), mostInFlight, requests };
}

/** @param {Far} far */
async function openWarm(far) {
  const opened = await openFar(far, 1_000);
  await ask(opened.database, far.set, Number(flags.warm), 'strong');
  return opened;
}

/** @param {Awaited<ReturnType<typeof openWarm>>} opened @param {Far} far @param {'strong' | 'eventual'} consistency */
async function askAll({ store, database }, { set, neighbours }, consistency) {
  const asked = [];
  const judged = Math.min(Number(flags.warm), neighbours.length);
  let hits = 0;
  for (let at = 0; at < Number(flags.warm); at++) {
    store.modelledMs = 0;
    const answer = await ask(database, set, at, consistency);
    asked.push({ ...answer, waitedMs: store.modelledMs });
    if (at < judged) hits += hitsOf(answer.ids, neighbours[at] ?? []);
  }
  return { asked, recall: round(hits / (judged * K), 4) };
}

/** Cold queries, then new ones, and how many requests these began. @param {Far} far */
async function measureFirst(far) {
  const { requests, ...cold } = await measureCold(far);
  const opened = await openWarm(far);
  const first = await askAll(opened, far, 'strong');
  const begun = requests + opened.store.begun;
  return { opened, begun, recall: first.recall, measured: { ...cold, new: timesOf(first.asked) } };
}

/** @param {Far} far @returns {Promise<Measured>} */
async function measure(far) {
  const load = round(loadavg()[0] ?? 0, 1);
  const { opened, begun, recall, measured } = await measureFirst(far);
  const again = await askAll(opened, far, 'strong');
  const eventual = await askAll(opened, far, 'eventual');
  await opened.database.close();
  return {
    ...{ set: `${far.set.rows}x${far.set.dimension}`, profile: far.profile, load, ...measured, recall },
    again: timesOf(again.asked),
    eventual: timesOf(eventual.asked),
    hedged: flags.hedge ? await measureHedged(far, begun) : undefined,
  };
}

/** @param {Far} far @param {number} plainly requests that the same queries began without hedging */
async function measureHedged(far, plainly) {
  const { opened, begun, measured } = await measureFirst({ ...far, hedgeReads: true });
  await opened.database.close();
  const { cold, new: first } = measured;
  return { cold, new: first, extraPercent: round((begun / plainly - 1) * 100, 2) };
}

/** @param {number} rows @param {number} dimension @returns {Promise<Measured[]>} */
async function measureSet(rows, dimension) {
  const { folder, set, neighbours } = await keptCollection(clustered(dimension), rows, { rebuild: false });
  const found = [];
  for (const name of flags.profiles.split(',')) {
    if (!Object.hasOwn(profiles, name))
      throw new Error(`profile ${name} is none of ${Object.keys(profiles).join(', ')}`);
    const profile = /** @type {keyof typeof profiles} */ (name);
    const measured = await measure({ folder, set, neighbours, profile, hedgeReads: false });
    console.log(JSON.stringify(measured));
    found.push(measured);
  }
  return found;
}

/** What comes before the first query of a process: medians in milliseconds. */
async function measureStarts() {
  const door = fileURLToPath(new URL('../../dist/core/index.js', import.meta.url));
  const steps =
    `const from = performance.now(); const { open } = await import(${JSON.stringify(door)});` +
    "const loaded = performance.now(); await open('memory:');" +
    'console.log(JSON.stringify([loaded - from, performance.now() - loaded]));';
  const runs = Array.from({ length: STARTS }, () => {
    const begun = performance.now();
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', steps]);
    const whole = performance.now() - begun;
    const [modules = 0, opening = 0] = JSON.parse(String(stdout));
    return { process: whole - modules - opening, modules, opening };
  });
  const selfTests = Object.fromEntries(
    await Promise.all(
      /** @type {(keyof typeof profiles)[]} */ (Object.keys(profiles)).map(async (profile) => {
        const ms = [];
        for (let turn = 0; turn < STARTS; turn++) {
          const store = new LatencyStore(memoryStore({ clock: systemClock }), profile, turn);
          const ports = { clock: systemClock, random: systemRandom, sleep: systemSleep };
          const begun = performance.now();
          await testStore({ store, ports, stale: /** @type {any} */ ('never') });
          ms.push(performance.now() - begun);
        }
        return [profile, round(median(ms), 1)];
      }),
    ),
  );
  return {
    process: round(median(runs.map((run) => run.process)), 1),
    modules: round(median(runs.map(({ modules }) => modules)), 1),
    open: round(median(runs.map(({ opening }) => opening)), 1),
    selfTests,
  };
}

/** @param {Measured} a @param {Measured} b */
function bySize(a, b) {
  const [[rowsA = 0, widthA = 0], [rowsB = 0, widthB = 0]] = [a, b].map(({ set }) =>
    set.split('x').map(Number),
  );
  return widthA - widthB || rowsA - rowsB || (a.profile < b.profile ? 1 : -1);
}

/** @returns {Measured[]} */
function knownResults() {
  const path = join(flags.results === undefined ? resultsHome : resolve(flags.results), 'cold.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).measured : [];
}

// Keeps the kernel's compiled code, which the engine of the host shares among all who compile the same bytes.
const kept = await open('memory:');
try {
  const starts = await measureStarts();
  /** @type {Measured[]} */
  const found = [];
  for (const name of flags.sets.split(',')) {
    const [rows = 0, dimension = 0] = name.split('x').map(Number);
    if (!(rows > 0 && dimension > 0)) throw new Error(`a set is ROWSxDIMENSION, not ${name}`);
    found.push(...(await measureSet(rows, dimension)));
  }
  const others = knownResults().filter(
    (known) => !found.some(({ set, profile }) => set === known.set && profile === known.profile),
  );
  const json = { machine: machine(), profiles, starts, measured: [...others, ...found].sort(bySize) };
  writeResults(flags.results, 'cold', { json, md: coldReport(json) });
} finally {
  await kept.close();
}
