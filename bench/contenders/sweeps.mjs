/** Contenders in rounds: each sweeps over its efforts in turn, and of each effort the fastest round counts. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NeighbourJudge } from '../true-neighbours.mjs';
import { K } from './conditions.mjs';
import { tryCore } from './contender-child.mjs';
import { enter, fasterOf, idsOf, leaveOut } from './entrants.mjs';
import { writeInput } from './input-files.mjs';

/** @typedef {import('./contender.mjs').Point} Point */
/** @typedef {import('./entrants.mjs').Entrant & { sweep: Point[] }} Swept */

/**
 * Whoever fails is left out. Their processes have ended once this settles.
 * @param {import('../real-sets.mjs').BenchSet} set
 * @param {readonly import('./contender.mjs').Contender[]} entering
 * @param {{ folder: string, rounds: number, lineOf: (entrant: Swept) => string }} options `lineOf`: what is said of one whose index is open
 * @returns {Promise<{ entrants: Swept[], pinned: boolean }>}
 */
export async function sweepInRounds(set, entering, { folder, rounds, lineOf }) {
  const judge = new NeighbourJudge(set);
  judge.mustMatchRows();
  const input = join(folder, 'input');
  mkdirSync(input);
  writeInput(set, input);
  const core = tryCore();
  if (core === undefined)
    console.error('!!! NOT PINNED: there is no taskset; other cores may help whoever uses them');
  console.log(set.title);
  /** @type {Swept[]} */
  let entrants = [];
  const stores = new Map();
  try {
    for (const contender of entering) {
      try {
        const entrant = { ...(await enter(contender, { folder, input, core, stores })), sweep: [] };
        entrants.push(entrant);
        console.log(`  ${lineOf(entrant)}`);
      } catch (error) {
        leaveOut(contender, error);
      }
    }
    for (let at = 0; at < rounds; at++) {
      for (const entrant of entrants) {
        try {
          await sweepOnce(entrant, judge);
        } catch (error) {
          leaveOut(entrant.contender, error);
          entrants = entrants.filter((other) => other !== entrant);
          await entrant.child.stop();
        }
      }
      console.log(`  round ${at + 1} of ${rounds}`);
    }
  } finally {
    for (const { child } of entrants) await child.stop();
  }
  return { entrants, pinned: core !== undefined };
}

/**
 * One sweep, of which what was faster than before stays.
 * @param {Swept} entrant @param {NeighbourJudge} judge
 */
async function sweepOnce(entrant, judge) {
  const first = entrant.sweep.length === 0;
  const { points, answers } = await entrant.child.call('sweep', { withAnswers: first });
  entrant.sweep = fasterOf(entrant.sweep, points, (at) => ({
    ...points[at],
    recall: points[at].recall ?? recallOf(answers[at], judge),
  }));
}

/** @param {readonly (readonly (string | number)[])[]} answers @param {NeighbourJudge} judge */
function recallOf(answers, judge) {
  const { ids } = judge.set;
  const k = Math.min(K, ids.length);
  const hits = answers.reduce((sum, answer, query) => sum + judge.hits(query, idsOf(answer, ids), k), 0);
  return hits / (answers.length * k);
}
