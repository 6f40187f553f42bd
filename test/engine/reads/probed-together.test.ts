/** What is compared exactly of the candidates of several segments: decided once all have said what they have, whatever becomes of some. */
import { expect, test } from 'vitest';
import { ProbedTogether } from '../../../core/engine/reads/probed-together.js';
import type { Estimated } from '../../../core/engine/segments/index.js';

const estimated = (compared: Partial<Estimated['compared']>, ...distances: number[]): Estimated => ({
  distances: Float64Array.from(distances),
  compared: { k: 2, slack: Infinity, most: 100, ...compared },
});

test('those are compared that are not much farther than the k-th of all', async () => {
  const together = new ProbedTogether(3);
  const [a, b, c] = [together.part(), together.part(), together.part()];
  const first = a.offer(estimated({ slack: 3 }, 1, 4, 7, 8));
  let settled = false;
  void first.then(() => (settled = true));
  // One of them is walked, or fails.
  b.end();
  b.end();
  await Promise.resolve();
  expect(settled).toBe(false);
  // Of several the slack of the one that needs the most.
  const second = c.offer(estimated({ slack: 2.5 }, 2, 3, 5, 6));
  expect(await Promise.all([first, second])).toEqual([5, 5]);
});

test('and no more of all than one would compare', async () => {
  const together = new ProbedTogether(2);
  const offers = [
    together.part().offer(estimated({ most: 3 }, 1, 4)),
    together.part().offer(estimated({ most: 3 }, 2, 3)),
  ];
  expect(await Promise.all(offers)).toEqual([3, 3]);
});

test('fewer than are wanted are all of them', async () => {
  const together = new ProbedTogether(2);
  const offers = [
    together.part().offer(estimated({ k: 10, slack: 0 }, -1)),
    together.part().offer(estimated({ k: 10, slack: 0 }, 2)),
  ];
  expect(await Promise.all(offers)).toEqual([Infinity, Infinity]);
});

test('distances may all be below zero', async () => {
  const together = new ProbedTogether(1);
  expect(await together.part().offer(estimated({ k: 1, slack: 1 }, -9, -8.5, -3))).toBe(-8);
});
