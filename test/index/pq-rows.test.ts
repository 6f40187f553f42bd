/**
 * Strategy: indexes in codes of product quantization, built as compactions build them and attached to an arena full of dirt. What
 * they answer is what builders answer, and near the distances of the rows themselves; their candidates hold the true neighbours
 * where enough are taken. Numbers of any size, rows that are all alike, and fewer rows than centroids; books that contradict
 * themselves are refused with the offset.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import type { IndexSection } from '../../core/index/index.js';
import { metrics, type Metric } from '../../core/kernel/index.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  codedIndex,
  exactNearest,
  kernel,
  pqPlan,
  rowOf,
  shapeOf,
  stored,
} from './fixture.js';
import type { Attached, StoredIndex } from './fixture.js';

const COUNT = 1_500;
const opened: Attached[] = [];
afterAll(() => opened.forEach(({ arena }) => kernel.pool.release(arena)));

function open(index: StoredIndex): Attached {
  const made = attached(index);
  opened.push(made);
  return made;
}

function indexOf(rows: Float32Array, dimension: number, metric: Metric, compression: number): StoredIndex {
  return codedIndex(rows, dimension, metric, pqPlan(rows, dimension, metric, compression));
}

/** As the index approximates it. */
function distance64(metric: Metric, query: Float32Array, row: Float32Array): number {
  const sum = (part: (q: number, v: number) => number): number =>
    query.reduce((total, value, d) => total + part(value, row[d]!), 0);
  if (metric === 'euclidean') return sum((q, v) => (q - v) ** 2);
  if (metric === 'manhattan') return sum((q, v) => Math.abs(q - v));
  const dot = sum((q, v) => q * v);
  return metric === 'dot' ? -dot : -dot / Math.hypot(...query) / Math.hypot(...row);
}

function sectionOf({ sections }: StoredIndex, kind: IndexSection['kind']): IndexSection {
  return sections.find((section) => section.kind === kind)!;
}

describe.each(metrics)('%s', (metric) => {
  test.each([
    [8, 0.99, 0.97],
    [16, 0.97, 0.9],
    [32, 0.9, 0.75],
  ])('compressed %i times: candidates hold the nearest', (compression, ofWide, ofNarrow) => {
    const dimension = 96;
    const rows = clustered(COUNT, dimension, 5);
    const { index } = open(indexOf(rows, dimension, metric, compression));
    const queries = clustered(30, dimension, 77);
    const found = { wide: 0, narrow: 0, scanned: 0 };
    for (let q = 0; q < 30; q++) {
      const query = rowOf(queries, dimension, q);
      const truth = exactNearest(metric, rows, query, { k: 10 });
      const held = (hits: { readonly rows: Uint32Array }): number =>
        truth.filter((row) => hits.rows.includes(row)).length / 300;
      const walked = index.walk({ query, ef: 200, limit: 80 });
      found.wide += held(walked);
      found.narrow += held({ rows: walked.rows.subarray(0, 30) });
      found.scanned += held(index.scan({ query, limit: 80 }));
      expect(walked.exact).toBe(false);
    }
    expect(found.wide).toBeGreaterThan(ofWide);
    expect(found.narrow).toBeGreaterThan(ofNarrow);
    expect(found.scanned).toBeGreaterThan(ofWide);
  });

  // The squares of all of them are still ordinary f32.
  test.each([1e-15, 1, 1e17])('numbers of size %f, off the origin by ten times as much', (size) => {
    const dimension = 20;
    const rows = clustered(400, dimension, 5).map((value) => (value + 10) * size);
    const { index } = open(indexOf(rows, dimension, metric, 8));
    const queries = clustered(5, dimension, 9).map((value) => (value + 10) * size);
    for (let q = 0; q < 5; q++) {
      const query = rowOf(queries, dimension, q);
      const exact = Array.from({ length: 400 }, (_, row) =>
        distance64(metric, query, rowOf(rows, dimension, row)),
      );
      const hits = index.scan({ query, limit: 400 });
      const off = [...hits.rows].map((row, i) => Math.abs(hits.distances[i]! - exact[row]!));
      const spread = Math.max(...exact) - Math.min(...exact);
      expect(off.reduce((sum, value) => sum + value, 0) / 400).toBeLessThan(spread * 0.03);
    }
    expect(index.walk({ query: rowOf(queries, dimension, 0), ef: 50, limit: 10 }).rows).toHaveLength(10);
  });

  test('a builder walks and scans as the index does, and filters count', () => {
    const rows = clustered(COUNT, 24, 5);
    const shape = shapeOf(rows, 24, metric);
    const builder = built(rows, shape, undefined, undefined, pqPlan(rows, 24, metric, 16));
    const { index } = open(stored(builder, shape));
    const query = rowOf(clustered(1, 24, 9), 24, 0);
    expect(builder.walk({ query, ef: 50, limit: 20 })).toEqual(index.walk({ query, ef: 50, limit: 20 }));
    expect(builder.scan({ query, limit: 20 })).toEqual(index.scan({ query, limit: 20 }));
    expect(builder.numbers()).toMatchObject({ coding: 3, compression: 16, exact: 0, outputs: 0 });
    const isAllowed = (row: number): boolean => row % 7 === 2;
    const allowed = bitmapOf(COUNT, isAllowed);
    const scanned = index.scan({ query, limit: COUNT, allowed });
    expect([...scanned.rows].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: COUNT }, (_, row) => row).filter(isAllowed),
    );
    const request = { query, ef: 40, limit: 10, allowed, allowedCount: scanned.rows.length, budget: COUNT };
    const { hits } = index.walkAllowed(request);
    expect(hits!.rows.length).toBe(10);
    expect([...hits!.rows].every(isAllowed)).toBe(true);
    builder.release();
  });
});

