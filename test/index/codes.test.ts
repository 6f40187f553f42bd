/**
 * Strategy: distances by codes against exact ones. SQ8 moves each number by at most half a step, so the error of a
 * distance has a bound that follows from the steps; weights and f32 add less than that again.
 */
import { describe, expect, test } from 'vitest';
import { RangeTrainer, type CodeParams } from '../../core/index/index.js';
import { metrics, type Metric } from '../../core/kernel/index.js';
import { numberSource } from '../kernel/number-source.js';
import { attached, bitmapOf, clustered, encoded, exactDistance, kernel, rowOf, stored } from './fixture.js';

function unit(row: Float32Array): Float32Array {
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

/** How far the code of a row may move its distance to the query. */
function errorBound(metric: Metric, query: Float32Array, row: Float32Array, { step }: CodeParams): number {
  let bound = 0;
  for (const [d, width] of step.entries()) {
    const half = width * 0.51;
    if (metric === 'manhattan') bound += 2 * half;
    else if (metric === 'dot') bound += Math.abs(query[d]!) * half;
    else bound += (2 * Math.abs(query[d]! - row[d]!) + half) * half;
  }
  return metric === 'cosine' ? bound / 2 : bound;
}

test.each(metrics)('rows by %s come out of the codes within half a step', (metric) => {
  const rows = clustered(150, 67, 4);
  const trainer = new RangeTrainer(67, metric);
  trainer.add(rows);
  const { step } = trainer.finish();
  const builder = encoded(rows, { dimension: 67, metric, rows: 150 }, 'flat');
  const decoded = builder.decode(90, 30);
  expect(decoded).toHaveLength(30 * 67);
  for (let i = 0; i < 30; i++) {
    const row = rowOf(rows, 67, 90 + i);
    const expected = metric === 'cosine' ? unit(row) : row;
    rowOf(decoded, 67, i).forEach((value, d) =>
      expect(Math.abs(value - expected[d]!)).toBeLessThanOrEqual(0.51 * step[d]!),
    );
  }
  builder.release();
});

describe('distances by codes', () => {
  test.each(metrics.flatMap((metric) => [1, 2, 15, 16, 17, 67, 256].map((d) => [metric, d] as const)))(
    '%s of %i dimensions keep the bound of their steps',
    (metric, dimension) => {
      const rows = clustered(150, dimension, dimension + 3);
      const shape = { dimension, metric, rows: 150 };
      const trainer = new RangeTrainer(dimension, metric);
      trainer.add(rows);
      const params = trainer.finish();
      const builder = encoded(rows, shape, 'flat');
      const { index, arena } = attached(stored(builder, shape));
      expect(index.hasGraph).toBe(false);
      const queries = clustered(10, dimension, 99).map((value) => value * 1.5);
      for (let q = 0; q < 10; q++) {
        const query = rowOf(queries, dimension, q);
        const hits = index.scan({ query, limit: 150 });
        expect([...hits.rows].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, i) => i));
        const ownQuery = metric === 'cosine' ? unit(query) : query;
        for (const [i, row] of hits.rows.entries()) {
          const vector = rowOf(rows, dimension, row);
          const ownRow = metric === 'cosine' ? unit(vector) : vector;
          const exact = exactDistance(metric, query, vector);
          const bound = errorBound(metric, ownQuery, ownRow, params) * 1.1 + 1e-5 * (1 + Math.abs(exact));
          expect(Math.abs(hits.distances[i]! - exact)).toBeLessThanOrEqual(bound);
          if (i > 0) expect(hits.distances[i]!).toBeGreaterThanOrEqual(hits.distances[i - 1]!);
        }
      }
      builder.release();
      kernel.pool.release(arena);
    },
  );

  test.each([1e-20, 1e-3, 1e9, 1e17])('numbers around %d keep their order', (size) => {
    const rows = clustered(300, 24, 5).map((value) => value * size);
    const shape = { dimension: 24, metric: 'euclidean', rows: 300 } as const;
    const builder = encoded(rows, shape, 'flat');
    const query = rowOf(rows, 24, 42);
    const hits = builder.scan({ query, limit: 5 });
    expect(hits.rows[0]).toBe(42);
    if (size > 1e-10) {
      const exact = exactDistance('euclidean', query, rowOf(rows, 24, hits.rows[4]!));
      expect(hits.distances[4]! / exact).toBeGreaterThan(0.9);
      expect(hits.distances[4]! / exact).toBeLessThan(1.1);
    }
    builder.release();
  });

  test('rows far from zero and near to each other are told apart', () => {
    const next = numberSource(8);
    const rows = Float32Array.from({ length: 200 * 32 }, () => 1_000 + next() * 0.01);
    const shape = { dimension: 32, metric: 'euclidean', rows: 200 } as const;
    const builder = encoded(rows, shape, 'flat');
    for (let row = 0; row < 200; row++) {
      expect(builder.scan({ query: rowOf(rows, 32, row), limit: 1 }).rows[0]).toBe(row);
    }
    builder.release();
  });

  test('20,000 dimensions fit the sums', () => {
    const rows = clustered(20, 20_000, 4);
    for (const metric of metrics) {
      const shape = { dimension: 20_000, metric, rows: 20 };
      const builder = encoded(rows, shape);
      builder.insert(Uint32Array.from({ length: 20 }, (_, i) => i));
      const query = rowOf(rows, 20_000, 7);
      const exact = exactDistance(metric, query, query);
      const found = builder.scan({ query, limit: 20 });
      if (metric !== 'dot') expect(found.rows[0]).toBe(7);
      const at = found.rows.indexOf(7);
      expect(Math.abs(found.distances[at]! - exact)).toBeLessThan(0.02 * (1 + Math.abs(exact)) + 60);
      expect([...builder.walk({ query, ef: 20, limit: 20 }).rows]).toEqual([...found.rows]);
      builder.release();
    }
  });

  test('rows that are all alike have no range, and all are equally near', () => {
    for (const metric of metrics) {
      const rows = new Float32Array(50 * 3).fill(0.5);
      const shape = { dimension: 3, metric, rows: 50 };
      const builder = encoded(rows, shape, 'flat');
      const hits = builder.scan({ query: Float32Array.of(1, 0, 0), limit: 4 });
      expect([...hits.rows]).toEqual([0, 1, 2, 3]);
      expect(hits.distances[0]).toBeCloseTo(
        exactDistance(metric, Float32Array.of(1, 0, 0), rowOf(rows, 3, 0)),
        5,
      );
      builder.release();
    }
  });

  test('a scan answers the allowed rows alone', () => {
    const rows = clustered(1_000, 16, 6);
    const shape = { dimension: 16, metric: 'euclidean', rows: 1_000 } as const;
    const builder = encoded(rows, shape, 'flat');
    const query = rowOf(rows, 16, 0);
    const all = builder.scan({ query, limit: 1_000 });
    for (const every of [1, 2, 7, 64, 999]) {
      const isAllowed = (row: number): boolean => row % every === every - 1;
      const hits = builder.scan({ query, limit: 10, allowed: bitmapOf(1_000, isAllowed) });
      expect([...hits.rows]).toEqual([...all.rows].filter(isAllowed).slice(0, 10));
      expect(hits.visited).toBe(Math.floor(1_000 / every));
    }
    expect(builder.scan({ query, limit: 10, allowed: new Uint8Array(125) }).rows).toHaveLength(0);
    builder.release();
  });

  test('every arena went back', () => {
    // What stays is the kernel's own scratch.
    expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
  });
});
