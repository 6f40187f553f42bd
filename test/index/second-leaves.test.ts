/**
 * Strategy: the second leaf of a row is held against a search of all leaves in f64, by the loss as it is defined. What is near a row in
 * the direction of its own residual must lose against what is as near in another.
 */
import { describe, expect, test } from 'vitest';
import { SecondLeaves } from '../../core/index/index.js';
import { NO_LEAF } from '../../core/index/leaves/second-leaves.js';
import { clustered, kernel, rowOf } from './fixture.js';

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
  test.each([3, 64, 70])('are those of the least loss, of %i dimensions', (dimension) => {
    const [leaves, perLeaf] = [60, 40];
    const rows = clustered(leaves * perLeaf, dimension, 12);
    const centroids = rows.slice(0, leaves * dimension);
    const seconds = new SecondLeaves(kernel.pool, {
      ...{ dimension, centroids, rowsIn: new Uint32Array(leaves).fill(perLeaf) },
      leafRowsMost: 100_000,
    });
    const all = Array.from({ length: leaves }, (_, leaf) => rowOf(centroids, dimension, leaf));
    // Few enough that no leaf is full.
    for (const leaf of [0, 17, 59]) {
      const asked = rows.subarray((leaf + 60) * dimension, (leaf + 70) * dimension);
      seconds.secondsOf(leaf, asked).forEach((second, i) => {
        const loss = losses(rowOf(asked, dimension, i), leaf, all);
        expect(loss[second]).toBeLessThanOrEqual(Math.min(...loss) * (1 + 1e-5));
      });
    }
    seconds.release();
  });

  test('lie in another direction than the row does, where they are about as near', () => {
    const centroids = Float32Array.of(0, 0, 3, 0, 1, 2.05);
    const rowsIn = Uint32Array.of(5, 5, 5);
    const seconds = new SecondLeaves(kernel.pool, { dimension: 2, centroids, rowsIn, leafRowsMost: 100 });
    expect([...seconds.secondsOf(0, Float32Array.of(1, 0))]).toEqual([2]);
    // Of the centroid itself no direction is better than another.
    expect([...seconds.secondsOf(0, Float32Array.of(0, 0))]).toEqual([2]);
    seconds.release();
  });

  test('are none where there is one leaf', () => {
    const options = { dimension: 2, centroids: Float32Array.of(1, 1), rowsIn: Uint32Array.of(3) };
    const seconds = new SecondLeaves(kernel.pool, { ...options, leafRowsMost: 100 });
    expect([...seconds.secondsOf(0, Float32Array.of(1, 2, 3, 4))]).toEqual([NO_LEAF, NO_LEAF]);
    seconds.release();
  });

  test.each([
    ['take twice their share at most, and others the rest', 1_000, [200, 200, 100]],
    ['take no more rows than a leaf may have', 250, [150, 150, 150]],
  ])('%s', (_, leafRowsMost, expected) => {
    // All rows of the first leaf are nearest to the second, then to the third.
    const centroids = Float32Array.of(0, 0, 1, 1, 2, 2, 100, 100);
    const rowsIn = Uint32Array.of(100, 100, 100, 100);
    const seconds = new SecondLeaves(kernel.pool, { dimension: 2, centroids, rowsIn, leafRowsMost });
    const found = seconds.secondsOf(0, new Float32Array(2 * 500).fill(0.25));
    const counts = [1, 2, 3].map((leaf) => found.filter((second) => second === leaf).length);
    expect(counts).toEqual(expected);
    expect(found.filter((second) => second === NO_LEAF)).toHaveLength(
      500 - counts.reduce((a, b) => a + b, 0),
    );
    seconds.release();
  });
});
