/** What answers under a filter are worth: recall by distance among the rows that match, and whether all that must come did. */
import { K } from '../contenders/conditions.mjs';
import { idsOf } from '../contenders/entrants.mjs';
import { NeighbourJudge } from '../true-neighbours.mjs';
import { holds } from './field-test.mjs';

/**
 * @typedef {object} Verdict
 * @property {number} recall of all that could be found: min(k, matches) of each query
 * @property {number} short answers of fewer than min(k, matches)
 */

/**
 * Throws where a row does not match: then the filter was none, and nothing of this can be compared.
 * @param {Pick<import('./filter-cases.mjs').FilterSet, 'set' | 'fields'>} about
 * @param {import('./filter-cases.mjs').FilterCase} asked
 * @param {readonly (readonly (string | number)[])[]} answers of the first queries
 * @returns {Verdict}
 */
export function judgeAnswers({ set, fields }, { title, tests, matches, neighbours }, answers) {
  const judge = new NeighbourJudge({ ...set, neighbours });
  let [hits, wanted, short] = [0, 0, 0];
  for (const [query, answer] of answers.entries()) {
    const ids = idsOf(answer, set.ids);
    const test = tests?.[query];
    const values = fields.find(({ name }) => name === test?.field)?.values;
    const wrong =
      test && ids.find((id) => !holds(test, /** @type {any} */ (values?.[judge.rowOf.get(id) ?? -1])));
    if (wrong !== undefined)
      throw new Error(`${title}: query ${query} answers ${wrong}, which does not match`);
    const k = Math.min(K, matches[query] ?? 0);
    wanted += k;
    if (new Set(ids).size < k) short++;
    hits += judge.hits(query, ids, k);
  }
  return { recall: wanted === 0 ? 1 : hits / wanted, short };
}
