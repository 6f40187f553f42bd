/** What is chosen of the points that a segment has measured of itself, what of them is believed, and which candidates are compared. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import { chooseProbe, tryProbeCurve, worstCompared } from '../../../core/engine/segments/probe-curve.js';
import type { ProbePoint } from '../../../core/engine/segments/probe-curve.js';

const point = (over: Partial<ProbePoint>): ProbePoint => ({
  ...{ k: 10, leaves: 4, reach: 0.5, rerank: 20, slack: 0.25, reached: 0.98, lower: 0.96 },
  ...over,
});
const cost = { leafBytes: 1_000, rowBytes: 100, requestBytes: 0 };

describe('the points of a segment', () => {
  test('are those that make sense', () => {
    const sound = point({});
    expect(tryProbeCurve({ probes: [sound] })).toEqual({ probes: [sound], covers: [] });
    const covers = [{ k: 10, leaves: [2], shares: [0.9] }];
    expect(tryProbeCurve({ probes: [sound], covers })).toEqual({ probes: [sound], covers });
    expect(tryProbeCurve({ covers })).toBeUndefined();
    for (const over of [
      { k: 0 },
      { k: limits.k + 1 },
      { leaves: 0.5 },
      { reach: -1 },
      { reach: Infinity },
      { rerank: limits.indexHits + 1 },
      { slack: -0.1 },
      { slack: Number.NaN },
      { reached: -0.1 },
      { lower: 1.1 },
    ])
      expect(tryProbeCurve({ probes: [point(over)] })).toBeUndefined();
    // Not without one of the numbers.
    const { slack: _, ...before } = sound;
    expect(tryProbeCurve({ probes: [before] })).toBeUndefined();
  });

  test('promise a recall at the least bytes', () => {
    const points = [
      point({ leaves: 2, rerank: 80, lower: 0.97 }),
      point({ leaves: 8, rerank: 10, lower: 0.97 }),
      point({ leaves: 40, lower: 0.999 }),
    ];
    const leavesAt = (of: Partial<typeof cost>): number =>
      chooseProbe(points, { k: 10, target: 0.95 }, { ...cost, ...of })!.leaves;
    expect(leavesAt({})).toBe(8);
    expect(leavesAt({ rowBytes: 10 })).toBe(2);
    // 29 requests or 12: three rows take one.
    expect(leavesAt({ rowBytes: 10, requestBytes: 100 })).toBe(2);
    expect(leavesAt({ rowBytes: 10, requestBytes: 1_000 })).toBe(8);
    expect(chooseProbe(points, { k: 10, target: 0.9999 }, cost)).toBeUndefined();
  });

  test('hold nothing of the target back', () => {
    const points = [point({ leaves: 4, lower: 0.95 }), point({ leaves: 8, lower: 0.966 })];
    const leavesFor = (target: number): number => chooseProbe(points, { k: 10, target }, cost)!.leaves;
    expect([0.95, 0.951].map(leavesFor)).toEqual([4, 8]);
  });

  test('are scaled for more neighbours than were measured, without the measure of single queries', () => {
    const one = chooseProbe([point({ k: 100, rerank: 200, lower: 0.99 })], { k: 300, target: 0.95 }, cost)!;
    // How many leaves hold them was measured apart.
    expect(one).toEqual({
      ...{ leaves: 4, reach: 0.5, neighbours: 100, reached: 0.98, rerank: 600 },
      compared: { k: 300, slack: Infinity, most: 900 },
    });
    const measured = chooseProbe([point({ lower: 0.99 })], { k: 7, target: 0.95 }, cost)!;
    expect(measured.compared).toEqual({ k: 7, slack: 0.25, most: 40 });
  });
});

test('what is compared is not much farther than the k-th, and no more than so many', () => {
  const estimates = [1, 2, 3, 3.5, 4, 9];
  expect(worstCompared(estimates, { k: 2, slack: 1.5, most: 10 })).toBe(3.5);
  expect(worstCompared(estimates, { k: 2, slack: 1.5, most: 3 })).toBe(3);
  expect(worstCompared(estimates, { k: 2, slack: Infinity, most: 10 })).toBe(Infinity);
  expect(worstCompared(estimates, { k: 7, slack: 0, most: 10 })).toBe(Infinity);
});
