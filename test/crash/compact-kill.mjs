/**
 * kill -9 of a server in the middle of compactions, under writing clients:
 *
 *   npm run build && npm run crash:compact -- --kills 20 --seed 1
 *
 * Strategy: a collection of 10,000 base records over a file store. Clients write to it at a moderate pace, each request
 * under a key of its own and repeated under that key until it is answered (server-kill-client.mjs); a further one calls
 * `compact` again and again. Before each kill a quarter of the base records is written anew, so that there is something
 * to fold, and to drop from older segments. The server is killed at a random moment of a compaction: a random share of the
 * time that the last ones took, after it was called. After each kill:
 *
 *   - the jobs that the head still lists are taken for dead, as they would be an hour later, and a server is started
 *   - before any client goes on, a full scan holds every acknowledged record as it was written, and nothing besides; a
 *     request that was cut off has had its whole effect, or none
 *
 * In the end everything is compacted, and `cairn collect` run until it deletes nothing. Then the scan is exactly what was
 * acknowledged, and every object under seg/ is named by the head and every one that it names is there, no more slots lie
 * in the log than are not folded and the highest one, and `cairn stats` names the same segments.
 *
 * The seed decides what is written and the shares; what a kill meets is up to the machine.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compactAll } from '../../bench/collection-load.mjs';
import { mustCall } from '../../bench/http-client.mjs';
import { quantile } from '../../bench/latencies.mjs';
import { randomFrom } from '../../bench/random.mjs';
import { startServer } from '../../bench/server-process.mjs';
import { storedFiles } from '../../bench/store-files.mjs';
import { limits, open } from '../../dist/core/index.js';
import { systemClock, systemSleep } from '../../dist/core/system-ports.js';
import { BaseRecords } from './base-records.mjs';
import { mustHoldWrites } from './acknowledged.mjs';
import { COLLECTION, KillClient } from './server-kill-client.mjs';
import { ServerLine, withClient } from './server-line.mjs';
import { headOf, removeJobs } from './store-inspection.mjs';

/**
 * @typedef {object} CompactKillOptions
 * @property {number} kills
 * @property {number} seed
 * @property {number} [clients]
 * @property {number} [rows] base records
 * @property {number} [dimension]
 * @property {boolean} [skipFence] do not wait in real time for what the collector waits; nothing else has the store open
 * @property {(line: string) => void} [say]
 */

/**
 * @typedef {object} CompactKillReport
 * @property {number} kills
 * @property {number} killsInCompaction with a call of compact under way
 * @property {number} jobsLeft that kills left in the head
 * @property {number} compactions that did something and were answered
 * @property {number} records in the end
 * @property {number} acknowledged writes
 * @property {number} segments in the end
 * @property {number} collected objects
 * @property {number[]} restartMs
 */

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const path = `/v1/collections/${COLLECTION}`;
const quiet = ['--no-maintenance'];
const clientPauseMs = 150;
const patienceMs = 10_000;
const typicalMs = { atFirst: 1_000, kept: 5 };
const collections = 4;

/** Calls compact until there is no more need to, and knows since when a call has been under way. */
class CompactingClient {
  constructor() {
    this.compactions = 0;
    /** @type {number | undefined} */
    this.since = undefined;
    /** @type {number[]} */
    this.tookMs = [];
  }

  /** @param {ServerLine} line */
  async run(line) {
    const calls = line.forClient(5);
    while (!line.ended()) {
      await line.up;
      this.since = performance.now();
      const answer = await calls.call(`${path}/compact`, {}, {}).catch(() => undefined);
      const took = performance.now() - this.since;
      this.since = undefined;
      if (answer === undefined || answer.status === 503) continue;
      assert.equal(answer.status, 200, `compact: ${JSON.stringify(answer.json)}`);
      const { folded_slots: folded, segments_written: written, segments_merged: merged } = answer.json;
      if (folded + written + merged === 0) continue;
      this.compactions++;
      this.tookMs = [took, ...this.tookMs].slice(0, typicalMs.kept);
    }
    calls.close();
  }

  /** What a compaction takes that has something to do. */
  get typicalMs() {
    return this.tookMs.length === 0 ? typicalMs.atFirst : quantile(this.tookMs, 0.5);
  }
}

