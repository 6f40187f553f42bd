/**
 * Strategy: an order is a permutation, its groups and leaves are of the sizes that were said before rows were split, it follows from the
 * seed alone, and rows of one cluster end up together: each row in the leaf whose centroid is nearest, of those of its group.
 */
import { describe, expect, test } from 'vitest';
import { OrderPlanner, type GroupedRows, type RowGroup } from '../../core/index/index.js';
import { leafRowsOf } from '../../core/index/order/leaf-splitter.js';
import { fitSizes } from '../../core/index/order/order-planner.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { KERNEL_L2 } from '../../core/kernel/metric.js';
import { clustered, kernel, rowOf } from './fixture.js';

const DIMENSION = 12;

interface PlanOptions {
  readonly metric?: 'euclidean' | 'cosine';
  readonly seed?: number;
  readonly chunk?: number;
}

interface Order {
  readonly rowOrder: Uint32Array;
  readonly groups: readonly RowGroup[];
  readonly leafStarts: Uint32Array;
  readonly centroids: readonly Float32Array[];
}

function ended<T>(turns: Generator<void, T>): T {
  for (;;) {
    const turn = turns.next();
    if (turn.done === true) return turn.value;
  }
}

function grouped(planner: OrderPlanner, rows: Float32Array, chunk: number): GroupedRows {
  const count = rows.length / DIMENSION;
  const wanted = planner.sampleRows();
  const sample = new Float32Array(wanted.length * DIMENSION);
  for (const [i, row] of wanted.entries()) sample.set(rowOf(rows, DIMENSION, row), i * DIMENSION);
  planner.begin();
  ended(planner.train(sample));
  const groupOfRow = new Uint32Array(count);
  for (let row = 0; row < count; row += chunk) {
    groupOfRow.set(ended(planner.assign(rows.subarray(row * DIMENSION, (row + chunk) * DIMENSION))), row);
  }
  return planner.finish(groupOfRow);
}

function plan(
  rows: Float32Array,
  { metric = 'euclidean', seed = 1, chunk = 1_000 }: PlanOptions = {},
): Order {
  const count = rows.length / DIMENSION;
  const planner = new OrderPlanner(kernel.pool, { dimension: DIMENSION, metric, rows: count, seed });
  const { rowOrder, groups } = grouped(planner, rows, chunk);
  const splitter = planner.splitter(groups);
  planner.release();
  const leafStarts: number[] = [];
  const centroids: Float32Array[] = [];
  let first = 0;
  for (const { rows: inGroup, leaves } of groups) {
    const own = rowOrder.slice(first, first + inGroup);
    const vectors = Float32Array.from([...own].flatMap((row) => [...rowOf(rows, DIMENSION, row)]));
    const split = ended(splitter.split(vectors, leaves));
    rowOrder.set(
      split.order.map((row) => own[row]!),
      first,
    );
    for (const [leaf, start] of split.starts.entries()) {
      leafStarts.push(first + start);
      centroids.push(split.centroids.subarray(leaf * DIMENSION, (leaf + 1) * DIMENSION));
    }
    first += inGroup;
  }
  splitter.release();
  expect(first).toBe(count);
  return { rowOrder, groups, leafStarts: Uint32Array.from(leafStarts), centroids };
}

function sizesOf({ rowOrder, leafStarts }: Order): number[] {
  return Array.from(leafStarts, (start, leaf) => (leafStarts[leaf + 1] ?? rowOrder.length) - start);
}

function mustBeOrder(order: Order, count: number): void {
  const { rowOrder, leafStarts, groups } = order;
  expect(new Set(rowOrder).size).toBe(count);
  expect(Math.max(...rowOrder)).toBe(count - 1);
  expect(leafStarts[0]).toBe(0);
  const sizes = sizesOf(order);
  expect(Math.min(...sizes)).toBeGreaterThan(0);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(384);
  for (const { rows, leaves } of groups) {
    expect(rows).toBeGreaterThanOrEqual(256);
    expect(leaves).toBe(Math.round(rows / 96));
  }
}

