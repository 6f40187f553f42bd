/**
 * Queries through HTTP: how many a server answers in a second, what each takes of the processor, and where that goes:
 *
 *   npm run build && npm run bench:http
 *   node bench/http/http.mjs --rows 1000000 --connections 1,8,32,64 --seconds 10 --rounds 3 --threads 0 --results FOLDER
 *
 * `cairn serve` as a user starts it, but with memory for all vectors, over a file store with a million generated rows of 128 numbers
 * (cold-set.mjs: around 1,000 centres), kept below build/. wrk asks (wrk.mjs), each connection its next query when it has the answer
 * to the last: k = 10, `target_recall` 0.95, `include: []`, 2,000 different queries. Server and client share the machine's cores; what
 * each takes of them is told.
 *
 * - **numbers**: vectors as JSON arrays of numbers, as they print. **base64**: of 32-bit floats. **eventual**: base64, and no
 *   request to the store. **ten**: ten queries in one request, of which each counts.
 * - **library**: the same queries by `collection.query` in a process of its own, one after another: what HTTP adds to.
 *
 * Forms take turns within a round; the round of the median rate counts. Recall is that of 200 of the queries, over HTTP.
 * Then the profile of a server without threads under the largest load is folded into layers (profile-layers.mjs), for `numbers` and
 * `base64`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { open } from '../../dist/core/index.js';
import { clustered } from '../cold/cold-set.mjs';
import { connect, mustCall } from '../http-client.mjs';
import { COLLECTION, hitsOf, K, keptCollection } from '../kept-collection.mjs';
import { quantile, round } from '../latencies.mjs';
import { base64Of } from '../query-runs.mjs';
import { machine, writeResults } from '../result-files.mjs';
import { startServer } from '../server-process.mjs';
import { httpReport } from './http-report.mjs';
import { layersOf } from './profile-layers.mjs';
import { runWrk, wrkVersion } from './wrk.mjs';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    forms: { type: 'string', default: 'numbers,base64,eventual,ten' },
    connections: { type: 'string', default: '1,8,32,64' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '0' },
    profile: { type: 'boolean', default: true },
    rebuild: { type: 'boolean', default: false },
    results: { type: 'string' },
  },
  allowNegative: true,
});

const DIMENSION = 128;
const BODIES = 2_000;
const WARM_UP_SECONDS = 3;
const TARGET = 0.95;
const PATH = `/v1/collections/${COLLECTION}/query`;
const MEMORY_BYTES = 2 * 2 ** 30;
/** @param {string} threads beside the server's own */
const serveWith = (threads) => ['--memory-budget-bytes', String(MEMORY_BYTES), '--threads', threads];
const SAMPLE_US = 250;

/** @typedef {{ form: string, connections: number, qps: number, serverUs: number, clientUs: number, p50: number, p99: number, rates: number[] }} Case */

/** How a body is made of one or more vectors. @type {Record<string, { queries: number, body: (vectors: Float32Array[]) => object }>} */
const forms = {
  numbers: { queries: 1, body: ([vector]) => asked(Array.from(vector ?? [])) },
  base64: { queries: 1, body: ([vector]) => asked(base64(vector)) },
  eventual: { queries: 1, body: ([vector]) => ({ ...asked(base64(vector)), consistency: 'eventual' }) },
  ten: { queries: 10, body: (vectors) => ({ queries: vectors.map((vector) => asked(base64(vector))) }) },
};

/** @param {Float32Array | undefined} vector */
function base64(vector) {
  return base64Of(vector ?? new Float32Array(0));
}

/** @param {unknown} vector */
function asked(vector) {
  return { vector, k: K, target_recall: TARGET, include: [] };
}

/** @param {string} name */
function formOf(name) {
  const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (form === undefined) throw new Error(`form ${name} is none of ${Object.keys(forms).join(', ')}`);
  return form;
}

/** The file of bodies of each form. @param {string} folder @param {import('../kept-collection.mjs').GeneratedSet} set @param {readonly string[]} names */
function writeBodies(folder, set, names) {
  return Object.fromEntries(
    names.map((name) => {
      const { queries, body } = formOf(name);
      const lines = Array.from({ length: BODIES / queries }, (_, line) =>
        JSON.stringify(body(Array.from({ length: queries }, (__, i) => set.query(line * queries + i)))),
      );
      const path = join(folder, `${name}.txt`);
      writeFileSync(path, `${lines.join('\n')}\n`);
      return [name, path];
    }),
  );
}

/**
 * @param {import('../server-process.mjs').ServerProcess} server
 * @param {{ form: string, bodies: string, connections: number, seconds: number }} load
 */
async function measureOnce(server, { form, bodies, connections, seconds }) {
  const before = server.cpuMs();
  const {
    answers,
    failed,
    seconds: lasted,
    clientMs,
    p50,
    p99,
  } = await runWrk({
    ...{ url: server.url, path: PATH, bodies, connections, seconds },
  });
  if (failed > 0 || answers === 0)
    throw new Error(`${form}: ${failed} of ${answers + failed} requests failed`);
  const queries = answers * formOf(form).queries;
  return {
    qps: queries / lasted,
    serverUs: ((server.cpuMs() - before) * 1_000) / queries,
    clientUs: (clientMs * 1_000) / queries,
    ...{ p50, p99 },
  };
}

/** @param {string} url @param {import('../kept-collection.mjs').KeptCollection} kept */
async function recallOf(url, { set, neighbours }) {
  const client = connect(url);
  let hits = 0;
  for (const [at, rows] of neighbours.entries()) {
    const { matches } = await mustCall(client, 'POST', PATH, formOf('numbers').body([set.query(at)]));
    hits += hitsOf(
      matches.map((/** @type {{ id: string }} */ { id }) => id),
      rows,
    );
  }
  client.close();
  return round(hits / (neighbours.length * K), 4);
}

