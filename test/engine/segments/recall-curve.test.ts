/** Which search keeps a promise of recall, and what happens to curves that come out of a bucket. */
import { describe, expect, test } from 'vitest';
import { chooseEffort, tryRecallCurve } from '../../../core/engine/segments/recall-curve.js';
import type { RecallCurve } from '../../../core/engine/segments/index.js';

const point = (k: number, ef: number, rerank: number, lower: number): RecallCurve['points'][number] => ({
  ...{ k, ef, rerank, lower },
  recall: Math.min(1, lower + 0.01),
});
const curve: RecallCurve = {
  samples: 500,
  points: [
    point(10, 16, 10, 0.8),
    point(10, 32, 40, 0.93),
    point(10, 64, 10, 0.94),
    point(10, 64, 40, 0.97),
    point(100, 200, 150, 0.96),
    point(1, 8, 4, 0.99),
  ],
};

describe('the cheapest search that keeps the promise', () => {
  test.each([
    [
      { k: 10, target: 0.71 },
      { kind: 'walk', ef: 16, rerank: 10 },
    ],
    [
      { k: 10, target: 0.9 },
      { kind: 'walk', ef: 40, rerank: 40 },
    ],
    [
      { k: 10, target: 0.91 },
      { kind: 'walk', ef: 64, rerank: 10 },
    ],
    [
      { k: 10, target: 0.95 },
      { kind: 'walk', ef: 64, rerank: 40 },
    ],
    // 0.972 with what is kept back, which no walk reaches: then without.
    [
      { k: 10, target: 0.96 },
      { kind: 'walk', ef: 64, rerank: 40 },
    ],
    [
      { k: 1, target: 0.95 },
      { kind: 'walk', ef: 8, rerank: 4 },
    ],
    [
      { k: 7, target: 0.95 },
      { kind: 'walk', ef: 64, rerank: 40 },
    ],
    [
      { k: 11, target: 0.95 },
      { kind: 'walk', ef: 200, rerank: 150 },
    ],
    [
      { k: 1_000, target: 0.95 },
      { kind: 'walk', ef: 2_000, rerank: 1_500 },
    ],
    [
      { k: 10, target: 0.98 },
      { kind: 'scan', rerank: 40 },
    ],
    [
      { k: 10_000, target: 0.95 },
      { kind: 'scan', rerank: 20_000 },
    ],
    [{ k: 1, target: 1 }, { kind: 'exact' }],
  ])('%j', ({ k, target }, expected) => {
    expect(chooseEffort(curve, { k, wanted: { targetRecall: target }, graph: true })).toEqual(expected);
  });

  test('without a graph all codes are looked at, and what a caller says counts', () => {
    const flat = { k: 10, graph: false };
    expect(chooseEffort(curve, { ...flat, wanted: { targetRecall: 0.5 } })).toEqual({
      kind: 'scan',
      rerank: 40,
    });
    expect(chooseEffort(curve, { ...flat, wanted: { exact: true } })).toEqual({ kind: 'exact' });
    expect(chooseEffort(curve, { k: 10, graph: true, wanted: { ef: 5 } })).toMatchObject({
      kind: 'walk',
      ef: 10,
    });
    expect(chooseEffort(undefined, { k: 10, graph: true, wanted: { targetRecall: 0.5 } })).toMatchObject({
      kind: 'walk',
      ef: 128,
    });
  });
});

test('what is no curve is none', () => {
  expect(tryRecallCurve(structuredClone(curve))).toEqual(curve);
  const others: unknown[] = [null, undefined, 7, [], {}, { samples: 1 }, { samples: 1, points: [] }];
  const wrong = [
    { ef: -1 },
    { ef: 1e9 },
    { ef: 1.5 },
    { lower: 2 },
    { lower: '1' },
    { k: 0 },
    { rerank: null },
  ];
  for (const part of wrong) others.push({ samples: 1, points: [{ ...curve.points[0], ...part }] });
  others.push({ samples: 1, points: Array.from({ length: 5_000 }, () => curve.points[0]) });
  for (const other of others) expect(tryRecallCurve(other)).toBeUndefined();
});

describe('a walk of a given width', () => {
  const of = (k: number, ef: number, known: RecallCurve | undefined): unknown =>
    chooseEffort(known, { k, wanted: { ef }, graph: true });

  test('is reranked as deep as was found to pay', () => {
    expect(of(10, 64, curve)).toEqual({ kind: 'walk', ef: 64, rerank: 40 });
    const flat = { ...curve, points: [...curve.points, point(10, 96, 10, 0.97), point(10, 96, 40, 0.9701)] };
    expect(of(10, 100, flat)).toEqual({ kind: 'walk', ef: 100, rerank: 10 });
    expect(of(5, 100, flat)).toEqual({ kind: 'walk', ef: 100, rerank: 5 });
  });

  test('is reranked deeply where nothing was measured', () => {
    expect(of(10, 64, undefined)).toEqual({ kind: 'walk', ef: 64, rerank: 32 });
    expect(of(10, 12, curve)).toEqual({ kind: 'walk', ef: 12, rerank: 12 });
  });
});
