/**
 * Queries under filters, Cairn beside other libraries that have both an index and filters, in one run and on one core:
 *
 *   npm run build && npm run bench:filters
 *   node bench/filters/filters.mjs --set fashion|arxiv|both --peers lancedb,zvec --rows N --queries N --rounds 3 --results FOLDER --check
 *
 * For each set every contender builds its index in a process of its own, and a fresh process opens it and stays (bench/contenders).
 * Then come rounds, in each of which every filter (filter-cases.mjs) is asked of all contenders in turn; of each effort the
 * fastest round counts. Recall is by distance, against the exact neighbours among the rows that match, of the first round's answers;
 * an answer with a row that does not match puts its contender out.
 *
 * Cairn is asked at targetRecall 0.99, with and without filters: that is the ratio which has a bar. Peers sweep their efforts, and
 * are compared at Cairn's own recall, or at 0.99 where that is less. Cairn has the documents whole as metadata, no field declared;
 * peers have the fields that filters ask for and nothing else, each with an index, which is in their favour.
 *
 * --check compares the ratios to the unfiltered speed with those in bench/results and exits with 1 where one is below 0.8 of what it
 * was, or where an answer has fewer rows than it must. Without --peers it then measures Cairn alone, and without --results
 * it writes nothing.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { tryCore } from '../contenders/contender-child.mjs';
import { contenders } from '../contenders/contender.mjs';
import { chosenOf, enter, fasterOf, leaveOut, OWN, versionOf } from '../contenders/entrants.mjs';
import { writeFilterInput, writeInput } from '../contenders/input-files.mjs';
import { realSet } from '../real-sets.mjs';
import { machine, machineLine, resultsHome, writeResults } from '../result-files.mjs';
import { sectionBytes } from '../segment-sections.mjs';
import { NeighbourJudge } from '../true-neighbours.mjs';
import { textOf } from './field-test.mjs';
import { filterSet } from './filter-cases.mjs';
import { caseFindings, shortLines, worseCases } from './filter-findings.mjs';
import { judgeAnswers } from './filter-judge.mjs';
import { filtersPlot } from './filters-plot.mjs';
import { columnsLine, ownTable, peerTable, reportOf } from './filters-report.mjs';

/** @typedef {import('../contenders/contender.mjs').Contender} Contender */
/** @typedef {import('../contenders/entrants.mjs').Entrant} Entrant */
/** @typedef {import('./filter-cases.mjs').FilterSet} FilterSet */
/** @typedef {import('./filter-cases.mjs').FilterCase} FilterCase */
/** @typedef {import('./filter-findings.mjs').Judged} Judged */
/** @typedef {import('./filters-report.mjs').Findings} Findings */

