/**
 * Strategy: the second leaf of a row is held against a search of all leaves in f64, by the loss as it is defined. What is near a row in
 * the direction of its own residual must lose against what is as near in another.
 */
import { describe, expect, test } from 'vitest';
import { LeafEncoder, RangeTrainer, SecondLeaves } from '../../core/index/index.js';
import { NO_LEAF } from '../../core/index/leaves/second-leaves.js';
import type { Metric } from '../../core/kernel/index.js';
import { clustered, kernel, rowOf } from './fixture.js';

interface Asked {
  readonly dimension: number;
  readonly metric?: Metric;
  readonly centroids: Float32Array;
  readonly rowsIn: readonly number[];
  readonly leafRowsMost?: number;
}

interface Call {
  readonly leaf: number;
  readonly rows: Float32Array;
}

/** Finds the seconds of rows, call by call, of leaves that have these centroids. */
function secondsOfAll(
  { dimension, metric = 'euclidean', centroids, rowsIn, leafRowsMost = 100_000 }: Asked,
  calls: readonly Call[],
): number[][] {
  const ranges = new RangeTrainer(dimension, metric);
  ranges.add(centroids);
  const encoder = new LeafEncoder(kernel.pool, { dimension, metric, params: ranges.finish() });
  for (let leaf = 0; leaf < rowsIn.length; leaf++) {
    const centroid = rowOf(centroids, dimension, leaf);
    encoder.add(centroid, centroid);
  }
  const seconds = new SecondLeaves(kernel.pool, {
    ...{ dimension, centroids, leafRowsMost, codes: encoder.centroids(1) },
    rowsIn: Uint32Array.from(rowsIn),
  });
  encoder.release();
  const found = calls.map(({ leaf, rows }) => [...seconds.secondsOf(leaf, rows)]);
  seconds.release();
  return found;
}

function finder(asked: Asked): (leaf: number, rows: Float32Array) => number[] {
  return (leaf, rows) => secondsOfAll(asked, [{ leaf, rows }])[0]!;
}

function losses(row: Float32Array, leaf: number, centroids: readonly Float32Array[]): number[] {
  const own = centroids[leaf]!;
  const residual = Array.from(row, (value, d) => value - own[d]!);
  const squared = residual.reduce((sum, value) => sum + value * value, 0);
  return centroids.map((centroid, other) => {
    if (other === leaf) return Infinity;
    const off = Array.from(row, (value, d) => value - centroid[d]!);
    const common = off.reduce((sum, value, d) => sum + value * residual[d]!, 0);
    return off.reduce((sum, value) => sum + value * value, 0) + common ** 2 / squared;
  });
}

describe('second leaves', () => {
  test.each(['euclidean', 'dot', 'cosine'] as const)(
    'are those of the least loss, of 33 leaves by %s',
    (metric) => {
      // As many as are compared exactly, whatever codes say of them.
      const [leaves, dimension] = [33, 70];
      const rows = clustered(1_000, dimension, 12);
      const centroids = rows.slice(0, leaves * dimension);
      const secondsOf = finder({ dimension, metric, centroids, rowsIn: new Array<number>(leaves).fill(40) });
      const all = Array.from({ length: leaves }, (_, leaf) => rowOf(centroids, dimension, leaf));
      for (const leaf of [0, 17, 32]) {
        const asked = rows.subarray((leaf + 60) * dimension, (leaf + 70) * dimension);
        secondsOf(leaf, asked).forEach((second, i) => {
          const loss = losses(rowOf(asked, dimension, i), leaf, all);
          expect(loss[second]).toBeLessThanOrEqual(Math.min(...loss) * (1 + 1e-5));
        });
      }
    },
  );

  test.each(['euclidean', 'dot'] as const)(
    'of many leaves are nearly so by %s: codes tell which are near',
    (metric) => {
      const [leaves, dimension] = [600, 128];
      // Of different lengths: the largest products are those of the longest, which are not near.
      const rows = clustered(2_000, dimension, 12).map(
        (value, i) => value * (1 + 4 * (Math.floor(i / dimension) % 3)),
      );
      const centroids = rows.slice(0, leaves * dimension);
      const secondsOf = finder({ dimension, metric, centroids, rowsIn: new Array<number>(leaves).fill(40) });
      const all = Array.from({ length: leaves }, (_, leaf) => rowOf(centroids, dimension, leaf));
      const asked = rows.subarray(1_000 * dimension, 1_200 * dimension);
      let best = 0;
      secondsOf(5, asked).forEach((second, i) => {
        const loss = losses(rowOf(asked, dimension, i), 5, all);
        if (loss[second]! <= Math.min(...loss) * (1 + 1e-5)) best++;
      });
      expect(best / 200).toBeGreaterThan(0.9);
    },
  );

  test('lie in another direction than the row does, where they are about as near', () => {
    const centroids = Float32Array.of(0, 0, 3, 0, 1, 2.05);
    const secondsOf = finder({ dimension: 2, centroids, rowsIn: [5, 5, 5] });
    expect(secondsOf(0, Float32Array.of(1, 0))).toEqual([2]);
    // Of the centroid itself no direction is better than another.
    expect(secondsOf(0, Float32Array.of(0, 0))).toEqual([2]);
  });

  test('are none where there is one leaf', () => {
    const secondsOf = finder({ dimension: 2, centroids: Float32Array.of(1, 1), rowsIn: [3] });
    expect(secondsOf(0, Float32Array.of(1, 2, 3, 4))).toEqual([NO_LEAF, NO_LEAF]);
  });

  test.each([
    ['take twice their share at most, and others the rest', 1_000, [200, 200, 100]],
    ['take no more rows than a leaf may have', 250, [150, 150, 150]],
  ])('%s', (_, leafRowsMost, expected) => {
    // All rows of the first leaf are nearest to the second, then to the third.
    const centroids = Float32Array.of(0, 0, 1, 1, 2, 2, 100, 100);
    const secondsOf = finder({ dimension: 2, centroids, rowsIn: [100, 100, 100, 100], leafRowsMost });
    const found = secondsOf(0, new Float32Array(2 * 500).fill(0.25));
    const counts = [1, 2, 3].map((leaf) => found.filter((second) => second === leaf).length);
    expect(counts).toEqual(expected);
    expect(found.filter((second) => second === NO_LEAF)).toHaveLength(
      500 - counts.reduce((a, b) => a + b, 0),
    );
  });

  test('are of all leaves with room, whichever was asked of before', () => {
    const centroids = Float32Array.of(0, 0, 1, 1, 2, 2, 100, 100);
    // The second has no room from the start, and the third none once it has taken two.
    const asked = { dimension: 2, centroids, rowsIn: [10, 40, 38, 10], leafRowsMost: 40 };
    const near = (leaf: number, count: number): Call => ({
      leaf,
      rows: new Float32Array(2 * count).fill(leaf + 0.1),
    });
    expect(secondsOfAll(asked, [near(1, 2), near(0, 3), near(2, 1), near(3, 1)])).toEqual([
      [2, 2],
      [3, 3, 3],
      [0],
      [0],
    ]);
  });
});
