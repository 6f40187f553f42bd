/**
 * How fast vectors become durable through HTTP: columns with base64 `vectors` into the file store, every answer after
 * its fsync.
 *
 *   npm run build && npm run bench:ingest            both sets
 *   node bench/ingest.mjs fashion-784 --rows 1000 --connections 8 --rounds 3 --cpu-prof FOLDER
 *
 * Each round measures the yardstick (yardstick.mjs) and then the server, into a fresh collection of one server, on one
 * disk; the best of the rounds count. A disk that slows down after a burst of writes makes the ratios by round differ.
 * Nothing is pinned: server and client are two processes on however many cores there are. In the end the server is
 * killed and another one counts and compares the rows.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, mustCall, scanAll } from './http-client.mjs';
import { batchBytes, idOf, ingestSet } from './ingest-sets.mjs';
import { startServer } from './server-process.mjs';
import { measureYardstick } from './yardstick.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    'cpu-prof': { type: 'string' },
  },
});
const batchRows = Number(flags.rows);
const connections = Number(flags.connections);
const rounds = Number(flags.rounds);

/** @param {number} ms @param {number} rows */
const perSecond = (ms, rows) => Math.round((rows / ms) * 1_000).toLocaleString('en');

/** @param {import('node:child_process').ChildProcess} client @param {object} order @returns {Promise<any>} */
async function ask(client, order) {
  const answered = once(client, 'message');
  client.send(order);
  return (await answered)[0];
}

/** @param {string} url @param {string} collection @param {import('./data-folder.mjs').VectorSet} set */
async function verify(url, collection, set) {
  const client = connect(url);
  const rows = set.vectors.length / set.dimension;
  const records = await scanAll(client, collection, { include: ['vector'], limit: 2_000 });
  client.close();
  const wrong = records.findIndex(({ id, vector }, row) => {
    const expected = set.vectors.subarray(row * set.dimension, (row + 1) * set.dimension);
    return id !== idOf(row) || !expected.every((value, at) => value === vector[at]);
  });
  if (records.length !== rows || wrong >= 0)
    throw new Error(`${records.length} of ${rows} rows, first wrong: ${wrong}`);
  console.log(`  after a kill and a restart: all ${rows} rows are there, ids and vectors compared`);
}

/** @param {import('./ingest-sets.mjs').IngestSet} name */
async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-ingest-'));
  const store = `file:${join(folder, 'store')}`;
  const set = ingestSet(name);
  const rows = set.vectors.length / set.dimension;
  const batches = batchBytes(set, batchRows);
  const sender = fork(fileURLToPath(new URL('./ingest-client.mjs', import.meta.url)));
  const profile = flags['cpu-prof'];
  const nodeArguments = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  let server = await startServer({ store, nodeArguments });
  try {
    const { bodies, bodyBytes } = await ask(sender, { act: 'prepare', set: name, batchRows });
    const control = connect(server.url);
    console.log(set.name);
    console.log(
      `  ${rows} rows x ${set.dimension}, ${(set.vectors.byteLength / 1e6).toFixed(0)} MB of vectors`,
    );
    console.log(
      `  ${bodies} bodies of ${batchRows} rows, ${(bodyBytes / 1e6).toFixed(0)} MB, ${connections} connections`,
    );
    let best = { ms: Infinity, perBatchMs: Infinity, oneFileMs: Infinity };
    const ratios = [];
    let collection = '';
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await mustCall(control, 'DELETE', `/v1/collections/${collection}`);
      collection = `round-${round}`;
      const metric = 'euclidean';
      await mustCall(control, 'PUT', `/v1/collections/${collection}`, { dimension: set.dimension, metric });
      const { perBatchMs, oneFileMs } = measureYardstick(folder, batches);
      const before = server.cpuMs();
      const { ms, cpuMs } = await ask(sender, { act: 'send', url: server.url, collection, connections });
      console.log(
        `  round ${round + 1}: server ${ms.toFixed(0)} ms (processor time ${server.cpuMs() - before} ms, ` +
          `client's ${cpuMs.toFixed(0)} ms), ` +
          `bare script ${perBatchMs.toFixed(0)} ms a file per batch, ${oneFileMs.toFixed(0)} ms one file`,
      );
      ratios.push((perBatchMs / ms).toFixed(2));
      best = {
        ms: Math.min(best.ms, ms),
        perBatchMs: Math.min(best.perBatchMs, perBatchMs),
        oneFileMs: Math.min(best.oneFileMs, oneFileMs),
      };
    }
    console.log(`  best of ${rounds}: ${perSecond(best.ms, rows)} vectors/s durable`);
    console.log(
      `  ratio to a file and an fsync per batch: ${(best.perBatchMs / best.ms).toFixed(2)} (by round ${ratios.join(', ')})`,
    );
    console.log(`  ratio to one file and one fsync:        ${(best.oneFileMs / best.ms).toFixed(2)}`);
    control.close();
    // A profile is written at a clean end only.
    await server.stop(profile === undefined ? 'SIGKILL' : 'SIGTERM');
    server = await startServer({ store });
    await verify(server.url, collection, set);
  } finally {
    sender.kill();
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

const names = /** @type {import('./ingest-sets.mjs').IngestSet[]} */ (
  positionals.length > 0 ? positionals : ['generated-128', 'fashion-784']
);
console.log(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}`);
for (const name of names) await measure(name);
