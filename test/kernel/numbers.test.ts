/**
 * Strategy: the checks and sums over arriving rows against their twins, to the bit: every length and start, every
 * position of a number that is not finite, and more rows than one round of the scratch arena holds.
 */
import { describe, expect, test } from 'vitest';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { firstNonFiniteScalar, normSquaredScalar } from '../../core/kernel/scalar/numbers.js';
import { lengths, newArena, newKernel, putNumbers, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena();
const kernel = newKernel();
const OUT = PAYLOAD_OFFSET + 131_072;

describe('firstNonFinite', () => {
  test('finds the first at every position of every length', () => {
    const next = numberSource(5);
    for (const length of lengths.filter((each) => each <= 67)) {
      const values = randomVector(length, next);
      expect(kernel.firstNonFinite(values)).toBe(-1);
      for (let at = 0; at < length; at++) {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const broken = values.slice();
          broken[at] = bad;
          broken[length - 1] = bad;
          putNumbers(arena, PAYLOAD_OFFSET + (at % 16), broken);
          expect(arena.exports.firstNonFinite(PAYLOAD_OFFSET + (at % 16), length)).toBe(at);
          expect(firstNonFiniteScalar(broken)).toBe(at);
        }
      }
    }
  });

  test('takes extremes and denormals for finite', () => {
    const values = Float32Array.of(3.4028235e38, -3.4028235e38, 1e-45, -1e-45, 0, -0);
    expect(kernel.firstNonFinite(values)).toBe(-1);
  });

  test('finds one past the first round', () => {
    const values = new Float32Array(120_000);
    values[100_001] = Number.NaN;
    expect(kernel.firstNonFinite(values)).toBe(100_001);
  });

  test('does not look past its numbers', () => {
    arena.f32.fill(Number.NaN, PAYLOAD_OFFSET / 4, PAYLOAD_OFFSET / 4 + 100);
    arena.f32.fill(1, PAYLOAD_OFFSET / 4, PAYLOAD_OFFSET / 4 + 37);
    expect(arena.exports.firstNonFinite(PAYLOAD_OFFSET, 37)).toBe(-1);
  });
});

describe('normSquared', () => {
  test('equals its twin at every length, start and stride', () => {
    const next = numberSource(6);
    for (const length of lengths) {
      for (const gap of [0, 4, 12]) {
        const rows = [randomVector(length, next), randomVector(length, next), randomVector(length, next)];
        const stride = length * 4 + gap;
        const start = PAYLOAD_OFFSET + (length % 16);
        for (const [i, row] of rows.entries()) putNumbers(arena, start + i * stride, row);
        arena.exports.sumSquares(start, 3, length, stride, OUT);
        const found = [...arena.f64.subarray(OUT / 8, OUT / 8 + 3)];
        expect(found, `length ${length}`).toEqual(rows.map(normSquaredScalar));
      }
    }
  });

  test('is the square of the length, and does not overflow', () => {
    expect([...kernel.normSquared(Float32Array.of(3, 4, 0, 0), 2)]).toEqual([25, 0]);
    const huge = kernel.normSquared(new Float32Array(9).fill(3.4028235e38), 9)[0]!;
    expect(huge / (9 * 3.4028235e38 ** 2)).toBeCloseTo(1, 6);
    const tiny = kernel.normSquared(Float32Array.of(1e-45), 1)[0]!;
    expect(tiny).toBe(Math.fround(1e-45) ** 2);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'is not finite with %f',
    (bad) => {
      for (let at = 0; at < 19; at++) {
        const row = new Float32Array(19).fill(1);
        row[at] = bad;
        expect(Number.isFinite(kernel.normSquared(row, 19)[0])).toBe(false);
      }
    },
  );

  test('takes more rows than one round, and the longest row', () => {
    const next = numberSource(7);
    for (const [count, dimension] of [
      [10_000, 3],
      [301, 784],
      [5, 20_000],
    ] as const) {
      const rows = randomVector(count * dimension, next);
      const wanted = Array.from({ length: count }, (_, i) =>
        normSquaredScalar(rows.subarray(i * dimension, (i + 1) * dimension)),
      );
      expect([...kernel.normSquared(rows, dimension)]).toEqual(wanted);
    }
    expect(kernel.normSquared(new Float32Array(0), 8)).toHaveLength(0);
  });
});