/**
 * @param {CompactKillOptions} options
 * @returns {Promise<CompactKillReport>} throws where anything is lost, doubled, besides or left behind
 */
export async function killCompactions(options) {
  const { kills, seed, clients: count = 4, rows = 10_000, dimension = 64, say = () => {} } = options;
  const folder = await mkdtemp(join(tmpdir(), 'cairn-compact-kill-'));
  const store = `file:${folder}`;
  const line = new ServerLine(await startServer({ store, serveArguments: quiet }));
  const base = new BaseRecords({ rows, dimension, seed });
  const clients = Array.from({ length: count }, (_, number) => new KillClient(number, seed, dimension));
  const lines = clients.map(() => line.forClient(clientPauseMs));
  try {
    await withClient(line, async (client) => {
      await mustCall(client, 'PUT', path, { dimension, metric: 'euclidean' });
      await base.writeAll(client, path);
    });
    const compacting = new CompactingClient();
    const running = Promise.all([
      compacting.run(line),
      ...clients.map((client, at) => client.run(/** @type {any} */ (lines[at]))),
    ]);
    // A client that finds something wrong ends the run.
    running.catch(() => (line.over = true));
    const killed = await killAgainAndAgain(line, {
      folder,
      store,
      kills,
      seed,
      base,
      clients,
      compacting,
      say,
    });
    line.over = true;
    await running;
    await withClient(line, async (client) => {
      await mustHoldWrites(client, COLLECTION, { base, clients });
      await compactAll(client, COLLECTION);
      await mustHoldWrites(client, COLLECTION, { base, clients });
    });
    await line.server.stop();
    const jobsInTheEnd = await removeJobs(folder);
    assert.equal(jobsInTheEnd, 0, 'compactions that were answered, or ended by SIGTERM, leave no job');
    const collected = await collectAll(store, options.skipFence === true);
    line.server = await startServer({ store, serveArguments: quiet });
    const records = await withClient(line, (client) => mustHoldWrites(client, COLLECTION, { base, clients }));
    await line.server.stop();
    const segments = await mustHoldNoGarbage(folder, store);
    return {
      ...{ kills, ...killed, records, segments, collected, compactions: compacting.compactions },
      acknowledged: clients.reduce((sum, { report }) => sum + report.answered.length, base.acknowledged),
    };
  } finally {
    line.over = true;
    for (const { close } of lines) close();
    if (line.server.running()) await line.server.stop('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {ServerLine} line
 * @param {object} run
 * @param {string} run.folder
 * @param {string} run.store
 * @param {number} run.kills
 * @param {number} run.seed
 * @param {BaseRecords} run.base
 * @param {readonly KillClient[]} run.clients
 * @param {CompactingClient} run.compacting
 * @param {(line: string) => void} run.say
 */
async function killAgainAndAgain(line, { folder, store, kills, seed, base, clients, compacting, say }) {
  const random = randomFrom(seed);
  const restartMs = [];
  let killsInCompaction = 0;
  let jobsLeft = 0;
  for (let kill = 0; kill < kills && !line.over; kill++) {
    await withClient(line, (client) => base.writeSome(client, path));
    const share = random();
    await untilCompacting(line, compacting, share * compacting.typicalMs);
    const sinceMs = compacting.since === undefined ? undefined : performance.now() - compacting.since;
    if (sinceMs !== undefined) killsInCompaction++;
    const raise = line.down();
    await line.server.stop('SIGKILL');
    const jobs = await removeJobs(folder);
    jobsLeft += jobs;
    line.server = await startServer({ store, serveArguments: quiet });
    restartMs.push(line.server.readyMs);
    const records = await withClient(line, (client) => mustHoldWrites(client, COLLECTION, { base, clients }));
    raise();
    say(
      `kill ${kill + 1} of ${kills}: ${sinceMs === undefined ? 'no compaction under way' : `${sinceMs.toFixed(0)} ms into a compaction`}` +
        ` (they take ${compacting.typicalMs.toFixed(0)}), ${jobs} jobs left in the head; ${records} records, all there`,
    );
  }
  return { restartMs, killsInCompaction, jobsLeft };
}

/** Until a call of compact has been under way for so long. One that is over sooner is followed by another. @param {ServerLine} line @param {CompactingClient} compacting @param {number} ms */
async function untilCompacting(line, compacting, ms) {
  const until = performance.now() + patienceMs;
  while (!line.over && performance.now() < until) {
    if (compacting.since !== undefined && performance.now() - compacting.since >= ms) return;
    await sleep(1);
  }
}

/** @param {string} store @param {boolean} skipFence */
async function collectAll(store, skipFence) {
  let total = 0;
  for (let run = 0; run < collections; run++) {
    const objects = skipFence ? await collectAtOnce(store) : await collectByCommand(store);
    total += objects;
    if (objects === 0) return total;
  }
  throw new Error(`collect still finds something after ${collections} runs`);
}

/** @param {string} store @returns {Promise<number>} */
async function collectByCommand(store) {
  return (await cairn('collect', '--store', store, '--json')).objects;
}

/** Nobody else has the store open, so nobody can be in the middle of what the fence waits for. @param {string} store */
async function collectAtOnce(store) {
  let skippedMs = 0;
  const database = await open(store, {
    createStore: false,
    clock: {
      wallMs: () => systemClock.wallMs() + skippedMs,
      monotonicMs: () => systemClock.monotonicMs() + skippedMs,
    },
    sleep: async (ms, signal) => {
      if (ms < limits.fenceMs) return await systemSleep(ms, signal);
      skippedMs += ms;
    },
  });
  try {
    return (await database.collect()).objects;
  } finally {
    await database.close();
  }
}

/** @param {string} folder @param {string} store @returns {Promise<number>} segments */
async function mustHoldNoGarbage(folder, store) {
  const files = storedFiles(folder);
  const stats = await cairn('stats', COLLECTION, '--store', store, '--json');
  const head = await headOf(folder);
  const named = [
    ...head.segments.flatMap(({ key, deletions }) => [
      key,
      ...(deletions === undefined ? [] : [deletions.key]),
    ]),
    ...(head.window === undefined ? [] : [head.window.key]),
  ].map((key) => basename(key));
  const there = files.filter(({ kind }) => ['seg', 'del', 'win'].includes(kind));
  const names = there.map(({ path: file }) => basename(file).replace(/\.obj$/, ''));
  assert.deepEqual(names.toSorted(), named.toSorted(), 'objects under seg/ are those that the head names');
  assert.deepEqual(
    stats.segments.map((/** @type {{ key: string }} */ { key }) => key).toSorted(),
    head.segments.map(({ key }) => key).toSorted(),
    'stats names the segments of the head',
  );
  const slots = files.filter(({ kind }) => kind === 'log').length;
  assert.ok(
    slots <= stats.log.slots + 1,
    `${slots} slots in the log, of which ${stats.log.slots} are not folded`,
  );
  // Ends with 1, and rejects, where it finds an error.
  const scrubbed = await cairn('scrub', '--store', store, '--json');
  assert.equal(scrubbed.errors_total, 0, 'a check of the whole store finds no error');
  return head.segments.length;
}

/** @param {...string} args @returns {Promise<any>} */
async function cairn(...args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CAIRN_')));
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], { env });
  return JSON.parse(stdout);
}

async function main() {
  const { values: flags } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      clients: { type: 'string', default: '4' },
      rows: { type: 'string', default: '10000' },
      dimension: { type: 'string', default: '64' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'skip-fence': { type: 'boolean', default: false },
    },
  });
  const options = {
    kills: Number(flags.kills),
    clients: Number(flags.clients),
    rows: Number(flags.rows),
    dimension: Number(flags.dimension),
    seed: Number(flags.seed),
    skipFence: flags['skip-fence'],
  };
  // eslint-disable-next-line no-console
  const say = (/** @type {string} */ line) => console.log(line);
  say(`npm run crash:compact -- --kills ${options.kills} --seed ${options.seed}`);
  const report = await killCompactions({ ...options, say });
  say(
    `${report.kills} kills, ${report.killsInCompaction} of them in a compaction, ${report.jobsLeft} jobs left by them; ` +
      `${report.compactions} compactions were answered`,
  );
  say(`${report.acknowledged} writes acknowledged; ${report.records} records: all there, none besides`);
  say(
    `collect deleted ${report.collected} objects; ${report.segments} segments, and nothing under seg/ that the head does not name`,
  );
  say(`restart until ready: median ${quantile(report.restartMs, 0.5).toFixed(0)} ms`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
