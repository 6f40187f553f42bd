/** From the kernels' distances to the scores that users see. */
import { expect, test } from 'vitest';
import { cosineScale, higherIsNearer, metrics, scoreOf } from '../../core/kernel/index.js';

test.each([
  ['euclidean', 25, 5],
  ['manhattan', 7, 7],
  ['dot', -3.5, 3.5],
  ['dot', 0, 0],
  ['cosine', -2, 0.5],
  ['cosine', 4.000001, -1],
  ['cosine', -4.000001, 1],
] as const)('%s: distance %f is score %f', (metric, distance, score) => {
  expect(scoreOf(metric, distance, 0.25)).toBe(score);
});

test('similarities are nearer when higher, distances when lower', () => {
  expect(metrics.map(higherIsNearer)).toEqual([true, false, true, false]);
});

test('scores keep the order of distances', () => {
  for (const metric of metrics) {
    const near = scoreOf(metric, 0.25, 1);
    const far = scoreOf(metric, 0.5, 1);
    expect(higherIsNearer(metric) ? near > far : near < far, metric).toBe(true);
  }
});

test('the scale of a vector is 1/|v| as an f32', () => {
  expect(cosineScale(16)).toBe(0.25);
  expect(cosineScale(3)).toBe(Math.fround(1 / Math.sqrt(3)));
});
