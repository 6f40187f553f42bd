/** What is compared exactly of the candidates of several segments: decided once all have said what they have, whatever becomes of some. */
import { expect, test } from 'vitest';
import { ProbedTogether } from '../../../core/engine/reads/probed-together.js';

test('the nearest of all are compared, half as many again as of one', async () => {
  const together = new ProbedTogether(3);
  const [a, b, c] = [together.part(), together.part(), together.part()];
  const first = a.offer(Float64Array.of(1, 4, 7, 8), 4);
  let settled = false;
  void first.then(() => (settled = true));
  // One of them is walked, or fails.
  b.end();
  b.end();
  await Promise.resolve();
  expect(settled).toBe(false);
  const second = c.offer(Float64Array.of(2, 3, 5, 6), 4);
  expect(await Promise.all([first, second])).toEqual([6, 6]);
});

test('where one alone has candidates all of them are', async () => {
  const together = new ProbedTogether(2);
  const [a, b] = [together.part(), together.part()];
  const offered = a.offer(Float64Array.of(1, 4, 7, 8), 2);
  b.end();
  expect(await offered).toBe(8);
});

test('fewer than that are all of them', async () => {
  const together = new ProbedTogether(2);
  const offers = [
    together.part().offer(Float64Array.of(1), 10),
    together.part().offer(Float64Array.of(2), 10),
  ];
  expect(await Promise.all(offers)).toEqual([Infinity, Infinity]);
});
