/** Which search keeps a promise of recall, and what happens to curves that come out of a bucket. */
import { describe, expect, test } from 'vitest';
import { chooseEffort, tryRecallCurve } from '../../../core/engine/segments/recall-curve.js';
import type { RecallCurve } from '../../../core/engine/segments/index.js';

const point = (k: number, ef: number, rerank: number, lower: number): RecallCurve['points'][number] => ({
  ...{ k, ef, reach: 0, rerank, lower },
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
      { kind: 'walk', ef: 16, reach: 0, rerank: 10 },
    ],
    [
      { k: 10, target: 0.9 },
      { kind: 'walk', ef: 40, reach: 0, rerank: 40 },
    ],
    [
      { k: 10, target: 0.91 },
      { kind: 'walk', ef: 64, reach: 0, rerank: 10 },
    ],
    [
      { k: 10, target: 0.95 },
      { kind: 'walk', ef: 64, reach: 0, rerank: 40 },
    ],
    // 0.972 with what is kept back, which no walk reaches: then without.
    [
      { k: 10, target: 0.96 },
      { kind: 'walk', ef: 64, reach: 0, rerank: 40 },
    ],
    [
      { k: 1, target: 0.95 },
      { kind: 'walk', ef: 8, reach: 0, rerank: 4 },
    ],
    [
      { k: 7, target: 0.95 },
      { kind: 'walk', ef: 64, reach: 0, rerank: 40 },
    ],
    [
      { k: 11, target: 0.95 },
      { kind: 'walk', ef: 200, reach: 0, rerank: 150 },
    ],
    [
      { k: 1_000, target: 0.95 },
      { kind: 'walk', ef: 2_000, reach: 0, rerank: 1_500 },
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
    expect(chooseEffort(curve, { k, wanted: { targetRecall: target }, graph: true, coarse: false })).toEqual(
      expected,
    );
  });

  test('without a graph all codes are looked at, and what a caller says counts', () => {
    const flat = { k: 10, graph: false, coarse: false };
    expect(chooseEffort(curve, { ...flat, wanted: { targetRecall: 0.5 } })).toEqual({
      kind: 'scan',
      rerank: 40,
    });
    expect(chooseEffort(curve, { ...flat, wanted: { exact: true } })).toEqual({ kind: 'exact' });
    expect(chooseEffort(curve, { k: 10, graph: true, coarse: false, wanted: { ef: 5 } })).toMatchObject({
      kind: 'walk',
      ef: 10,
    });
    expect(
      chooseEffort(undefined, { k: 10, graph: true, coarse: false, wanted: { targetRecall: 0.5 } }),
    ).toMatchObject({
      kind: 'walk',
      ef: 128,
    });
  });
});