/** @param {import('../kept-collection.mjs').KeptCollection} kept @param {Record<string, string>} bodies */
async function measureServer(kept, bodies) {
  const server = await startServer({
    store: `file:${kept.folder}`,
    serveArguments: serveWith(flags.threads),
  });
  try {
    const recall = await recallOf(server.url, kept);
    const connections = flags.connections.split(',').map(Number);
    const most = Math.max(...connections);
    for (const [form, path] of Object.entries(bodies)) {
      await measureOnce(server, { form, bodies: path, connections: most, seconds: WARM_UP_SECONDS });
    }
    const cases = Object.keys(bodies).flatMap((form) =>
      connections.map((count) => ({ form, connections: count })),
    );
    const runs = cases.map(() => /** @type {Awaited<ReturnType<typeof measureOnce>>[]} */ ([]));
    for (let turn = 0; turn < Number(flags.rounds); turn++) {
      for (const [i, one] of cases.entries()) {
        const load = { ...one, bodies: bodies[one.form] ?? '', seconds: Number(flags.seconds) };
        runs[i]?.push(await measureOnce(server, load));
      }
    }
    const measured = cases.map((one, i) => ({ ...one, ...medianRun(runs[i] ?? []) }));
    for (const one of measured) console.log(JSON.stringify(one));
    return { recall, residentBytes: server.residentBytes().now, measured };
  } finally {
    await server.stop();
  }
}

/** The run of the median rate, and the rates of all. @param {Awaited<ReturnType<typeof measureOnce>>[]} runs */
function medianRun(runs) {
  const sorted = runs.toSorted((a, b) => a.qps - b.qps);
  const { qps, serverUs, clientUs, p50, p99 } = sorted[Math.floor((sorted.length - 1) / 2)] ?? mustRun();
  return {
    ...{ qps: Math.round(qps), serverUs: round(serverUs, 1), clientUs: round(clientUs, 1) },
    ...{ p50: round(p50, 2), p99: round(p99, 2), rates: runs.map((run) => Math.round(run.qps)) },
  };
}

/** @returns {never} */
function mustRun() {
  throw new Error('nothing was measured');
}

/** What the same queries take without HTTP. @param {import('../kept-collection.mjs').KeptCollection} kept */
async function measureLibrary({ folder, set }) {
  const database = await open(`file:${folder}`, { memoryBudgetBytes: MEMORY_BYTES });
  const collection = database.collection(COLLECTION);
  const vectors = Array.from({ length: BODIES }, (_, at) => set.query(at));
  const ask = (/** @type {Float32Array} */ vector, /** @type {'strong' | 'eventual'} */ consistency) =>
    collection.query({ vector, k: K, targetRecall: TARGET, include: [], consistency });
  for (const vector of vectors) await ask(vector, 'strong');
  const found = [];
  for (const consistency of /** @type {const} */ (['strong', 'eventual'])) {
    const [begun, before] = [performance.now(), process.cpuUsage()];
    const ms = [];
    for (const vector of vectors) {
      const asking = performance.now();
      await ask(vector, consistency);
      ms.push(performance.now() - asking);
    }
    const { user, system } = process.cpuUsage(before);
    const qps = Math.round((BODIES / (performance.now() - begun)) * 1_000);
    const times = { p50: round(quantile(ms, 0.5), 3), p99: round(quantile(ms, 0.99), 3) };
    found.push({ consistency, qps, us: round((user + system) / BODIES, 1), ...times });
  }
  await database.close();
  return found;
}

/**
 * Microseconds of processor time per query by layer, with what the profile itself takes. What else a server's threads do is in it.
 * @param {string} store @param {string} form @param {string} bodies
 */
async function profileOf(store, form, bodies) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-http-'));
  try {
    const nodeArguments = ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', String(SAMPLE_US)];
    const begun = performance.now();
    const server = await startServer({
      store: `file:${store}`,
      nodeArguments,
      serveArguments: serveWith('0'),
    });
    const connections = Math.max(...flags.connections.split(',').map(Number));
    const load = { form, bodies, connections };
    await measureOnce(server, { ...load, seconds: WARM_UP_SECONDS });
    const warmMs = performance.now() - begun;
    const { qps, serverUs } = await measureOnce(server, { ...load, seconds: 2 * Number(flags.seconds) });
    await server.stop();
    const layers = layersOf(folder, warmMs).map(({ layer, share }) => ({
      layer,
      us: round(share * serverUs, 1),
    }));
    return { form, connections, qps: Math.round(qps), serverUs: round(serverUs, 1), layers };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const wrk = wrkVersion();
const rows = Number(flags.rows);
const kept = await keptCollection(clustered(DIMENSION), rows, { rebuild: flags.rebuild });
const scratch = mkdtempSync(join(tmpdir(), 'cairn-http-'));
try {
  const load = round(loadavg()[0] ?? 0, 1);
  const bodies = writeBodies(scratch, kept.set, flags.forms.split(','));
  const library = await measureLibrary(kept);
  for (const one of library) console.log(JSON.stringify(one));
  const served = await measureServer(kept, bodies);
  const profiles = [];
  for (const form of flags.profile ? ['numbers', 'base64'] : []) {
    const path = bodies[form];
    if (path !== undefined) profiles.push(await profileOf(kept.folder, form, path));
  }
  const threads = Number(flags.threads);
  const json = {
    machine: machine(),
    wrk,
    rows,
    threads,
    dimension: DIMENSION,
    load,
    library,
    ...served,
    profiles,
  };
  writeResults(flags.results, 'http', { json, md: httpReport(json) });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
