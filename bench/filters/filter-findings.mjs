/** What the sweeps under filters come to: speed beside that without a filter, beside peers, against the bars, and the check of it. */
import { TARGET_RECALL } from '../contenders/conditions.mjs';
import { OWN } from '../contenders/entrants.mjs';
import { lineIfWorse, qpsAt } from '../contenders/qps-at-recall.mjs';
import { quantile } from '../latencies.mjs';

/** The share of Cairn's unfiltered speed that it must keep, and where few rows match. */
export const BAR = 0.5;
export const RARE_BAR = 1;
export const RARE_SHARE = 0.01;

/** @typedef {import('../contenders/contender.mjs').Point & import('./filter-judge.mjs').Verdict} Judged */

/**
 * @typedef {object} CaseFinding
 * @property {string} key
 * @property {string} title
 * @property {number} share of the rows that match, for the median query
 * @property {number} least rows that match
 * @property {number} most
 * @property {Judged} own
 * @property {number} ofUnfiltered Cairn's speed / that without a filter
 * @property {number} bar
 * @property {'pass' | 'recall below' | 'below'} verdict speed at a recall that was not reached is none
 * @property {number} at recall of the comparison
 * @property {Record<string, { qps: number | null, ratio: number | null }>} peers `ratio`: Cairn / peer
 * @property {Record<string, readonly Judged[]>} sweeps by contender
 */

/** @typedef {Record<string, Record<string, readonly Judged[]>>} Sweeps by case and contender */

/**
 * @param {readonly import('./filter-cases.mjs').FilterCase[]} cases the first of them without a filter
 * @param {Sweeps} sweeps
 * @param {number} rows
 * @returns {CaseFinding[]}
 */
export function caseFindings(cases, sweeps, rows) {
  const ownOf = (/** @type {string} */ key) => sweeps[key]?.[OWN]?.at(-1);
  const unfiltered = ownOf(cases[0]?.key ?? '');
  return cases.flatMap(({ key, title, matches }) => {
    const own = ownOf(key);
    if (own === undefined || unfiltered === undefined) return [];
    const share = quantile(matches, 0.5) / rows;
    const ofUnfiltered = own.qps / unfiltered.qps;
    const bar = share < RARE_SHARE ? RARE_BAR : BAR;
    const at = Math.min(own.recall, TARGET_RECALL);
    const others = Object.entries(sweeps[key] ?? {}).filter(([name]) => name !== OWN);
    const peers = others.map(([name, sweep]) => {
      const qps = qpsAt(sweep, at);
      return [name, { qps, ratio: qps === null ? null : own.qps / qps }];
    });
    const [least, most] = [Math.min(...matches), Math.max(...matches)];
    return [
      {
        ...{
          key,
          title,
          share,
          least,
          most,
          own,
          ofUnfiltered,
          bar,
          verdict: verdictOf(own, ofUnfiltered, bar),
          at,
        },
        ...{ peers: Object.fromEntries(peers), sweeps: sweeps[key] ?? {} },
      },
    ];
  });
}

/** @param {Judged} own @param {number} ofUnfiltered @param {number} bar @returns {CaseFinding['verdict']} */
function verdictOf({ recall }, ofUnfiltered, bar) {
  if (recall < TARGET_RECALL) return 'recall below';
  return ofUnfiltered >= bar ? 'pass' : 'below';
}

/** Answers of Cairn with fewer rows than they must have, a line for each case. @param {readonly CaseFinding[]} cases */
export function shortLines(cases) {
  return cases
    .filter(({ own }) => own.short > 0)
    .map(({ title, own }) => `${title}: ${own.short} answers have fewer than min(k, matches) rows`);
}

/**
 * What is slower beside the unfiltered speed than it was, a line each.
 * @param {readonly Pick<CaseFinding, 'key' | 'title' | 'ofUnfiltered'>[]} cases
 * @param {readonly Pick<CaseFinding, 'key' | 'ofUnfiltered'>[]} earlier
 */
export function worseCases(cases, earlier) {
  return cases.flatMap(({ key, title, ofUnfiltered }) => {
    const then = earlier.find((one) => one.key === key)?.ofUnfiltered;
    return lineIfWorse(`under ${title}`, ofUnfiltered, then);
  });
}
