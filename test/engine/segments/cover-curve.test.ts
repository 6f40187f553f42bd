/** How many leaves are read for neighbours as far away as were, or were not, measured. */
import { expect, test } from 'vitest';
import { coverPoints, leavesThatCover } from '../../../core/engine/segments/cover-curve.js';
import type { CoverPoint } from '../../../core/engine/segments/cover-curve.js';

const points: readonly CoverPoint[] = [
  { k: 10, leaves: 1, share: 0.9 },
  { k: 10, leaves: 2, share: 0.99 },
  { k: 100, leaves: 4, share: 0.9 },
  { k: 100, leaves: 8, share: 0.98 },
  { k: 1_000, leaves: 16, share: 0.9 },
];

const leavesFor = (rank: number, share: number): number =>
  leavesThatCover(points, { rank, share, rows: 100_000, leaves: 1_024 });

test('points are those that make sense', () => {
  expect(coverPoints({ covers: points })).toEqual(points);
  const wrong = [
    { k: 0 },
    { k: 1.5 },
    { leaves: 0 },
    { share: 1.1 },
    { share: Number.NaN },
    { share: 'all' },
  ];
  for (const over of wrong) expect(coverPoints({ covers: [{ ...points[0], ...over }, null] })).toEqual([]);
  for (const statistics of [undefined, {}, { covers: 'all' }, { covers: Array(1_001).fill(points[0]) }])
    expect(coverPoints(statistics)).toEqual([]);
});

test('what was measured is enough, and between two numbers of neighbours what lies between', () => {
  expect([1, 10].map((rank) => leavesFor(rank, 0.9))).toEqual([1, 1]);
  expect(leavesFor(10, 0.95)).toBe(2);
  // Half of the way, of powers.
  expect(leavesFor(Math.sqrt(1_000), 0.9)).toBe(2);
  expect(leavesFor(100, 0.9)).toBe(4);
  expect(leavesFor(300, 0.9)).toBe(8);
});

test('farther than was measured they grow to all of them', () => {
  expect(leavesFor(10_000, 0.9)).toBe(128);
  expect([100_000, 1e9].map((rank) => leavesFor(rank, 0.9))).toEqual([1_024, 1_024]);
  // Of a thousand such a share was not measured.
  expect(leavesFor(1_000, 0.98)).toBe(Math.ceil(8 * 128 ** (1 / 3)));
  expect(leavesFor(1, 0.995)).toBe(1_024);
  expect(leavesThatCover([], { rank: 3, share: 0.5, rows: 100, leaves: 7 })).toBe(7);
});

test('a share that is too large to be measured is taken for the largest that is', () => {
  const all = [{ k: 10, leaves: 3, share: 0.998 }];
  expect(leavesThatCover(all, { rank: 10, share: 1, rows: 1_000, leaves: 100 })).toBe(3);
});