/** Mean squared distance of a row to the mean of its leaf. */
function spread(rows: Float32Array, order: Pick<Order, 'rowOrder' | 'leafStarts'>): number {
  const { rowOrder, leafStarts } = order;
  let sum = 0;
  for (const [leaf, start] of leafStarts.entries()) {
    const members = rowOrder.subarray(start, leafStarts[leaf + 1]);
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
    const order = plan(clustered(count, DIMENSION, 2));
    expect([...order.rowOrder]).toEqual(Array.from({ length: count }, (_, row) => row));
    expect([...order.leafStarts]).toEqual([0]);
  });

  test.each([1_025, 4_000, 20_000])('%i rows', (count) => {
    const rows = clustered(count, DIMENSION, 3);
    const order = plan(rows);
    mustBeOrder(order, count);
    const unsorted = {
      rowOrder: Uint32Array.from({ length: count }, (_, row) => row),
      leafStarts: order.leafStarts,
    };
    expect(spread(rows, order)).toBeLessThan(spread(rows, unsorted) * 0.5);
  });

  test('puts each row into the leaf of its group whose centroid is nearest', () => {
    const rows = clustered(6_000, DIMENSION, 9);
    const order = plan(rows);
    const { rowOrder, leafStarts, centroids, groups } = order;
    let [first, leaf, moved] = [0, 0, 0];
    for (const group of groups) {
      const own = centroids.slice(leaf, leaf + group.leaves);
      for (let place = first; place < first + group.rows; place++) {
        const row = rowOf(rows, DIMENSION, rowOrder[place]!);
        const distances = own.map((centroid) => distanceScalar(KERNEL_L2, row, centroid));
        const nearest = leaf + distances.indexOf(Math.min(...distances));
        const at = leafStarts.findLastIndex((start) => start <= place);
        if (at !== nearest) moved++;
      }
      first += group.rows;
      leaf += group.leaves;
    }
    // Where a cell was split again its parts' neighbours were not asked.
    expect(moved).toBeLessThan(600);
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
    const other = plan(scaled, { metric: 'cosine' });
    mustBeOrder(other, 6_000);
    const same = plan(rows, { metric: 'cosine' });
    let moved = 0;
    for (let i = 0; i < 6_000; i++) if (same.rowOrder[i] !== other.rowOrder[i]) moved++;
    // Lengths are taken off before anything is compared, so only rounding may tell the two apart.
    expect(moved).toBeLessThan(600);
  });

  test('rows that are all alike still make leaves of the right sizes', () => {
    mustBeOrder(plan(new Float32Array(5_000 * DIMENSION).fill(0.5)), 5_000);
    mustBeOrder(plan(new Float32Array(5_000 * DIMENSION), { metric: 'cosine' }), 5_000);
  });

  test('rows of which nearly all are alike, too', () => {
    const rows = new Float32Array(3_000 * DIMENSION);
    for (let row = 0; row < 3_000; row += 100) rows[row * DIMENSION + (row % DIMENSION)] = row;
    mustBeOrder(plan(rows), 3_000);
  });
});

test('groups join and are cut until they fit', () => {
  expect(fitSizes([100, 100, 100, 300, 10], 1_024)).toEqual([300, 310]);
  expect(fitSizes([1_025], 1_024)).toEqual([512, 513]);
  expect(fitSizes([200, 1_024, 3], 1_024)).toEqual([613, 614]);
  expect(fitSizes([0, 0, 5], 1_024)).toEqual([5]);
});

test.each([
  [2_000, 96],
  [57_600, 96],
  [250_000, 200],
  [1_000_000, 400],
  [100_000_000, 512],
])('of %i rows a leaf has %i', (rows, expected) => {
  expect(leafRowsOf(rows)).toBeCloseTo(expected, 9);
});
