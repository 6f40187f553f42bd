/**
 * Strategy: an index of each coding, built as compactions build it and attached to an arena full of dirt. Rows as they were given
 * answer the kernels' own distances, to the bit, in their order, whether scanned or walked; a builder finds what the index does.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { CodePlan } from '../../core/index/index.js';
import { cosineScale, metrics, type Metric } from '../../core/kernel/index.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { kernelMetric } from '../../core/kernel/metric.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  exactNearest,
  kernel,
  rowOf,
  shapeOf,
  stored,
} from './fixture.js';
import type { Attached, StoredIndex } from './fixture.js';

const COUNT = 700;
const opened: Attached[] = [];
afterAll(() => opened.forEach(({ arena }) => kernel.pool.release(arena)));

function open(index: StoredIndex): Attached {
  const made = attached(index);
  opened.push(made);
  return made;
}

function indexOf(rows: Float32Array, dimension: number, metric: Metric, code: CodePlan): StoredIndex {
  const shape = shapeOf(rows, dimension, metric);
  const builder = built(rows, shape, undefined, undefined, code);
  const index = stored(builder, shape);
  builder.release();
  return index;
}

/** As the engine has them of raw rows. */
function kernelDistance(metric: Metric, query: Float32Array, row: Float32Array): number {
  const distance = distanceScalar(kernelMetric(metric), query, row);
  if (metric !== 'cosine') return distance + 0;
  return Math.fround(distance * cosineScale(kernel.normSquared(row, row.length)[0]!)) + 0;
}

const f32: CodePlan = { kind: 'f32' };

describe('rows as they were given', () => {
  test.each(metrics.flatMap((metric) => [3, 16, 67].map((d) => [metric, d] as const)))(
    '%s of %i dimensions: their own distances, in their order',
    (metric, dimension) => {
      const rows = clustered(COUNT, dimension, 5);
      const { index } = open(indexOf(rows, dimension, metric, f32));
      const queries = clustered(10, dimension, 77);
      let found = 0;
      for (let q = 0; q < 10; q++) {
        const query = rowOf(queries, dimension, q);
        const allowed = bitmapOf(COUNT, (row) => row % 3 !== q % 3);
        for (const hits of [
          index.scan({ query, limit: COUNT, allowed }),
          index.walk({ query, ef: 200, limit: 60 }),
          index.walk({ query, ef: 60, limit: 10, reach: 1.3 }),
        ]) {
          expect(hits.exact).toBe(true);
          const distances = [...hits.rows].map((row) =>
            kernelDistance(metric, query, rowOf(rows, dimension, row)),
          );
          expect([...hits.distances]).toEqual(distances);
          for (let i = 1; i < distances.length; i++)
            expect(distances[i]! - distances[i - 1]!).toBeGreaterThan(-1e-5 * (1 + Math.abs(distances[i]!)));
        }
        const walked = new Set(index.walk({ query, ef: 100, limit: 10 }).rows);
        found += exactNearest(metric, rows, query, { k: 10 }).filter((row) => walked.has(row)).length;
      }
      expect(found).toBeGreaterThan(93);
    },
  );

  test('a builder walks and scans as the index does', () => {
    const rows = clustered(COUNT, 24, 5);
    const shape = shapeOf(rows, 24, 'cosine');
    const builder = built(rows, shape, undefined, undefined, f32);
    const { index } = open(stored(builder, shape));
    const query = rowOf(clustered(1, 24, 9), 24, 0);
    expect(builder.walk({ query, ef: 50, limit: 20 })).toEqual(index.walk({ query, ef: 50, limit: 20 }));
    expect(builder.scan({ query, limit: 20 })).toEqual(index.scan({ query, limit: 20 }));
    expect(builder.spread(query, 40)).toBeGreaterThan(1);
    expect(builder.walkBuilt({ query, ef: 50, limit: 20 }).exact).toBe(false);
    builder.release();
  });
});
