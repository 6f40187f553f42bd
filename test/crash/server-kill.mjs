/**
 * kill -9 of a server under writing clients:
 *
 *   npm run build && npm run crash -- --kills 20 --clients 8 --seed 1
 *
 * Strategy: clients write to one server over a file store, each request under a key of its own and repeated under that
 * key until it is answered. The server is killed with SIGKILL, half of the times at a random moment and half of the
 * times a random fraction of a millisecond or more after it was seen to hold at least half of the clients' requests,
 * and started again. In the end:
 *
 *   - a full scan is exactly the union of the clients' models: ids, metadata, vectors; nothing lost, nothing besides
 *   - the log holds as many rows as the acknowledged writes have: none was applied twice
 *   - repeating old keys gives the first answers and changes nothing
 *   - a fresh process reads the same, and sweeps what killed writes left in the store's folder for temporary files
 *
 * The seed decides what is written and the pauses; which request a kill meets is up to the machine.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mustCall, scanAll } from '../../bench/http-client.mjs';
import { randomFrom } from '../../bench/random.mjs';
import { startServer } from '../../bench/server-process.mjs';
import { COLLECTION, DIMENSION, KillClient } from './server-kill-client.mjs';
import { ServerLine, withClient } from './server-line.mjs';

/**
 * @typedef {object} KillReport
 * @property {number} kills
 * @property {number} killsUnderWrites kills that met at least one request
 * @property {number} acknowledged writes
 * @property {number} repeats requests sent again
 * @property {number} answeredRepeats writes acknowledged on a repeat
 * @property {number} records in the end
 * @property {number} replayed keys repeated in the end
 * @property {number} leftovers temporary files of killed writes
 * @property {number[]} restartMs
 */

const path = `/v1/collections/${COLLECTION}`;
const pauseMs = { least: 50, most: 900 };
const dayMs = 86_400_000;

/**
 * @param {object} options
 * @param {number} options.kills
 * @param {number} options.clients
 * @param {number} options.seed
 * @param {(line: string) => void} [options.say]
 * @returns {Promise<KillReport>} throws where anything is lost, doubled or besides
 */
