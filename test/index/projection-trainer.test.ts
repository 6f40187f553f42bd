/**
 * Strategy: rows whose principal components are known, because they were made of few directions and some noise. What is
 * learnt is judged by rows that were not there, and by plain arithmetic. Rows that no projection serves must get none, and
 * numbers of any size must not become NaN.
 */
import { describe, expect, test } from 'vitest';
import { projectedOutputsMost, trainProjection, type Projection } from '../../core/index/index.js';
import { numberSource } from '../kernel/number-source.js';
import { kernel, nearSubspace, rowOf } from './fixture.js';

const DIMENSION = 300;
const ROWS = 4_096;
const space = { dimension: DIMENSION, rank: 30, noise: 0.3, seed: 1 };
const rows = nearSubspace(ROWS, space);
const options = { dimension: DIMENSION, metric: 'euclidean', seed: 5 } as const;

function trained(
  sample: Float32Array,
  other: Partial<Parameters<typeof trainProjection>[2]> = {},
): Projection {
  return trainProjection(kernel.pool, sample, { ...options, ...other })!;
}

/** Whether there is one. In a message of failure all its numbers would be no help. */
function isTrained(
  sample: Float32Array,
  other: Partial<Parameters<typeof trainProjection>[2]> = {},
): boolean {
  return trainProjection(kernel.pool, sample, { ...options, ...other }) !== undefined;
}

function unitRows(of: Float32Array): Float32Array {
  return Float32Array.from(of, (value, i) => {
    const row = Math.floor(i / DIMENSION);
    return value / Math.hypot(...rowOf(of, DIMENSION, row));
  });
}

/** A row less the means, on each direction. */
function onDirections({ outputs, directions, means }: Projection, row: Float32Array): number[] {
  return Array.from({ length: outputs }, (_, p) =>
    row.reduce((sum, value, d) => sum + (value - means[d]!) * directions[p * row.length + d]!, 0),
  );
}

/** How much of the rows' variance about the means is left on the directions. */
function heldShare(projection: Projection, of: Float32Array): number {
  const dimension = projection.means.length;
  let held = 0;
  let total = 0;
  for (let row = 0; row < of.length / dimension; row++) {
    const own = rowOf(of, dimension, row);
    for (const value of onDirections(projection, own)) held += value ** 2;
    for (const [d, value] of own.entries()) total += (value - projection.means[d]!) ** 2;
  }
  return held / total;
}

/** The largest product of two directions, and how far from 1 their lengths are. Directions of length 0 do not count. */
function skew({ outputs, directions, means }: Projection): number {
  const dimension = means.length;
  let worst = 0;
  for (let p = 0; p < outputs; p++) {
    for (let q = 0; q <= p; q++) {
      let product = 0;
      for (let d = 0; d < dimension; d++)
        product += directions[p * dimension + d]! * directions[q * dimension + d]!;
      if (p !== q || product !== 0) worst = Math.max(worst, Math.abs(product - (p === q ? 1 : 0)));
    }
  }
  return worst;
}

function expectNumbers({ outputs, directions, means, params }: Projection): void {
  expect(outputs % 64).toBe(0);
  expect(directions).toHaveLength(outputs * means.length);
  for (const numbers of [directions, means, params.lo, params.step])
    expect(numbers.every(Number.isFinite)).toBe(true);
  expect(params.lo).toHaveLength(outputs);
  expect(params.step.every((step) => step >= 0)).toBe(true);
}

