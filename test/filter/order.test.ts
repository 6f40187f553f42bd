/** The order of values across types: a total order, told by its words, and short keys for long strings. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import type { Scalar } from '../../core/filter/index.js';
import { compareOrderKeys, compareScalars, orderKey } from '../../core/filter/index.js';

const compareKeys = (a: Scalar, b: Scalar): number => Math.sign(compareOrderKeys(orderKey(a), orderKey(b)));
const orders = [
  ['as records are sorted', compareKeys],
  ['as they are given', (a: Scalar, b: Scalar) => Math.sign(compareScalars(a, b))],
] as const;

const scalars: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom<Scalar>(null, false, true, 0, -0, 1, '', 'a', '0', '2024', '2024-05-01T', '2024-05-01U'),
  fc.constantFrom<Scalar>(
    '2024-05-01',
    '2024-05-01T00:00:00Z',
    '2024-05-01T01:00:00+02:00',
    '2024-04-30T23:00:00.5Z',
  ),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary', minLength: 300, maxLength: 600 }).map((text) => text.repeat(3)),
);

describe.each(orders)('values %s', (_, compare) => {
  test('are in a total order', () => {
    fc.assert(
      fc.property(scalars, scalars, scalars, (a, b, c) => {
        expect(compare(a, b) + compare(b, a)).toBe(0);
        expect(compare(a, a)).toBe(0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 20_000 },
    );
  });

  test('are null, booleans, numbers, strings', () => {
    const sorted = [
      null,
      false,
      true,
      -1e300,
      -1,
      0,
      0.5,
      2,
      10,
      '',
      '!',
      '10',
      '2',
      'B',
      'a',
      'é',
      '\uffff',
      '😀',
    ];
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) expect([a, b, compare(a, b)]).toEqual([a, b, Math.sign(i - j)]);
    }
  });
});

test('instants are by time, before all other strings, and equal in any spelling', () => {
  const sorted = [
    '2024-05-01T01:00:00+02:00',
    '2024-05-01',
    '2024-05-01T00:00:00.000000001Z',
    '2024-05',
    'x',
  ];
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries())
      expect([a, b, compareKeys(a, b)]).toEqual([a, b, Math.sign(i - j)]);
  }
  expect(compareKeys('2024-05-01', '2024-05-01T02:00:00+02:00')).toBe(0);
  expect(compareScalars('2024-05-01', '2024-05-01T02:00:00+02:00')).toBeLessThan(0);
  expect(compareKeys('2024-05-01', '!')).toBe(-1);
  expect(compareKeys('9999-12-31', 1)).toBe(1);
});

describe('of a long string the beginning counts', () => {
  const max = limits.orderKeyBytes;
  const bytes = (value: Scalar): number => Buffer.byteLength(String(value));

  test.each([
    ['one byte each', 'x'.repeat(max), 'x'.repeat(max + 1)],
    ['two bytes each', 'é'.repeat(max / 2), 'é'.repeat(max / 2 + 1)],
    ['surrogate pairs', '😀'.repeat(max / 4), '😀'.repeat(max)],
  ])('%s', (_, longest, longer) => {
    expect(orderKey(longest).value).toBe(longest);
    expect(orderKey(longer).value).toBe(longest);
    expect(compareKeys(longer, longest)).toBe(0);
  });

  test('in whole characters, and a key is its own key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 200, maxLength: 500 }), fc.nat(3), (text, shift) => {
        const whole = '!'.repeat(shift) + text.repeat(6);
        const { value } = orderKey(whole);
        expect(bytes(value)).toBeLessThanOrEqual(max);
        expect(bytes(value)).toBeGreaterThan(Math.min(bytes(whole), max) - 4);
        expect(whole.startsWith(String(value))).toBe(true);
        expect(orderKey(value).value).toBe(value);
      }),
    );
  });

  test('where a character has no UTF-8 form it still is a key', () => {
    const { value } = orderKey(`${'x'.repeat(max - 1)}\ud800${'y'.repeat(10)}`);
    expect(orderKey(value).value).toBe(value);
    expect(bytes(value)).toBeLessThanOrEqual(max);
  });
});
