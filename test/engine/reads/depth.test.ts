/** Strategy: distances in the order of candidates, with the nearest where they are wanted: in the first half, late, or behind one another. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import { deeper, isDeepEnough } from '../../../core/engine/reads/depth.js';
import type { Compared } from '../../../core/engine/reads/depth.js';

/** 80 candidates of 1,000 rows, of which those at `places` are the nearest. */
function compared(places: readonly number[], more: Partial<Compared> = {}): Compared {
  const distances = Float32Array.from(
    { length: 80 },
    (_, place) => (places.includes(place) ? place : 1_000) - 500,
  );
  return { distances, visited: 1_000, count: 1_000, k: 10, wanted: { targetRecall: 0.95 }, ...more };
}

const early = [0, 1, 2, 5, 9, 12, 15, 20, 30, 39];
const late = (count: number): number[] => [
  ...early.slice(count),
  ...early.slice(0, count).map((at) => at + 40),
];

describe('candidates are deep enough', () => {
  it('where none of the nearest lies in their second half', () => {
    expect(isDeepEnough(compared(early))).toBe(true);
    expect(isDeepEnough(compared(late(1)))).toBe(false);
    expect(isDeepEnough(compared(late(1), { wanted: { targetRecall: 0.75 } }))).toBe(true);
    expect(isDeepEnough(compared(late(2), { wanted: { targetRecall: 0.75 } }))).toBe(false);
  });

  it('where one that is as near lies in the first half', () => {
    const alike = new Float32Array(80).fill(5);
    expect(isDeepEnough({ ...compared([]), distances: alike })).toBe(true);
    expect(isDeepEnough({ ...compared([]), distances: alike.slice().fill(4, 75) })).toBe(false);
    expect(isDeepEnough({ ...compared([]), distances: alike.slice().fill(6, 0, 40) })).toBe(false);
  });

  it('for one by where the ten nearest lie', () => {
    expect(isDeepEnough(compared(late(1), { k: 1 }))).toBe(false);
    expect(isDeepEnough(compared(early, { k: 1 }))).toBe(true);
  });

  it('where rows were passed over, all there are were compared, or no recall is asked for', () => {
    expect(isDeepEnough(compared(late(5), { visited: 999 }))).toBe(true);
    expect(isDeepEnough(compared(late(5), { wanted: { ef: 40 } }))).toBe(true);
    expect(isDeepEnough(compared(late(5), { distances: new Float32Array(9) }))).toBe(true);
    const distances = new Float32Array(limits.indexHits).fill(5).fill(0, -100);
    expect(isDeepEnough(compared([], { distances }))).toBe(true);
    expect(isDeepEnough(compared([], { distances: distances.slice(1) }))).toBe(false);
  });
});

it('goes deeper by scans, up to what a search answers', () => {
  expect(deeper({ kind: 'walk', ef: 60, reach: 0, rerank: 50 })).toEqual({ kind: 'scan', rerank: 200 });
  expect(deeper({ kind: 'scan', rerank: 10_000 })).toEqual({ kind: 'scan', rerank: limits.indexHits });
});