describe('trainProjection', () => {
  test.each(['euclidean', 'cosine'] as const)('finds the subspace of %s rows', (metric) => {
    const projection = trained(rows, { metric });
    expectNumbers(projection);
    expect(projection.outputs).toBe(64);
    expect(skew(projection)).toBeLessThan(1e-3);
    const fresh = nearSubspace(300, space, 77);
    const held = heldShare(projection, metric === 'cosine' ? unitRows(fresh) : fresh);
    expect(held).toBeGreaterThan(0.92);
    expect(held).toBeLessThan(1);
  });

  test('puts the directions of most variance first', () => {
    const projection = trained(rows);
    const variances = new Float64Array(projection.outputs);
    for (let row = 0; row < 500; row++) {
      for (const [p, value] of onDirections(projection, rowOf(rows, DIMENSION, row)).entries())
        variances[p]! += value ** 2;
    }
    const sumOf = (from: number, to: number): number =>
      variances.subarray(from, to).reduce((sum, value) => sum + value, 0);
    expect(variances[0]!).toBeGreaterThan(variances[10]! * 2);
    expect(sumOf(0, 30)).toBeGreaterThan(sumOf(30, 64) * 20);
  });

  test('answers ranges that hold the sample, with little room beside it', () => {
    const projection = trained(rows);
    const { lo, step } = projection.params;
    const lows = new Float64Array(projection.outputs).fill(Infinity);
    const highs = new Float64Array(projection.outputs).fill(-Infinity);
    for (let row = 0; row < ROWS; row++) {
      for (const [p, value] of onDirections(projection, rowOf(rows, DIMENSION, row)).entries()) {
        lows[p] = Math.min(lows[p]!, value);
        highs[p] = Math.max(highs[p]!, value);
      }
    }
    for (let p = 0; p < projection.outputs; p++) {
      const range = highs[p]! - lows[p]!;
      expect(lo[p]!).toBeLessThan(lows[p]!);
      expect(lo[p]!).toBeGreaterThan(lows[p]! - range * 0.1);
      expect(lo[p]! + 255 * step[p]!).toBeGreaterThan(highs[p]!);
      expect(lo[p]! + 255 * step[p]!).toBeLessThan(highs[p]! + range * 0.1);
    }
  });

  test('takes as many outputs as the rows need, up to a quarter of the dimensions', () => {
    expect([255, 256, 300, 511, 512, 784, 1_536, 2_048, 4_096].map(projectedOutputsMost)).toEqual([
      0, 64, 64, 64, 128, 192, 384, 512, 512,
    ]);
    const wide = { dimension: 520, rank: 100, noise: 0.1, seed: 9 };
    const flat = nearSubspace(2_100, wide).map((value, i) => value * (1 + (i % 3)));
    const projection = trained(flat, { dimension: 520 });
    expect(projection.outputs).toBe(128);
    expect(skew(projection)).toBeLessThan(1e-3);
    const narrow = trained(nearSubspace(2_100, { ...wide, rank: 20 }), { dimension: 520 });
    expect(narrow.outputs).toBe(64);
    expect(isTrained(nearSubspace(2_100, { ...space, noise: 20 }))).toBe(false);
  });

  test.each([0, 1e-4, 1e-3, 1e-2])(
    'stays orthonormal where hardly any variance is left: noise of %d',
    (noise) => {
      const projection = trained(nearSubspace(2_048, { ...space, rank: 5, noise }));
      expectNumbers(projection);
      expect(skew(projection)).toBeLessThan(1e-3);
      const fresh = nearSubspace(100, { ...space, rank: 5, noise }, 77);
      expect(heldShare(projection, fresh)).toBeGreaterThan(0.99);
      expect(heldShare(projection, fresh)).toBeLessThan(1.001);
    },
  );

  test('has nothing for rows that vary in all directions alike', () => {
    const noise = Float32Array.from({ length: ROWS * DIMENSION }, numberSource(3));
    expect(isTrained(noise)).toBe(false);
  });

  test.each(['dot', 'manhattan'] as const)('has nothing for %s, which no rotation keeps', (metric) => {
    expect(isTrained(rows, { metric })).toBe(false);
  });

  test('has nothing for few rows, or few dimensions', () => {
    expect(isTrained(rows.subarray(0, 2_047 * DIMENSION))).toBe(false);
    expect(isTrained(rows.subarray(0, 2_048 * DIMENSION))).toBe(true);
    expect(isTrained(new Float32Array(0))).toBe(false);
    for (const [dimension, isEnough] of [
      [255, false],
      [256, true],
    ] as const) {
      const narrow = nearSubspace(2_048, { ...space, dimension });
      expect(isTrained(narrow, { dimension })).toBe(isEnough);
    }
  });

  test('judges by rows that it did not learn from', () => {
    // The even rows lie in a subspace, the odd ones anywhere: those from which nothing is learnt decide.
    const mixed = rows.slice();
    const next = numberSource(8);
    for (let row = 1; row < ROWS; row += 2)
      for (let d = 0; d < DIMENSION; d++) mixed[row * DIMENSION + d] = next() * 8;
    expect(isTrained(mixed)).toBe(false);
  });

  test.each(['euclidean', 'cosine'] as const)('of %s is the same from the same seed', (metric) => {
    const [one, other] = [trained(rows, { metric }), trained(rows, { metric })];
    expect(other).toEqual(one);
    const reseeded = trained(rows, { metric, seed: 6 });
    expect(reseeded.directions).not.toEqual(one.directions);
  });

  test.each(['euclidean', 'cosine'] as const)('of %s leaves the sample as it was', (metric) => {
    for (const count of [2_500, ROWS, 5_000]) {
      const sample = nearSubspace(count, space, count);
      const before = sample.slice();
      expectNumbers(trained(sample, { metric }));
      expect(Buffer.compare(Buffer.from(sample.buffer), Buffer.from(before.buffer))).toBe(0);
    }
  });

  test('survives dimensions that do not vary, and a number of them that is no multiple of 4', () => {
    const dimension = 303;
    const sample = nearSubspace(2_048, { ...space, dimension });
    for (let row = 0; row < 2_048; row++)
      for (let d = 0; d < dimension; d += 3) sample[row * dimension + d] = d - 100;
    const projection = trained(sample, { dimension });
    expectNumbers(projection);
    expect(skew(projection)).toBeLessThan(1e-3);
    for (let p = 0; p < 64; p++)
      for (let d = 0; d < dimension; d += 3)
        expect(Math.abs(projection.directions[p * dimension + d]!)).toBeLessThan(1e-6);
  });

  test.each([0, 0.1, -1e18])('has nothing for rows that are all %d', (value) => {
    for (const metric of ['euclidean', 'cosine'] as const) {
      const alike = new Float32Array(3_000 * DIMENSION).fill(value);
      expect(isTrained(alike, { metric })).toBe(false);
    }
  });

  test.each([1e-30, 1e-18, 1e-9, 1e6, 1e18, 1e37])('survives numbers around %d', (size) => {
    const sample = rows.map((value) => value * size);
    const made = (['euclidean', 'cosine'] as const).map((metric) =>
      trainProjection(kernel.pool, sample, { ...options, metric }),
    );
    // The squares of some leave f32; what is answered for those may be nothing, but no NaN.
    const isOrdinary = size > 1e-10 && size < 1e7;
    expect(made.map((projection) => projection !== undefined)).toEqual([
      isOrdinary || made[0] !== undefined,
      (size > 1e-19 && size < 1e19) || made[1] !== undefined,
    ]);
    for (const projection of made) {
      if (projection === undefined) continue;
      expectNumbers(projection);
      expect(skew(projection)).toBeLessThan(1e-3);
    }
  });

  test('every arena went back', () => {
    // What stays is the kernel's own scratch.
    expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
  });
});
