/**
 * Strategy: every distance kernel against its scalar twin, which defines it, compared to the bit (any NaN equals any
 * NaN): every length of `lengths`, every pair of start offsets modulo 16 bytes, and numbers that break kernels. An
 * independent f64 sum holds the twin itself.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../../core/kernel/metric.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { awkwardNumber, lengths, newArena, putNumbers, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena();
const { exports } = arena;
const A = PAYLOAD_OFFSET;
const B = PAYLOAD_OFFSET + 65_536;

const kernels = [
  {
    name: 'l2Squared',
    metric: KERNEL_L2,
    run: (a: number, b: number, d: number): number => exports.l2Squared(a, b, d),
  },
  {
    name: 'negatedDot',
    metric: KERNEL_DOT,
    run: (a: number, b: number, d: number): number => exports.negatedDot(a, b, d),
  },
  { name: 'l1', metric: KERNEL_L1, run: (a: number, b: number, d: number): number => exports.l1(a, b, d) },
];

function exactDistance(metric: number, a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i]!;
    if (metric === KERNEL_DOT) sum -= x * y;
    else sum += metric === KERNEL_L1 ? Math.abs(x - y) : (x - y) ** 2;
  }
  return sum;
}

describe.each(kernels)('$name', ({ metric, run }) => {
  test('equals its twin at every length', () => {
    const next = numberSource(1);
    for (const length of lengths) {
      const a = randomVector(length, next);
      const b = randomVector(length, next);
      putNumbers(arena, A, a);
      putNumbers(arena, B, b);
      expect(run(A, B, length), `length ${length}`).toBe(distanceScalar(metric, a, b));
    }
  });

  test('equals its twin at unaligned starts', () => {
    const next = numberSource(2);
    const a = randomVector(53, next);
    const b = randomVector(53, next);
    const wanted = distanceScalar(metric, a, b);
    for (let shiftA = 0; shiftA < 16; shiftA++) {
      for (let shiftB = 0; shiftB < 16; shiftB++) {
        putNumbers(arena, A + shiftA, a);
        putNumbers(arena, B + shiftB, b);
        expect(run(A + shiftA, B + shiftB, 53), `starts ${shiftA}, ${shiftB}`).toBe(wanted);
      }
    }
  });

  test('equals its twin on denormals, extremes, infinities and NaN', () => {
    const vector = (length: number): fc.Arbitrary<number[]> =>
      fc.array(awkwardNumber, { minLength: length, maxLength: length });
    const pair = fc.nat(70).chain((length) => fc.tuple(vector(length), vector(length)));
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const a = Float32Array.from(left);
        const b = Float32Array.from(right);
        putNumbers(arena, A, a);
        putNumbers(arena, B, b);
        expect(run(A, B, a.length)).toBe(distanceScalar(metric, a, b));
      }),
      { numRuns: 500 },
    );
  });

  test('reads nothing past the vectors', () => {
    for (const length of [0, 1, 3, 4, 15, 16, 17, 63]) {
      const ones = new Float32Array(length + 16).fill(Number.NaN);
      ones.fill(1, 0, length);
      putNumbers(arena, A, ones);
      putNumbers(arena, B, ones);
      const wanted = metric === KERNEL_DOT ? -length : 0;
      expect(run(A, B, length) + 0).toBe(wanted + 0);
    }
  });

  test('is near the sum in f64', () => {
    const next = numberSource(3);
    for (const length of lengths) {
      const a = randomVector(length, next);
      const b = randomVector(length, next);
      putNumbers(arena, A, a);
      putNumbers(arena, B, b);
      expect(Math.abs(run(A, B, length) - exactDistance(metric, a, b))).toBeLessThanOrEqual(length * 1e-6);
    }
  });
});
