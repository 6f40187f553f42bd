/**
 * Cairn and other libraries with an index over the same rows, in one run and on one core:
 *
 *   npm run build && npm run bench:ann
 *   node bench/ann/ann.mjs --set fashion|arxiv|both|clustered --peers hnswlib,usearch --rows N --rounds 3 --results FOLDER --check
 *
 * For each set: every contender builds its index in a process of its own, and a fresh process opens it, warms up (3,000
 * queries) and stays; what it has grown by is its memory. Then come rounds, in each of which all contenders sweep their
 * efforts in turn, so that whatever else the machine does hits all of them alike; of each effort the fastest round
 * counts. One query after another, k = 10, recall by distance (true-neighbours.mjs) of the first round's answers. A peer that
 * is missing or fails is left out, and a line says so. --peers names those to compare with, Cairn is always there.
 *
 * The generated set is large: a million rows, which the slower peers take hours for. Name those that are to be there.
 *
 * Cairn's build time is that of `compact`; handing the rows over is told beside it, as it is for others that have both.
 *
 * --check compares the ratios of Cairn to hnswlib with those in bench/results and exits with 1 where one is below 0.8 of
 * what it was. Without --peers it then measures hnswlib alone, and without --results it writes nothing.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { contenders } from '../contenders/contender.mjs';
import { chosenOf, OWN, versionOf } from '../contenders/entrants.mjs';
import { qpsAtRecalls, ratiosOf, worseThan } from '../contenders/qps-at-recall.mjs';
import { sweepInRounds } from '../contenders/sweeps.mjs';
import { megabytes, round, whole } from '../latencies.mjs';
import { realSet } from '../real-sets.mjs';
import { machine, machineLine, resultsHome, writeResults } from '../result-files.mjs';
import { annPlot } from './ann-plot.mjs';
import { buildTable, ratioTable, reportOf, speedTable } from './ann-report.mjs';

/** The one that --check holds the ratio to, and all to which ratios are told. */
const REFERENCE = 'hnswlib';
const COMPARED = [REFERENCE, 'hnswlib-node'];

/** @typedef {import('../contenders/contender.mjs').Contender} Contender */
/** @typedef {import('./ann-report.mjs').Findings} Findings */

/** @typedef {import('../contenders/sweeps.mjs').Swept} Entrant */

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'both' },
    peers: { type: 'string' },
    rows: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    results: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const rounds = Number(flags.rounds);

/**
 * @param {import('../real-sets.mjs').BenchSet} set
 * @param {readonly Contender[]} entering
 * @param {string} folder
 */
async function measure(set, entering, folder) {
  const lineOf = (/** @type {Entrant} */ entrant) => entrantLine(entrant, set.ids.length);
  const { entrants, pinned } = await sweepInRounds(set, entering, { folder, rounds, lineOf });
  return findingsOf(set, entrants, pinned);
}

/** @param {Entrant} entrant @param {number} rows */
function entrantLine({ contender, built: { loadSeconds, buildSeconds }, residentBytes, note }, rows) {
  const loaded = loadSeconds === undefined ? '' : `loaded in ${round(loadSeconds, 2)} s, `;
  return (
    `${contender.title}: ${loaded}built in ${round(buildSeconds, 2)} s, ${whole(rows / buildSeconds)} vectors/s, ` +
    `${megabytes(residentBytes)} resident${note === undefined ? '' : `, ${note}`}`
  );
}

/**
 * @param {import('../real-sets.mjs').BenchSet} set @param {readonly Entrant[]} entrants @param {boolean} pinned
 * @returns {Findings}
 */
function findingsOf(set, entrants, pinned) {
  const rows = set.ids.length;
  const found = entrants.map(({ contender, built, note, residentBytes, sweep }) => ({
    ...{ key: contender.key, title: contender.title, settings: contender.settings, note },
    version: versionOf(contender),
    ...{ loadSeconds: built.loadSeconds, buildSeconds: built.buildSeconds },
    ...{ residentBytes, bytesPerRow: residentBytes / rows, sweep, qpsAt: qpsAtRecalls(sweep) },
  }));
  const speedsOf = (/** @type {string} */ key) => found.find((one) => one.key === key)?.qpsAt;
  const ours = speedsOf(OWN);
  const ratios = COMPARED.flatMap((peer) => {
    const theirs = speedsOf(peer);
    return ours === undefined || theirs === undefined ? [] : [[peer, ratiosOf(ours, theirs)]];
  });
  return {
    ...{ set: set.title, rows, queries: set.queries.length / set.dimension, rounds },
    ...{ pinned, contenders: found, ratios: Object.fromEntries(ratios) },
  };
}

/** What is worse than in bench/results, a line each. @param {Findings} found @param {string} name */
function checked({ rows, ratios }, name) {
  const path = join(resultsHome, `${name}.json`);
  if (!existsSync(path)) return [`bench/results/${name}.json is not there`];
  const earlier = JSON.parse(readFileSync(path, 'utf8'));
  if (earlier.rows !== rows)
    return [`bench/results/${name}.json is of ${earlier.rows} rows and this of ${rows}`];
  return worseThan(ratios[REFERENCE], earlier.ratios[REFERENCE]);
}

/** @param {string} key @param {readonly Contender[]} entering */
async function run(key, entering) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-ann-'));
  const name = `ann-${key}`;
  try {
    const set = realSet(key, { rows: flags.rows === undefined ? undefined : Number(flags.rows) });
    const found = await measure(set, entering, folder);
    const ran = machine();
    const ratios = Object.keys(found.ratios).length === 0 ? [] : [ratioTable(found)];
    const tables = [speedTable(found), ...ratios, buildTable(found)];
    console.log(`\n${tables.join('\n\n')}\n`);
    if (flags.check) {
      const worse = checked(found, name);
      for (const line of worse) console.error(`!!! CHECK OF ${name}: ${line}`);
      if (worse.length > 0) process.exitCode = 1;
      else console.log(`check of ${name}: Cairn / ${REFERENCE} is no worse than it was`);
      if (flags.results === undefined) return;
    }
    writeResults(flags.results, name, {
      json: { ...ran, ...found },
      md: reportOf(found, machineLine(ran)),
      svg: annPlot(found.contenders, `${found.set}: queries per second on one core`),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!(rounds >= 1)) throw new Error(`--rounds is ${flags.rounds} and must be 1 at least`);
const entering = chosenOf(contenders, flags.peers ?? (flags.check ? REFERENCE : undefined));
for (const key of flags.set === 'both' ? ['fashion', 'arxiv'] : [flags.set]) await run(key, entering);
