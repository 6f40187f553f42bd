/** How many leaves are read for neighbours as far away as were, or were not, measured. */
import { expect, test } from 'vitest';
import { coversIn, leavesThatCover } from '../../../core/engine/segments/cover-curve.js';
import type { Cover } from '../../../core/engine/segments/cover-curve.js';

const covers: readonly Cover[] = [
  { k: 10, leaves: [1, 2], shares: [0.9, 0.99] },
  { k: 100, leaves: [4, 8], shares: [0.9, 0.98] },
  { k: 1_000, leaves: [16], shares: [0.9] },
];

const leavesFor = (rank: number, share: number): number =>
  leavesThatCover(covers, { rank, share, rows: 100_000, leaves: 1_024 });

test('covers are those that make sense, the nearest neighbours first', () => {
  expect(coversIn({ covers: covers.toReversed() })).toEqual(covers);
  const wrong = [
    ...[{ k: 0 }, { k: 1.5 }, { leaves: [1, 0] }, { leaves: 2 }, { leaves: Array(201).fill(1) }],
    ...[{ shares: [1.1] }, { shares: [Number.NaN] }, { shares: 'all' }, { shares: [0.5, null] }],
  ];
  for (const over of wrong) expect(coversIn({ covers: [{ ...covers[0], ...over }, null] })).toEqual([]);
  for (const statistics of [undefined, {}, { covers: 'all' }, { covers: Array(17).fill(covers[0]) }])
    expect(coversIn(statistics)).toEqual([]);
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
  const all = [{ k: 10, leaves: [3], shares: [0.998] }];
  expect(leavesThatCover(all, { rank: 10, share: 1, rows: 1_000, leaves: 100 })).toBe(3);
});
