/** Strategy: the plan at each side of each border between plans, and that no plan asks for more than there is. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import { coarseOf, planMasked, planSearch, planWider } from '../../../core/engine/reads/search-plan.js';

const walk = { kind: 'walk', ef: 50, reach: 0, rerank: 20 } as const;

describe('the plan of a search', () => {
  test.each([
    ['all rows', 100_000, 100_000, { kind: 'masked', ef: 50, reach: 0, share: 1 }],
    ['most rows: as much wider', 100_000, 50_000, { kind: 'masked', ef: 100, reach: 0, share: 0.5 }],
    ['the least that is masked', 100_000, 45_000, { kind: 'masked', ef: 112, reach: 0, share: 0.45 }],
    ['fewer', 100_000, 44_999, { kind: 'allowed', ef: 56, reach: 0 }],
    ['the least that is walked', 100_000, 5_000, { kind: 'allowed', ef: 100, reach: 0 }],
    ['fewer', 100_000, 4_999, { kind: 'scan' }],
    ['few rows, but most of them', 3_300, 3_200, { kind: 'scan' }],
    ['a few more', 6_402, 3_201, { kind: 'masked', ef: 100, reach: 0, share: 0.5 }],
    ['all of few rows: nothing is filtered', 2_000, 2_000, { kind: 'masked', ef: 50, reach: 0, share: 1 }],
  ] as const)('of %s (%i, %i)', (_, rows, count, plan) => {
    expect(planSearch({ rows, count, k: 10 }, walk)).toEqual(plan);
  });

  test('of a bounded walk has room for more, within the limits', () => {
    const bounded = { ...walk, reach: 1.3 };
    expect(planSearch({ rows: 100_000, count: 50_000, k: 10 }, bounded)).toEqual({
      kind: 'masked',
      ef: 200,
      reach: 1.3,
      share: 0.5,
    });
    const wide = { ...walk, ef: limits.walkCandidates - 1, reach: 1.3 };
    expect(planSearch({ rows: 10_000_000, count: 4_000_000, k: 10 }, wide)).toMatchObject({
      ef: limits.walkCandidates,
    });
    expect(planSearch({ rows: 60, count: 60, k: 10 }, bounded)).toMatchObject({ ef: 60 });
  });

  test('of a walk no wider than what is wanted has room for chance', () => {
    const narrow = { ...walk, ef: 10 };
    expect(planSearch({ rows: 100_000, count: 100_000, k: 10 }, narrow)).toMatchObject({
      ef: 10,
    });
    expect(planSearch({ rows: 100_000, count: 50_000, k: 10 }, narrow)).toMatchObject({
      ef: 34,
    });
  });

  test('of what is not to be walked is a scan', () => {
    expect(planSearch({ rows: 10, count: 10, k: 10 }, { kind: 'scan', rerank: 40 })).toEqual({
      kind: 'scan',
    });
  });

  test('of what a filter seeks is as wide as the part that is allowed around the query asks for', () => {
    expect(planMasked({ share: 0.8, k: 10, rows: 100_000 }, walk)).toEqual({
      ...{ kind: 'masked', ef: 63, reach: 0, share: 0.8 },
    });
  });

  test('of a walk of whose candidates too few counted is wider, or a scan where that costs less', () => {
    const planned = { rows: 100_000, count: 64_000, k: 10 };
    expect(planWider(planned, walk, 0.05)).toEqual({ kind: 'masked', ef: 1_000, reach: 0, share: 0.05 });
    expect(planWider(planned, walk, 0.049)).toBeUndefined();
    expect(planWider(planned, walk, 0)).toBeUndefined();
  });

  test('of a scan compares the best by fewer dimensions, but not where these are most', () => {
    expect(coarseOf(401, { ...walk, ef: 100 }, false)).toBe(200);
    expect(coarseOf(400, { ...walk, ef: 100 }, false)).toBeUndefined();
    expect(coarseOf(1_000, { ...walk, ef: 10 }, false)).toBe(128);
    expect(coarseOf(4_097, walk, true)).toBe(2_048);
    expect(coarseOf(4_096, walk, true)).toBeUndefined();
    expect(coarseOf(100_000, { kind: 'scan', rerank: 40 }, false)).toBeUndefined();
  });
});
