/** SIGTERM in the middle of a compaction under writes: how long the process takes to end, and what is there after it. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillStore } from './busy-store.mjs';
import { BusyWriter } from './busy-writer.mjs';
import { compactAll, statsOf } from './collection-load.mjs';
import { connect, mustCall, scanAll } from './http-client.mjs';
import { base64Of } from './query-runs.mjs';
import { vectorAt } from './real-sets.mjs';
import { startServer } from './server-process.mjs';
import { NeighbourJudge } from './true-neighbours.mjs';

const COLLECTION = 'stopped';
const path = `/v1/collections/${COLLECTION}`;
const SAMPLE = 500;
const EXACT_QUERIES = 50;
const K = 10;

/**
 * @typedef {object} StopReport
 * @property {number} afterMs from the call of compact to the signal
 * @property {boolean} met whether the compaction was still under way
 * @property {string} compactAnswer what the call of compact got
 * @property {number} exitMs from the signal to the end of the process
 * @property {number} readyMs of the next server
 * @property {number} acknowledged rows
 * @property {number} missing of them
 * @property {number} besides rows that nobody wrote
 * @property {number} different vectors, of a sample
 * @property {number} exactWrong exact answers that are not, before and after the compaction was finished
 * @property {number} segments in the end
 */

/**
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {{ folder: string, way: import('./busy-store.mjs').Way, afterMs: number }} options
 * @returns {Promise<StopReport>}
 */
export async function stopInTheMiddle(set, { folder, way, afterMs }) {
  await fillStore(set, { folder, collection: COLLECTION }, async () => {});
  const served = { store: `file:${folder}`, serveArguments: way.serveArguments };
  let server = await startServer(served);
  let client = connect(server.url);
  const writer = new BusyWriter(set, { url: server.url, collection: COLLECTION });
  try {
    writer.start();
    let met = true;
    const compacting = compactAll(client, COLLECTION, { underWrites: true }).then(
      () => 'done',
      (error) => String(error).slice(0, 200),
    );
    void compacting.then(() => (met = false));
    await sleep(afterMs);
    const metAtSignal = met;
    const signalled = performance.now();
    await server.stop('SIGTERM');
    const exitMs = performance.now() - signalled;
    const compactAnswer = await compacting;
    const { ids, unsure } = await writer.stop();
    client.close();
    server = await startServer(served);
    client = connect(server.url);
    const acknowledged = [...set.ids, ...ids];
    const found = await compareRows(client, set, { acknowledged, unsure });
    const exactBefore = await exactWrong(client, set);
    await compactAll(client, COLLECTION);
    const again = await compareRows(client, set, { acknowledged, unsure });
    const exactAfter = await exactWrong(client, set);
    return {
      ...{ afterMs, met: metAtSignal, compactAnswer, exitMs, readyMs: server.readyMs },
      acknowledged: acknowledged.length,
      missing: Math.max(found.missing, again.missing),
      besides: Math.max(found.besides, again.besides),
      different: Math.max(found.different, again.different),
      exactWrong: exactBefore + exactAfter,
      segments: (await statsOf(client, COLLECTION)).segments.length,
    };
  } finally {
    await writer.stop();
    client.close();
    await server.stop();
  }
}

/**
 * @param {import('./http-client.mjs').Client} client
 * @param {import('./real-sets.mjs').BenchSet} set
 * @param {{ acknowledged: readonly string[], unsure: readonly string[] }} written
 */
async function compareRows(client, set, { acknowledged, unsure }) {
  const scanned = await scanAll(client, COLLECTION, { include: [], limit: 10_000 });
  const there = new Set(scanned.map(({ id }) => id));
  const known = new Set([...acknowledged, ...unsure]);
  const step = Math.max(1, Math.floor(set.ids.length / SAMPLE));
  const rows = set.ids.map((_id, row) => row).filter((row) => row % step === 0);
  const ids = rows.map((row) => set.ids[row]);
  const { records } = await mustCall(client, 'POST', `${path}/fetch`, { ids, include: ['vector'] });
  const vectors = new Map(
    records.map((/** @type {{ id: string, vector: number[] }} */ { id, vector }) => [id, vector]),
  );
  const different = rows.filter((row) => {
    const expected = vectorAt(set.vectors, set.dimension, row);
    const vector = vectors.get(set.ids[row]);
    return vector === undefined || !expected.every((value, at) => value === vector[at]);
  });
  return {
    missing: acknowledged.filter((id) => !there.has(id)).length,
    besides: scanned.length - there.size + [...there].filter((id) => !known.has(id)).length,
    different: different.length,
  };
}

/** @param {import('./http-client.mjs').Client} client @param {import('./real-sets.mjs').BenchSet} set */
async function exactWrong(client, set) {
  const judge = new NeighbourJudge(set);
  let wrong = 0;
  for (let query = 0; query < Math.min(EXACT_QUERIES, set.queries.length / set.dimension); query++) {
    const body = { vector: base64Of(judge.vector(query)), k: K, exact: true, include: [] };
    const { matches } = await mustCall(client, 'POST', `${path}/query`, body);
    const ids = matches.map((/** @type {{ id: string }} */ { id }) => id);
    if (matches.length !== K || judge.hits(query, ids, K) !== K) wrong++;
  }
  return wrong;
}
