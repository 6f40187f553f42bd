/** Places among numbers that come several times, before all and behind all. */
import { expect, test } from 'vitest';
import { lowerBound, upperBound } from '../../core/base/ascending.js';

test.each([
  [0, 0, 0],
  [1, 0, 1],
  [2, 1, 4],
  [3, 4, 4],
  [7, 4, 5],
  [8, 5, 5],
])('%i lies from %i to %i', (number, from, to) => {
  const numbers = Uint32Array.of(1, 2, 2, 2, 7);
  expect([lowerBound(numbers, number), upperBound(numbers, number)]).toEqual([from, to]);
  expect([lowerBound([], number), upperBound([], number)]).toEqual([0, 0]);
});
