/** The sets of the benches, real or generated: fewer queries have fewer neighbours, and the same ones. */
import { expect, it } from 'vitest';
import { realSet } from '../../bench/real-sets.mjs';
import { NeighbourJudge, NEIGHBOURS } from '../../bench/true-neighbours.mjs';

it('cuts the neighbours with the queries', () => {
  const set = realSet('arxiv', { queries: 3 });
  expect(set.queries.length / set.dimension).toBe(3);
  expect(set.neighbours).toHaveLength(3 * NEIGHBOURS);
  expect(() => new NeighbourJudge(set).mustMatchRows()).not.toThrow();
});
