/**
 * What a cold start of each bundle is made of: its size, reading and running its modules, compiling the kernel, the start of the
 * runtime around it, and the first query, which opens the store and loads the collection.
 *
 *   npm run bundle && npm run bench:bundles
 *   node bench/runtimes/starts.mjs --runs 7 --rows 10000 --results FOLDER
 *
 * Modules and kernel in fresh processes of the newest line of Node, whose V8 is the nearest to workerd's; medians, and the least for processor time.
 * The first query is of generated rows in one segment, in a directory, of the Worker in R2 of workerd: no network is in it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { open } from '../../dist/core/index.js';
import { openR2Store } from '../../dist/core/r2.js';
import { root } from '../../scripts/set-up.mjs';
import { rootOfSources } from '../../test/engines/ceph/bundled-cluster.mjs';
import { bundle } from '../../test/fuzz/bundle.mjs';
import { connect, mustCall } from '../http-client.mjs';
import { quantile, round, whole } from '../latencies.mjs';
import { base64Of } from '../query-runs.mjs';
import { randomFrom } from '../random.mjs';
import { machine, machineLine, writeResults } from '../result-files.mjs';
import { deployedNode, kinds, loadHosts, titles } from './hosts.mjs';

const DIMENSION = 128;
/** What the issue of a Worker's start asks for, and Lambda's package. */
const MOST = { startCpuMs: 50, cloudflare: 400 * 1024, aws: 2 * 1024 * 1024 };

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    rows: { type: 'string', default: '10000' },
    results: { type: 'string' },
  },
});
const runs = Number(flags.runs);
const rows = Number(flags.rows);
const random = randomFrom(128);
const vectors = Float32Array.from({ length: rows * DIMENSION }, () => random() - 0.5);
const ids = Array.from({ length: rows }, (_, row) => `r${row}`);
const bundles = join(root, 'build/bundles');
const entries = {
  cloudflare: 'index.js',
  aws: 'index.mjs',
  azure: 'index.mjs',
  gcp: 'index.mjs',
  node: 'main.mjs',
};
const kernel = join(root, 'dist/kernel.wasm');
const binary = await deployedNode();

/** @typedef {import('./hosts.mjs').HostKind} HostKind */

/** Gzipped, of all files; the kernel of a Worker is one of them. @param {HostKind} kind */
function sizeOf(kind) {
  const files = readdirSync(join(bundles, kind)).map((name) => readFileSync(join(bundles, kind, name)));
  const sum = (/** @type {(bytes: Buffer) => number} */ of) => files.map(of).reduce((a, b) => a + b, 0);
  return { bytes: sum(({ length }) => length), gzipped: sum((bytes) => gzipSync(bytes).length) };
}

/** @param {HostKind} kind */
function startModules(kind) {
  const child = join(root, 'bench/runtimes/start-child.mjs');
  const found = Array.from({ length: runs }, () => {
    const args = [
      // Else what V8 does beside it counts as well.
      '--single-threaded',
      '--experimental-vm-modules',
      '--no-warnings',
      child,
      join(bundles, kind, entries[kind]),
      kernel,
    ];
    const { stdout, stderr, status } = spawnSync(binary, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${kind}: ${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  });
  const of = (/** @type {string} */ name) => found.map((run) => run[name]);
  return {
    evaluationMs: quantile(of('evaluationMs'), 0.5),
    evaluationCpuMs: Math.min(...of('evaluationCpuMs')),
    compileMs: quantile(of('compileMs'), 0.5),
  };
}

/** @param {import('../../dist/core/index.js').Database} database */
async function fill(database) {
  const collection = await database.createCollection('c', {
    dimension: DIMENSION,
    metric: 'euclidean',
    tier: 'edge',
  });
  await collection.upsert({ ids, vectors });
  await collection.compact();
  await database.close();
}

/** @param {HostKind} kind @param {string} folder that holds the store */
async function firstQuery(kind, folder) {
  const { startDeployedWorker, startHost } = await loadHosts();
  const environment = { CAIRN_ALLOW_ANONYMOUS: 'true', CAIRN_STORE: `file:${join(folder, 'store')}` };
  const begun = performance.now();
  const host =
    kind === 'cloudflare'
      ? await startDeployedWorker({ CAIRN_ALLOW_ANONYMOUS: 'true' }, join(folder, 'r2'))
      : await startHost(kind, { binary, environment });
  const listening = performance.now();
  const client = connect(host.url);
  try {
    const times = [];
    for (const row of [0, 1]) {
      const started = performance.now();
      const vector = base64Of(vectors.subarray(row * DIMENSION, (row + 1) * DIMENSION));
      await mustCall(client, 'POST', '/v1/collections/c/query', { vector, k: 10, include: [] });
      times.push(performance.now() - started);
    }
    return { startMs: listening - begun, firstMs: times[0] ?? 0, secondMs: times[1] ?? 0 };
  } finally {
    client.close();
    await host.close();
  }
}

const measuredAt = machine();
const folder = mkdtempSync(join(tmpdir(), 'cairn-starts-'));
const results = [];
try {
  await fill(await open(`file:${join(folder, 'store')}`));
  /** @type {typeof import('../../test/runtime/r2/bucket.js')} */
  const { startR2 } = await import(
    pathToFileURL(await bundle('test/runtime/r2/bucket', [rootOfSources])).href
  );
  const r2 = await startR2(join(folder, 'r2'));
  await fill(await open('r2:BUCKET', { store: await openR2Store(r2.bind(), { selfTest: false }) }));
  await r2.close();
  for (const kind of kinds) {
    const queries = [];
    for (let run = 0; run < runs; run++) queries.push(await firstQuery(kind, folder));
    const median = (/** @type {'startMs' | 'firstMs' | 'secondMs'} */ name) =>
      quantile(
        queries.map((query) => query[name]),
        0.5,
      );
    results.push({
      kind,
      ...sizeOf(kind),
      ...startModules(kind),
      ...{ startMs: median('startMs'), firstMs: median('firstMs'), secondMs: median('secondMs') },
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const md = [
  '# Cold starts',
  '',
  `${machineLine(measuredAt)}; handlers on Node 24, the Worker in workerd. \`npm run bundle && npm run bench:bundles\`. Medians of ${runs}, processor time the least. ${whole(rows)} x ${DIMENSION}.`,
  '',
  '| bundle | bytes | gzipped | modules, ms | of that processor, ms | kernel compiled, ms | runtime started, ms | first query, ms | second, ms |',
  '|---|---|---|---|---|---|---|---|---|',
  ...results.map(
    (found) =>
      `| ${titles[found.kind]} | ${whole(found.bytes)} | ${whole(found.gzipped)} | ${[
        ...[found.evaluationMs, found.evaluationCpuMs, found.compileMs],
        ...[found.startMs, found.firstMs, found.secondMs],
      ]
        .map((ms) => round(ms, 1))
        .join(' | ')} |`,
  ),
  '',
  "A Worker's kernel is compiled when it is uploaded. Start of the runtime: of the emulators here, no platform's.",
  '',
].join('\n');
console.log(md);
writeResults(flags.results, 'starts', { json: { machine: measuredAt, results }, md });
for (const { kind, gzipped, evaluationCpuMs } of results) {
  const over =
    kind === 'cloudflare'
      ? evaluationCpuMs > MOST.startCpuMs || gzipped > MOST.cloudflare
      : kind === 'aws' && gzipped > MOST.aws;
  if (over) process.exitCode = 1;
}