export async function killServer({ kills, clients: count, seed, say = () => {} }) {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-kill-'));
  const store = `file:${folder}`;
  const line = new ServerLine(await startServer({ store }));
  const clients = Array.from({ length: count }, (_, number) => new KillClient(number, seed));
  const lines = clients.map(() => line.forClient());
  try {
    await withClient(line, (client) => mustCall(client, 'PUT', path, { dimension: DIMENSION }));
    const running = Promise.all(clients.map((client, at) => client.run(/** @type {any} */ (lines[at]))));
    // A client that finds something wrong ends the run.
    running.catch(() => (line.over = true));
    const { restartMs, killsUnderWrites } = await killAgainAndAgain(line, {
      store,
      kills,
      clients: count,
      seed,
      say,
    });
    line.over = true;
    const reports = await running;
    const records = await compare(line, reports);
    const replayed = await replay(line, reports);
    assert.equal(await compare(line, reports), records);
    await line.server.stop('SIGKILL');
    const leftovers = await ageLeftovers(folder);
    line.server = await startServer({ store });
    assert.equal(await compare(line, reports), records);
    assert.deepEqual(await bodiesLeft(folder), [], 'a fresh process sweeps old temporary files');
    const total = (/** @type {(report: typeof reports[0]) => number} */ of) =>
      reports.reduce((sum, report) => sum + of(report), 0);
    return {
      ...{ kills, killsUnderWrites, records, replayed, leftovers, restartMs },
      acknowledged: total(({ answered }) => answered.length),
      repeats: total((report) => report.repeats),
      answeredRepeats: total((report) => report.answeredRepeats),
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
 * @param {{ store: string, kills: number, clients: number, seed: number, say: (line: string) => void }} options
 */
async function killAgainAndAgain(line, { store, kills, clients, seed, say }) {
  const random = randomFrom(seed);
  const restartMs = [];
  let killsUnderWrites = 0;
  for (let kill = 0; kill < kills && !line.over; kill++) {
    await sleep(pauseMs.least + random() * (pauseMs.most - pauseMs.least));
    if (kill % 2 === 1) await underWrites(line, clients / 2, random);
    const inFlight = line.inFlight;
    if (inFlight > 0) killsUnderWrites++;
    const raise = line.down();
    await line.server.stop('SIGKILL');
    const died = performance.now();
    line.server = await startServer({ store });
    raise();
    restartMs.push(line.server.readyMs);
    const down = (performance.now() - died).toFixed(0);
    say(
      `kill ${kill + 1} of ${kills}: ${inFlight} requests under way, the next server was ready after ${down} ms`,
    );
  }
  return { restartMs, killsUnderWrites };
}

/** Until at least `least` requests are under way, and then a moment longer. @param {ServerLine} line @param {number} least @param {() => number} random */
async function underWrites(line, least, random) {
  while (line.inFlight < least && !line.over) await sleep(0);
  const until = performance.now() + random() * 4;
  while (performance.now() < until) await sleep(0);
}

/**
 * Every acknowledged record is there, as it was written; none is doubled, none besides. Returns how many there are.
 * @param {ServerLine} line
 * @param {readonly import('./server-kill-client.mjs').ClientReport[]} reports
 */
async function compare(line, reports) {
  return await withClient(line, async (client) => {
    const found = await scanAll(client, COLLECTION);
    const expected = new Map(reports.flatMap(({ model }) => [...model]));
    assert.equal(new Set(found.map(({ id }) => id)).size, found.length, 'an id comes once');
    for (const { id, vector, metadata } of found) {
      assert.ok(expected.has(id), `record ${id} was not written, or was deleted`);
      assert.deepEqual({ vector, metadata }, expected.get(id), `record ${id}`);
    }
    assert.equal(found.length, expected.size, 'records');
    assert.equal((await mustCall(client, 'POST', `${path}/count`, {})).count, expected.size);
    const { memory, log } = await mustCall(client, 'GET', `${path}/stats`);
    const rows = reports.flatMap(({ answered }) => answered).reduce((sum, write) => sum + write.rows, 0);
    // What maintenance has folded is no longer counted version by version.
    if (log.folded_sequence === 0) assert.equal(memory.rows, rows, 'rows in the log: one effect per key');
    return found.length;
  });
}

/**
 * Repeats every key that is new enough to be in the window. Returns how many.
 * @param {ServerLine} line
 * @param {readonly import('./server-kill-client.mjs').ClientReport[]} reports
 */
async function replay(line, reports) {
  return await withClient(line, async (client) => {
    const answered = reports.flatMap((report) => report.answered);
    for (const { route, key, body, answer } of answered) {
      const again = await mustCall(client, 'POST', `${path}/${route}`, body, { 'idempotency-key': key });
      assert.deepEqual(again, answer, `repeat of ${key}`);
    }
    return answered.length;
  });
}

/** Makes the temporary files of killed writes two days old, so that the next process may sweep them. @param {string} folder */
async function ageLeftovers(folder) {
  const names = await readdir(join(folder, '~tmp'));
  const old = new Date(Date.now() - 2 * dayMs);
  await Promise.all(names.map((name) => utimes(join(folder, '~tmp', name), old, old)));
  return names.length;
}

/** A second name of a body that an object has is no leftover: it takes no room, and is swept when the object is gone. @param {string} folder */
async function bodiesLeft(folder) {
  const names = await readdir(join(folder, '~tmp'));
  const links = await Promise.all(names.map(async (name) => (await stat(join(folder, '~tmp', name))).nlink));
  return names.filter((_, i) => links[i] === 1);
}

async function main() {
  const { values: flags } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      clients: { type: 'string', default: '8' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const options = { kills: Number(flags.kills), clients: Number(flags.clients), seed: Number(flags.seed) };
  // eslint-disable-next-line no-console
  const say = (/** @type {string} */ line) => console.log(line);
  say(`npm run crash -- --kills ${options.kills} --clients ${options.clients} --seed ${options.seed}`);
  const report = await killServer({ ...options, say });
  const restarts = report.restartMs.toSorted((a, b) => a - b);
  say(`${report.kills} kills, ${report.killsUnderWrites} of them with requests under way`);
  say(
    `${report.acknowledged} writes acknowledged, ${report.answeredRepeats} of them on one of ${report.repeats} repeats`,
  );
  say(
    `${report.records} records: all there, none doubled, none besides; ${report.replayed} keys repeated, same answers`,
  );
  say(
    `restart until ready: median ${restarts[restarts.length >> 1]?.toFixed(0)} ms, most ${restarts.at(-1)?.toFixed(0)} ms`,
  );
  say(`${report.leftovers} temporary files of killed writes, swept by the next process once they were old`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
