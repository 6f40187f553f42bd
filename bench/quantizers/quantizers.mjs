/**
 * What each quantization costs and what it saves, against hnswlib, native, over f32, in one run and on one core:
 *
 *   npm run build && npm run bench:quantizers
 *   node bench/quantizers/quantizers.mjs --set fashion|arxiv|both --rounds 3 --results FOLDER
 *
 * For each set and quantization: a process builds a collection, a fresh one opens it, warms up and answers all queries at one
 * `target_recall` after another, round by round, and of each the fastest counts (contenders/). Speed at a recall lies between the
 * measured points next to it, as in bench/ann. Raw vectors of candidates come from the page cache, in which all of them are by then; what
 * it holds is told. The bytes of an index are its own count: codes, factors, graph, and both maps of rows and ids; hnswlib's are what its
 * process has grown by. Where hnswlib cannot be compiled there are no ratios, and a line says so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { K } from '../contenders/conditions.mjs';
import { contenders, quantized } from '../contenders/contender.mjs';
import { chosenOf } from '../contenders/entrants.mjs';
import { qpsAt } from '../contenders/qps-at-recall.mjs';
import { sweepInRounds } from '../contenders/sweeps.mjs';
import { megabytes, round, whole } from '../latencies.mjs';
import { realSet } from '../real-sets.mjs';
import { machine, machineLine, table, writeResults } from '../result-files.mjs';

const YARDSTICK = 'hnswlib';
const RECALL = 0.99;

/** @typedef {import('../contenders/contender.mjs').Point} Point */
/** @typedef {import('../contenders/sweeps.mjs').Swept} Entrant */

/**
 * @typedef {object} Finding
 * @property {string} key
 * @property {string} title
 * @property {number} buildSeconds
 * @property {number} bytesPerRow of the index
 * @property {number | null} share of what the yardstick takes
 * @property {number | undefined} pageCacheBytes
 * @property {number | null} qps at `RECALL`
 * @property {number | undefined} rerank raw vectors of a query at the first target that reaches it
 * @property {readonly Point[]} sweep
 */

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '3' },
    results: { type: 'string' },
  },
});
const rounds = Number(flags.rounds);

/** @param {import('../real-sets.mjs').BenchSet} set @param {string} folder */
async function measure(set, folder) {
  const yardstick = chosenOf(contenders, YARDSTICK).filter(({ key }) => key === YARDSTICK);
  const lineOf = (/** @type {Entrant} */ { contender }) => `${contender.title} is built`;
  const entering = [...yardstick, ...quantized];
  const { entrants, pinned } = await sweepInRounds(set, entering, { folder, rounds, lineOf });
  return { pinned, found: findingsOf(entrants, set.ids.length) };
}

/** @param {readonly Entrant[]} entrants @param {number} rows @returns {Finding[]} */
function findingsOf(entrants, rows) {
  const bytesOf = (/** @type {Entrant} */ { memory, residentBytes }) => memory?.indexBytes ?? residentBytes;
  const yardstick = entrants.find(({ contender }) => contender.key === YARDSTICK);
  return entrants.map((entrant) => {
    const { contender, built, memory, sweep } = entrant;
    const enough = sweep.filter(({ recall }) => recall >= RECALL).toSorted((a, b) => b.qps - a.qps);
    return {
      ...{ key: contender.key, title: contender.title, buildSeconds: built.buildSeconds },
      bytesPerRow: bytesOf(entrant) / rows,
      share: yardstick === undefined ? null : bytesOf(entrant) / bytesOf(yardstick),
      ...{
        pageCacheBytes: memory?.pageCacheBytes,
        qps: qpsAt(sweep, RECALL),
        rerank: enough[0]?.rerank,
        sweep,
      },
    };
  });
}

/** @param {readonly Finding[]} found */
function tableOf(found) {
  const yardstick = found.find(({ key }) => key === YARDSTICK);
  const ofYardstick = (/** @type {number | null} */ qps) =>
    qps === null || !yardstick?.qps ? '-' : (qps / yardstick.qps).toFixed(2);
  return table(
    [
      ...['', `QPS at ${RECALL}`, 'of hnswlib', 'most recall', 'raw rows a query'],
      ...['index bytes a row', 'of hnswlib', 'page cache', 'built s'],
    ],
    found.map(({ title, qps, sweep, rerank, bytesPerRow, share, pageCacheBytes, buildSeconds }) => [
      ...[title, qps === null ? '-' : whole(qps), ofYardstick(qps)],
      ...[Math.max(...sweep.map(({ recall }) => recall)).toFixed(4), rerank ?? '-'],
      ...[whole(bytesPerRow), share === null ? '-' : share.toFixed(3)],
      ...[pageCacheBytes === undefined ? '-' : megabytes(pageCacheBytes), round(buildSeconds, 1)],
    ]),
  );
}

/** @param {Finding} finding */
function sweepOf({ title, sweep }) {
  return [
    `${title}:`,
    table(
      ['effort', 'recall@10', 'QPS', 'raw rows a query'],
      sweep.map(({ effort, recall, qps, rerank }) => [
        ...[Object.entries(effort).flat().join(' '), recall.toFixed(4), whole(qps), rerank ?? '-'],
      ]),
    ),
  ];
}

if (!(rounds >= 1)) throw new Error(`--rounds is ${flags.rounds} and must be 1 at least`);
const ran = machine();
const sets = [];
for (const key of flags.set === 'both' ? ['fashion', 'arxiv'] : [flags.set]) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-quantizers-'));
  try {
    const set = realSet(key);
    const { pinned, found } = await measure(set, folder);
    console.log(`\n${tableOf(found)}\n`);
    sets.push({
      set: set.title,
      rows: set.ids.length,
      dimension: set.dimension,
      metric: set.metric,
      pinned,
      found,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
writeResults(flags.results, 'quantizers', {
  json: { ...ran, rounds, sets },
  md: [
    '# Quantizers',
    `${machineLine(ran)}. Made by \`npm run bench:quantizers\`; what is measured and how is in bench/quantizers/quantizers.mjs. ` +
      `One query after another, k = ${K}, the best of ${rounds} rounds. Raw vectors are in the page cache, beside the index.`,
    ...sets.flatMap(({ set, found, pinned }) => [
      `## ${set}${pinned ? '' : ' (not pinned to a core)'}`,
      tableOf(found),
      ...found.flatMap(sweepOf),
    ]),
    '',
  ].join('\n\n'),
});