test.each([
  ['all alike', new Float32Array(200 * 6).fill(0.5), 6],
  ['fewer than centroids', clustered(5, 33, 2), 33],
  ['of one dimension', clustered(300, 1, 2), 1],
])('rows %s', (_, rows, dimension) => {
  const { index } = open(indexOf(rows, dimension, 'euclidean', 32));
  const query = rowOf(rows, dimension, 3);
  const hits = index.scan({ query, limit: 4 });
  expect(hits.rows).toHaveLength(4);
  expect(hits.distances[0]).toBeCloseTo(0, 2);
});

describe('books that are not what the kernels need', () => {
  const dimension = 12;
  const rows = clustered(300, dimension, 2);
  const good = indexOf(rows, dimension, 'euclidean', 16);
  const params = sectionOf(good, 'params');
  const [order, middles, unit] = [16 * dimension, 17 * dimension, 18 * dimension];

  function refusal(index: StoredIndex): Record<string, unknown> | undefined {
    try {
      kernel.pool.release(attached(index).arena);
      return undefined;
    } catch (error) {
      if (isCairnError(error) && error.kind === 'corrupt') return error.details;
      throw error;
    }
  }

  function withWord(word: number, put: (view: DataView, at: number) => void): StoredIndex {
    const region = good.region.slice();
    put(new DataView(region.buffer), params.offset + word * 4);
    return { ...good, region };
  }

  const float =
    (value: number) =>
    (view: DataView, at: number): void =>
      view.setFloat32(at, value, true);
  const whole =
    (value: number) =>
    (view: DataView, at: number): void =>
      view.setUint32(at, value, true);

  test('are sound as they were made', () => {
    expect(refusal(good)).toBeUndefined();
    expect(params).toMatchObject({ count: dimension + 1, length: (dimension + 1) * 72 });
  });

  test.each([
    ['a centroid that is no number', 5, float(Number.NaN)],
    ['a centroid far out', order - 1, float(1.5)],
    ['a dimension that there is not', order + 3, whole(dimension)],
    ['a dimension twice', order + 4, whole(new Uint32Array(good.region.buffer)[order]!)],
    ['an infinite middle', middles + 2, float(Infinity)],
    ['a unit of 0', unit, float(0)],
    ['a unit below 0', unit, float(-1)],
    ['an infinite unit', unit, float(Infinity)],
  ])('%s', (_, word, put) => {
    expect(refusal(withWord(word, put))?.['offset']).toBe(params.offset + word * 4);
  });

  test.each([
    [{ coding: 3, compression: 0 }, /^compression/],
    [{ coding: 3, compression: 12 }, /^compression/],
    [{ coding: 3, compression: Number.NaN }, /^compression/],
    [{ coding: 4, compression: 16 }, /^coding/],
    [{ coding: 0, compression: 16 }, /params/],
    [{ coding: 1, compression: 16 }, /params/],
    [{ coding: 3, compression: 16, outputs: 4 }, /a projection of sq8/],
    [{ coding: 3, compression: 16, exact: 1 }, /^exact/],
  ])('numbers %o', (numbers, expected) => {
    const details = refusal({ ...good, numbers: { ...good.numbers, ...numbers } });
    expect(details).toMatchObject({ expected: expect.stringMatching(expected) });
  });
});