const { values: flags } = parseArgs({
  options: {
    set: { type: 'string', default: 'both' },
    peers: { type: 'string' },
    rows: { type: 'string' },
    queries: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    results: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const rounds = Number(flags.rounds);

/** @param {Contender} contender @param {FilterSet} about */
function queriesOf({ filtering }, { set }) {
  return Math.min(filtering?.queries ?? Infinity, set.queries.length / set.dimension);
}

/**
 * One case, all efforts, of which what was faster than before stays.
 * @param {Entrant} entrant @param {FilterSet} about @param {FilterCase} asked @param {readonly Judged[]} before
 * @returns {Promise<Judged[]>}
 */
async function sweepOnce({ contender, child }, about, asked, before) {
  const { points, answers } = await child.call('sweep', {
    withAnswers: before.length === 0,
    sweeping: contender.filtering?.efforts ?? [],
    count: queriesOf(contender, about),
    ...(asked.tests === undefined ? {} : { filters: asked.tests.map(textOf) }),
  });
  return fasterOf(before, points, (at) => ({ ...points[at], ...judgeAnswers(about, asked, answers[at]) }));
}

/**
 * @param {FilterSet} about @param {readonly Entrant[]} entrants
 * @returns {Promise<{ sweeps: Record<string, Record<string, Judged[]>>, left: readonly Entrant[] }>}
 */
async function sweepAll(about, entrants) {
  /** @type {Record<string, Record<string, Judged[]>>} */
  const sweeps = Object.fromEntries(about.cases.map(({ key }) => [key, {}]));
  let left = entrants;
  for (let at = 0; at < rounds; at++) {
    for (const asked of about.cases) {
      const swept = sweeps[asked.key] ?? {};
      for (const entrant of left) {
        const { key } = entrant.contender;
        try {
          swept[key] = await sweepOnce(entrant, about, asked, swept[key] ?? []);
        } catch (error) {
          leaveOut(entrant.contender, error);
          left = left.filter((other) => other !== entrant);
          await entrant.child.stop();
        }
      }
    }
    console.log(`  round ${at + 1} of ${rounds}`);
  }
  return { sweeps, left };
}

/** @param {FilterSet} about @param {readonly Contender[]} entering @param {string} folder @returns {Promise<Findings>} */
async function measure(about, entering, folder) {
  const { set } = about;
  const input = join(folder, 'input');
  mkdirSync(input);
  writeInput(set, input);
  writeFilterInput(about, input);
  const core = tryCore();
  if (core === undefined)
    console.error('!!! NOT PINNED: there is no taskset; other cores may help whoever uses them');
  /** @type {Entrant[]} */
  const entrants = [];
  try {
    for (const contender of entering) {
      try {
        entrants.push(await enter(contender, { folder, input, core, stores: new Map() }));
        console.log(`  ${contender.title}: built in ${entrants.at(-1)?.built.buildSeconds.toFixed(2)} s`);
      } catch (error) {
        leaveOut(contender, error);
      }
    }
    const sections = await sectionBytes(join(folder, OWN, 'store'));
    const { sweeps, left } = await sweepAll(about, entrants);
    return {
      ...{ set: set.title, rows: set.ids.length, queries: set.queries.length / set.dimension, rounds },
      pinned: core !== undefined,
      columns: {
        columns: (sections['columns'] ?? 0) + (sections['columnIndex'] ?? 0),
        documents: sections['documents'] ?? 0,
      },
      contenders: left.map((entrant) => contenderOf(entrant, about)),
      cases: caseFindings(about.cases, sweeps, set.ids.length),
    };
  } finally {
    for (const { child } of entrants) await child.stop();
  }
}

/** @param {Entrant} entrant @param {FilterSet} about */
function contenderOf({ contender, built: { loadSeconds, buildSeconds } }, about) {
  const { key, title, settings, filtering } = contender;
  return {
    ...{ key, title, settings: `${settings}; ${filtering?.settings}`, version: versionOf(contender) },
    ...{ queries: queriesOf(contender, about), loadSeconds, buildSeconds },
  };
}

/** What is worse than in bench/results, a line each. @param {Findings} found @param {string} name */
function checked({ rows, cases }, name) {
  const path = join(resultsHome, `${name}.json`);
  if (!existsSync(path)) return [`bench/results/${name}.json is not there`];
  const earlier = JSON.parse(readFileSync(path, 'utf8'));
  if (earlier.rows !== rows)
    return [`bench/results/${name}.json is of ${earlier.rows} rows and this of ${rows}`];
  return worseCases(cases, earlier.cases);
}

/** @param {Findings} found @param {string} name */
function check(found, name) {
  const worse = [...shortLines(found.cases), ...checked(found, name)];
  for (const line of worse) console.error(`!!! CHECK OF ${name}: ${line}`);
  if (worse.length > 0) process.exitCode = 1;
  else console.log(`check of ${name}: filtered / unfiltered is no worse than it was, and no answer is short`);
}

/** @param {string} key @param {readonly Contender[]} entering */
async function run(key, entering) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-filters-'));
  const name = `filters-${key}`;
  try {
    const rows = flags.rows === undefined ? undefined : Number(flags.rows);
    const set = realSet(key, { rows, queries: Number(flags.queries) });
    new NeighbourJudge(set).mustMatchRows();
    console.log(set.title);
    const found = await measure(filterSet(set), entering, folder);
    const ran = machine();
    const tables = [ownTable(found), ...(found.contenders.length > 1 ? [peerTable(found)] : [])];
    console.log(`\n${[...tables, columnsLine(found.columns)].join('\n\n')}\n`);
    if (flags.check) {
      check(found, name);
      if (flags.results === undefined) return;
    }
    writeResults(flags.results, name, {
      json: { ...ran, ...found },
      md: reportOf(found, machineLine(ran)),
      svg: filtersPlot(found, `${found.set}: queries per second under a uniform filter, at equal recall`),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!(rounds >= 1)) throw new Error(`--rounds is ${flags.rounds} and must be 1 at least`);
const filtering = contenders.filter((contender) => contender.filtering !== undefined);
const entering = chosenOf(filtering, flags.peers ?? (flags.check ? '' : undefined));
for (const key of flags.set === 'both' ? ['fashion', 'arxiv'] : [flags.set]) await run(key, entering);
