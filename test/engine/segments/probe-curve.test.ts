import { expect, test } from 'vitest';
import { chooseProbe } from '../../../core/engine/segments/index.js';
import type { ProbePoint } from '../../../core/engine/segments/index.js';

const cost = { leafBytes: 60_000, rowBytes: 19_000 };
const point = (k: number, leaves: number, rerank: number, lower = 0.99): ProbePoint => ({
  ...{ k, leaves, reach: leaves / 10 },
  ...{ rerank, lower },
});
const points = [point(1, 2, 4), point(3, 5, 9), point(6, 9, 18), point(10, 14, 30)];

test('a segment is probed for as many of the nearest as it may well hold', () => {
  const chosen = (k: number, share: number): unknown => chooseProbe(points, { k, target: 0.9, share }, cost);
  expect(chosen(10, 1)).toEqual({ leaves: 14, reach: 1.4, rerank: 30 });
  // 4 and a deviation of 1.5; what is compared exactly is a matter of all segments.
  expect(chosen(10, 0.4)).toEqual({ leaves: 9, reach: 0.9, rerank: 30 });
  expect(chosen(10, 0.15)).toEqual({ leaves: 5, reach: 0.5, rerank: 30 });
  expect(chosen(10, 0.001)).toEqual({ leaves: 2, reach: 0.2, rerank: 30 });
  expect(chosen(10, 0)).toEqual({ leaves: 2, reach: 0.2, rerank: 30 });
  expect(chosen(1, 0.5)).toEqual({ leaves: 2, reach: 0.2, rerank: 4 });
});

test('a promise that is not kept for all of k is none', () => {
  const weak = [point(1, 2, 4), point(3, 5, 9), point(10, 14, 30, 0.8)];
  expect(chooseProbe(weak, { k: 10, target: 0.95, share: 0.1 }, cost)).toBeUndefined();
});
