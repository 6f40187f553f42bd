/**
 * Threads of one process against processes of one thread: what a second thread gives of what a second core has.
 *
 *   npm run build && npm run bench:threads
 *   node bench/threads.mjs --set fashion|clustered|both --rows N --rounds N --ms N --results FOLDER
 *
 * Search: one store, one folded collection. In each round, in turn: two processes without threads, each pinned to a core, at the same
 * time, whose queries per second are added; one process with one thread beside the caller's; one pinned process alone. Each asks the
 * same queries, in batches of 100 and sixteen at a time, k 10, target 0.95, eventual, `include: []`.
 *
 * Build: the graph of the rows, from codes in memory. In each round: one pinned process alone; two pinned ones at the same time, which
 * is what the machine can give; one process of two threads. What is quoted are medians, and of ratios those of each round.
 * `--rows` cuts the generated set, 200,000 by default. Nothing else should run: the load before is in the report.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { open } from '../dist/core/index.js';
import { clusteredSet } from './clustered-set.mjs';
import { realSet } from './real-sets.mjs';
import { machine, machineLine, table, writeResults } from './result-files.mjs';

const child = fileURLToPath(new URL('threads-child.mjs', import.meta.url));
const WAYS = /** @type {const} */ (['batches of 100', '16 at a time']);
const BATCH = 5_000;

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'both' },
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '7' },
    ms: { type: 'string', default: '2000' },
    results: { type: 'string' },
  },
});
const rounds = Number(flags.rounds);

/** @typedef {{ threads: number, core?: number | undefined, job: object }} Started */

class Child {
  /** @param {Started} started */
  constructor({ threads, core, job }) {
    const pinned =
      core === undefined ? {} : { execPath: 'taskset', execArgv: ['-c', `${core}`, process.execPath] };
    this.process = fork(child, [JSON.stringify({ ...job, threads })], pinned);
    // Code and signal.
    this.ended = once(this.process, 'exit');
    this.process.setMaxListeners(0);
  }

  /**
   * @param {object} question
   * @returns {Promise<{ count: number, ms: number, cpuMs: number }>}
   */
  async ask(question) {
    this.process.send(question);
    const [message] = await Promise.race([once(this.process, 'message'), this.ended]);
    if (message === null || typeof message !== 'object') throw new Error('a process of the bench has ended');
    return message;
  }

  async ready() {
    await this.ask({ say: 'prepare' });
    return this;
  }

  async end() {
    this.process.send({ say: 'end' });
    await this.ended;
  }
}

/** @param {readonly number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
/** @param {{ count: number, ms: number }} run */
const perSecond = ({ count, ms }) => (count * 1_000) / ms;

/**
 * A round's figures of one kind of work: pinned processes together and alone, and the threads of one.
 * @param {{ pair: Child[], threaded: Child, question: object }} work
 */
async function measureRound({ pair, threaded, question }) {
  const together = await Promise.all(pair.map((one) => one.ask(question)));
  const threads = await threaded.ask(question);
  const [first] = pair;
  if (first === undefined) throw new Error('no process');
  return { together, threads, alone: await first.ask(question) };
}

/**
 * @param {string} store
 * @param {string} key
 */
async function measureSearch(store, key) {
  const job = { kind: 'search', store, key, rows: Number(flags.rows) };
  const pair = await Promise.all([0, 1].map((core) => new Child({ threads: 0, core, job }).ready()));
  const threaded = await new Child({ threads: 1, job }).ready();
  const found = [];
  for (const way of WAYS) {
    const question = { say: 'go', way, ms: Number(flags.ms) };
    const runs = [];
    for (let round = 0; round <= rounds; round++) {
      const run = await measureRound({ pair, threaded, question });
      // The first warms up.
      if (round > 0) runs.push(run);
    }
    const sums = runs.map(({ together }) => together.reduce((sum, one) => sum + perSecond(one), 0));
    const threads = runs.map((run) => perSecond(run.threads));
    found.push({
      way,
      alone: median(runs.map(({ alone }) => perSecond(alone))),
      processes: median(sums),
      threads: median(threads),
      ratio: median(threads.map((value, i) => value / (sums[i] ?? 1))),
      cpuAlone: median(runs.map(({ alone }) => (alone.cpuMs * 1_000) / alone.count)),
      cpuThreads: median(runs.map((run) => (run.threads.cpuMs * 1_000) / run.threads.count)),
    });
    console.log(`  ${way}: ${JSON.stringify(found.at(-1))}`);
  }
  await Promise.all([...pair, threaded].map((one) => one.end()));
  return found;
}

