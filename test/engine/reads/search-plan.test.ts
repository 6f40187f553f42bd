/** Strategy: the plan at each side of each border between plans, and that no plan asks for more than there is. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import { planSearch } from '../../../core/engine/reads/search-plan.js';

const walk = { kind: 'walk', ef: 50, reach: 0, rerank: 20 } as const;

describe('the plan of a search', () => {
  test.each([
    ['all rows', 100_000, 100_000, { kind: 'masked', ef: 50, reach: 0 }],
    ['most rows: as much wider', 100_000, 50_000, { kind: 'masked', ef: 100, reach: 0 }],
    ['the least that is masked', 100_000, 30_000, { kind: 'masked', ef: 167, reach: 0 }],
    ['fewer', 100_000, 29_999, { kind: 'allowed', ef: 56, reach: 0 }],
    ['the least that is walked', 100_000, 5_000, { kind: 'allowed', ef: 80, reach: 0 }],
    ['fewer', 100_000, 4_999, { kind: 'scan' }],
    ['few rows, but most of them', 3_000, 2_999, { kind: 'scan' }],
    ['a few more', 6_000, 3_001, { kind: 'masked', ef: 100, reach: 0 }],
    ['all of few rows: nothing is filtered', 3_000, 3_000, { kind: 'masked', ef: 50, reach: 0 }],
  ] as const)('of %s (%i, %i)', (_, rows, count, plan) => {
    expect(planSearch({ rows, count, k: 10 }, walk)).toEqual(plan);
  });

  test('of a bounded walk has room for more, within the limits', () => {
    const bounded = { ...walk, reach: 1.3 };
    expect(planSearch({ rows: 100_000, count: 50_000, k: 10 }, bounded)).toEqual({
      kind: 'masked',
      ef: 200,
      reach: 1.3,
    });
    const wide = { ...walk, ef: limits.walkCandidates - 1, reach: 1.3 };
    expect(planSearch({ rows: 10_000_000, count: 4_000_000, k: 10 }, wide)).toMatchObject({
      ef: limits.walkCandidates,
    });
    expect(planSearch({ rows: 60, count: 60, k: 10 }, bounded)).toMatchObject({ ef: 60 });
  });

  test('of a walk no wider than what is wanted has room for chance', () => {
    const narrow = { ...walk, ef: 10 };
    expect(planSearch({ rows: 100_000, count: 100_000, k: 10 }, narrow)).toMatchObject({ ef: 10 });
    expect(planSearch({ rows: 100_000, count: 50_000, k: 10 }, narrow)).toMatchObject({ ef: 34 });
  });

  test('of what is not to be walked is a scan', () => {
    expect(planSearch({ rows: 10, count: 10, k: 10 }, { kind: 'scan', rerank: 40 })).toEqual({
      kind: 'scan',
    });
  });
});
