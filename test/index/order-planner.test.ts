/**
 * Strategy: an order is a permutation, its leaves hold 256 to 1,024 rows, it follows from the seed alone, and rows of
 * one cluster end up together.
 */
import { describe, expect, test } from 'vitest';
import { OrderPlanner, type RowOrder } from '../../core/index/index.js';
import { clustered, kernel, rowOf } from './fixture.js';
import { fitLeaves, fitSizes } from '../../core/index/order/leaf-order.js';

const DIMENSION = 12;

function plan(
  rows: Float32Array,
  options: { metric?: 'euclidean' | 'cosine'; seed?: number; centroids?: Float32Array; chunk?: number },
): RowOrder {
  const count = rows.length / DIMENSION;
  const planner = new OrderPlanner(kernel.pool, {
    dimension: DIMENSION,
    metric: options.metric ?? 'euclidean',
    rows: count,
    seed: options.seed ?? 1,
  });
  if (options.centroids === undefined) {
    const wanted = planner.sampleRows();
    const sample = new Float32Array(wanted.length * DIMENSION);
    for (const [i, row] of wanted.entries()) sample.set(rowOf(rows, DIMENSION, row), i * DIMENSION);
    planner.train(sample);
  } else planner.useCentroids(options.centroids);
  const leafOfRow = new Uint32Array(count);
  const chunk = options.chunk ?? 1_000;
  for (let row = 0; row < count; row += chunk) {
    leafOfRow.set(planner.assign(rows.subarray(row * DIMENSION, (row + chunk) * DIMENSION)), row);
  }
  planner.release();
  return planner.finish(leafOfRow);
}

function mustBeOrder({ rowOrder, leafStarts }: RowOrder, count: number): void {
  expect(new Set(rowOrder).size).toBe(count);
  expect(Math.max(...rowOrder)).toBe(count - 1);
  expect(leafStarts[0]).toBe(0);
  expect(leafStarts.at(-1)).toBe(count);
  const sizes = [...leafStarts.subarray(1)].map((end, i) => end - leafStarts[i]!);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1_024);
  if (count >= 256) expect(Math.min(...sizes)).toBeGreaterThanOrEqual(256);
}

/** Mean squared distance of a row to the mean of its leaf. */
function spread(rows: Float32Array, { rowOrder, leafStarts }: RowOrder): number {
  let sum = 0;
  for (let leaf = 0; leaf + 1 < leafStarts.length; leaf++) {
    const members = rowOrder.subarray(leafStarts[leaf], leafStarts[leaf + 1]);
    const mean = new Float64Array(DIMENSION);
    for (const row of members)
      for (let d = 0; d < DIMENSION; d++) mean[d]! += rows[row * DIMENSION + d]! / members.length;
    for (const row of members)
      for (let d = 0; d < DIMENSION; d++) sum += (rows[row * DIMENSION + d]! - mean[d]!) ** 2;
  }
  return sum / (rows.length / DIMENSION);
}

describe('OrderPlanner', () => {
  test.each([1, 2, 255, 256, 1_024])('%i rows are one leaf in their own order', (count) => {
    const order = plan(clustered(count, DIMENSION, 2), {});
    expect([...order.rowOrder]).toEqual(Array.from({ length: count }, (_, row) => row));
    expect([...order.leafStarts]).toEqual([0, count]);
  });

  test.each([1_025, 4_000, 20_000])('%i rows', (count) => {
    const rows = clustered(count, DIMENSION, 3);
    const order = plan(rows, {});
    mustBeOrder(order, count);
    const unsorted: RowOrder = {
      rowOrder: Uint32Array.from({ length: count }, (_, row) => row),
      leafStarts: order.leafStarts,
    };
    expect(spread(rows, order)).toBeLessThan(spread(rows, unsorted) * (count < 2_000 ? 0.95 : 0.75));
  });

  test('follows from the seed, however the rows come', () => {
    const rows = clustered(5_000, DIMENSION, 4);
    const order = plan(rows, { seed: 5 });
    expect(plan(rows, { seed: 5, chunk: 77 })).toEqual(order);
    expect(plan(rows, { seed: 6 })).not.toEqual(order);
  });

  test('cosine clusters by direction', () => {
    const rows = clustered(6_000, DIMENSION, 5);
    const scaled = rows.map((value, i) => value * (1 + (Math.floor(i / DIMENSION) % 7)));
    mustBeOrder(plan(scaled, { metric: 'cosine' }), 6_000);
    const same = plan(rows, { metric: 'cosine' });
    const other = plan(scaled, { metric: 'cosine' });
    let moved = 0;
    for (let i = 0; i < 6_000; i++) if (same.rowOrder[i] !== other.rowOrder[i]) moved++;
    // Lengths are taken off before anything is compared, so only rounding may tell the two apart.
    expect(moved).toBeLessThan(600);
  });

  test('takes leaves that exist', () => {
    const rows = clustered(8_000, DIMENSION, 6);
    const centroids = Float32Array.from(rows.subarray(0, 16 * DIMENSION));
    const order = plan(rows, { centroids });
    mustBeOrder(order, 8_000);
    expect(plan(rows, { centroids })).toEqual(order);
    mustBeOrder(plan(rows, { centroids: centroids.subarray(0, DIMENSION) }), 8_000);
  });

  test('rows that are all alike still make leaves of the right sizes', () => {
    mustBeOrder(plan(new Float32Array(5_000 * DIMENSION).fill(0.5), {}), 5_000);
    mustBeOrder(plan(new Float32Array(5_000 * DIMENSION), { metric: 'cosine' }), 5_000);
  });
});

test('leaves join and split until they fit', () => {
  expect(fitSizes([100, 100, 100, 300, 10])).toEqual([300, 310]);
  expect(fitSizes([1_025])).toEqual([512, 513]);
  expect(fitSizes([200, 1_024, 3])).toEqual([613, 614]);
  expect(fitSizes([0, 0, 5])).toEqual([5]);
  const order = fitLeaves(Uint32Array.of(1, 0, 1, 0), Uint32Array.of(1, 0));
  expect([...order.rowOrder]).toEqual([0, 2, 1, 3]);
});