/** @param {string} key */
async function measureBuild(key) {
  const job = { kind: 'build', key, rows: Number(flags.rows) };
  const pair = await Promise.all([0, 1].map((core) => new Child({ threads: 0, core, job }).ready()));
  const threaded = await new Child({ threads: 1, job }).ready();
  const runs = [];
  for (let round = 0; round < rounds; round++)
    runs.push(await measureRound({ pair, threaded, question: { say: 'go' } }));
  await Promise.all([...pair, threaded].map((one) => one.end()));
  const found = {
    alone: median(runs.map(({ alone }) => alone.ms)),
    together: median(runs.map(({ together }) => Math.max(...together.map(({ ms }) => ms)))),
    threads: median(runs.map((run) => run.threads.ms)),
    // Two graphs in the time of both, against one in that of one.
    machine: median(
      runs.map(({ alone, together }) => (2 * alone.ms) / Math.max(...together.map(({ ms }) => ms))),
    ),
    ratio: median(runs.map((run) => run.alone.ms / run.threads.ms)),
  };
  console.log(`  build: ${JSON.stringify(found)}`);
  return found;
}

/** @param {string} key */
async function measure(key) {
  const set = key === 'clustered' ? clusteredSet(Number(flags.rows)) : realSet(key);
  const { dimension, metric, ids, vectors, title } = set;
  console.log(title);
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-threads-'));
  try {
    const store = `file:${folder}`;
    const database = await open(store);
    const collection = await database.createCollection('bench', { dimension, metric });
    for (let row = 0; row < ids.length; row += BATCH)
      await collection.upsert({
        ids: ids.slice(row, row + BATCH),
        vectors: vectors.subarray(row * dimension, (row + BATCH) * dimension),
      });
    while ((await collection.compact()).segmentsWritten > 0);
    await database.close();
    return { title, search: await measureSearch(store, key), build: await measureBuild(key) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {Awaited<ReturnType<typeof measure>>[]} sets
 * @param {{ before: string, after: string }} load
 */
function report(sets, load) {
  const round = (/** @type {number} */ value) => Math.round(value).toLocaleString('en');
  const parts = sets.map(({ title, search, build }) =>
    [
      `## ${title}`,
      table(
        [
          'queries',
          'one process, QPS',
          'two processes',
          'two threads',
          'threads / processes',
          'µs of processor a query',
          'with threads',
        ],
        search.map((found) => [
          ...[found.way, round(found.alone), round(found.processes), round(found.threads)],
          ...[found.ratio.toFixed(2), found.cpuAlone.toFixed(0), found.cpuThreads.toFixed(0)],
        ]),
      ),
      table(
        ['the graph', 'ms'],
        [
          ['one thread', round(build.alone)],
          ['one thread, beside another such process', round(build.together)],
          ['two threads', round(build.threads)],
        ],
      ),
      `Two threads build ${build.ratio.toFixed(2)} times as fast as one; two processes together ${build.machine.toFixed(2)} times, which is what the machine gave.`,
    ].join('\n\n'),
  );
  return [
    '# Threads',
    `${machineLine(machine())}; load ${load.before} before, ${load.after} after. Made by \`npm run bench:threads\`; what is measured and how is in bench/threads.mjs.`,
    ...parts,
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

if (spawnSync('taskset', ['-V']).status !== 0) {
  console.error('taskset is missing: processes cannot be pinned to cores here');
  process.exit(1);
}
const load = () =>
  loadavg()
    .map((value) => value.toFixed(2))
    .join(' ');
const before = load();
if ((loadavg()[0] ?? 0) > 0.5) console.error(`!!! THE MACHINE IS BUSY (load ${before}): figures say little`);
const sets = [];
for (const key of flags.set === 'both' ? ['fashion', 'clustered'] : [flags.set])
  sets.push(await measure(key));
const after = load();
writeResults(flags.results, 'threads', {
  json: { machine: machine(), load: { before, after }, rounds, sets },
  md: report(sets, { before, after }),
});