describe('coarse codes', () => {
  const scan = (k: number, rerank: number, lower: number): NonNullable<RecallCurve['scans']>[number] => ({
    ...{ k, rerank, lower },
    recall: Math.min(1, lower + 0.01),
  });
  const coarse: RecallCurve = {
    ...curve,
    scans: [
      scan(10, 10, 0.5),
      scan(10, 40, 0.9),
      scan(10, 160, 0.98),
      scan(10, 320, 0.985),
      scan(1, 32, 0.97),
    ],
  };
  const of = (known: RecallCurve | undefined, k: number, targetRecall: number): unknown =>
    chooseEffort(known, { k, wanted: { targetRecall }, graph: true, coarse: true });

  test('are walked where that reaches the target, and else scanned as deep as it takes', () => {
    expect(of(coarse, 10, 0.95)).toEqual({ kind: 'walk', ef: 64, reach: 0, rerank: 40 });
    // 0.9825 with what is kept back.
    expect(of(coarse, 10, 0.975)).toEqual({ kind: 'scan', rerank: 320 });
    expect(of(coarse, 10, 0.984)).toEqual({ kind: 'scan', rerank: 320 });
    expect(of(coarse, 20, 0.975)).toEqual({ kind: 'scan', rerank: 640 });
  });

  test('are scanned where a sample has met a target that it is too small to promise, and else passed over', () => {
    expect(of(coarse, 10, 0.99)).toEqual({ kind: 'scan', rerank: 320 });
    expect(of(coarse, 10, 0.999)).toEqual({ kind: 'exact' });
    // Twice as deep as an index answers.
    expect(of(coarse, 1_250, 0.975)).toEqual({ kind: 'exact' });
  });

  test('of which nothing is known are compared deep', () => {
    expect(of(undefined, 10, 0.9)).toEqual({ kind: 'walk', ef: 320, reach: 0, rerank: 160 });
    const without = { k: 10, wanted: { ef: 200 }, graph: true, coarse: true };
    expect(chooseEffort(undefined, without)).toEqual({ kind: 'walk', ef: 200, reach: 0, rerank: 160 });
  });

  test('have curves that come back whole, but for what makes no sense', () => {
    expect(tryRecallCurve(structuredClone(coarse))).toEqual(coarse);
    const bad = [...coarse.scans!, { k: 10, rerank: 0, recall: 1, lower: 1 }, null];
    expect(tryRecallCurve({ ...coarse, scans: bad })).toEqual(coarse);
    expect(tryRecallCurve({ ...coarse, scans: 7 })).toBeUndefined();
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
    { reach: 0.5 },
    { reach: Infinity },
    { reach: undefined },
  ];
  for (const part of wrong) others.push({ samples: 1, points: [{ ...curve.points[0], ...part }] });
  others.push({ samples: 1, points: Array.from({ length: 5_000 }, () => curve.points[0]) });
  for (const other of others) expect(tryRecallCurve(other)).toBeUndefined();
});

describe('a walk of a given width', () => {
  const of = (k: number, ef: number, known: RecallCurve | undefined): unknown =>
    chooseEffort(known, { k, wanted: { ef }, graph: true, coarse: false });

  test('is reranked as deep as was found to pay', () => {
    expect(of(10, 64, curve)).toEqual({ kind: 'walk', ef: 64, reach: 0, rerank: 40 });
    const flat = { ...curve, points: [...curve.points, point(10, 96, 10, 0.97), point(10, 96, 40, 0.9701)] };
    expect(of(10, 100, flat)).toEqual({ kind: 'walk', ef: 100, reach: 0, rerank: 10 });
    expect(of(5, 100, flat)).toEqual({ kind: 'walk', ef: 100, reach: 0, rerank: 5 });
  });

  test('is bounded as walks of about its width were', () => {
    const bounded = (ef: number, reach: number) => ({ ...point(10, ef, 10, 0.9), reach });
    const known = { samples: 500, points: [bounded(16, 1.1), bounded(32, 1.2), bounded(64, 1.4)] };
    const reachAt = (k: number, ef: number): number => (of(k, ef, known) as { reach: number }).reach;
    expect(reachAt(10, 32)).toBeCloseTo(1.2, 10);
    expect(reachAt(10, 45)).toBeCloseTo(1.2 + 0.2 * Math.log2(45 / 32), 10);
    expect(reachAt(10, 128)).toBeCloseTo(1.6, 10);
    expect(reachAt(3, 12)).toBeCloseTo(1.1 + 0.1 * Math.log2(12 / 16), 10);
    expect(reachAt(1, 2)).toBe(1.01);
    expect(of(10, 32, { ...known, points: known.points.slice(1, 2) })).toMatchObject({ reach: 0 });
  });

  test('is reranked deeply where nothing was measured', () => {
    expect(of(10, 64, undefined)).toEqual({ kind: 'walk', ef: 64, reach: 0, rerank: 32 });
    expect(of(10, 12, curve)).toEqual({ kind: 'walk', ef: 12, reach: 0, rerank: 12 });
  });
});
