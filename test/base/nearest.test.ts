import { expect, test } from 'vitest';
import { nearestName } from '../../core/base/nearest.js';

const known = ['$gt', '$gte', 'metadata', 'target_recall', 'AND'];

test.each([
  ['$gte', '$gte'],
  ['$gtt', '$gt'],
  ['$GTE', '$gte'],
  ['metdata', 'metadata'],
  ['meatdata', 'metadata'],
  ['targetRecall', 'target_recall'],
  ['adn', 'AND'],
  ['a', undefined],
  ['', undefined],
  ['vector', undefined],
  ['xyz', undefined],
  ['metadata'.repeat(20_000), undefined],
])('%s: %s', (name, expected) => {
  expect(nearestName(name, known)).toBe(expected);
});

test('no candidates, no suggestion', () => {
  expect(nearestName('x', [])).toBeUndefined();
});
