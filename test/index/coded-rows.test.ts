/**
 * Strategy: an index of each coding, built as compactions build it and attached to an arena full of dirt. Rows as they were given
 * answer the kernels' own distances, to the bit, in their order, whether scanned or walked; a builder finds what the index does.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { CodePlan, PlacedLeaves } from '../../core/index/index.js';
import { cosineScale, metrics, type Metric } from '../../core/kernel/index.js';
import { rotationSigns } from '../../core/index/codes/rabitq/rotation.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { rabitqEncodeScalar, rotateScalar } from '../../core/kernel/scalar/rabitq.js';
import { kernelMetric } from '../../core/kernel/metric.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  codedIndex,
  exactDistance,
  exactNearest,
  kernel,
  pqPlan,
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
      const { index } = open(codedIndex(rows, dimension, metric, f32));
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

interface Coded {
  readonly code: CodePlan;
  readonly leaves: PlacedLeaves;
}

/** Leaves of so many rows, in the order in which rows lie, and their means. */
function rabitq(
  given: Float32Array,
  dimension: number,
  { bits, unit }: { bits: number; unit: number },
  metric: Metric,
): Coded {
  const starts = Uint32Array.of(0, 300, 333, 500);
  const centroids = new Float32Array(starts.length * dimension);
  starts.forEach((first, leaf) => {
    const end = starts[leaf + 1] ?? COUNT;
    for (let row = first; row < end; row++) {
      const own = rowOf(given, dimension, row);
      const length = metric === 'cosine' ? Math.hypot(...own) : 1;
      own.forEach((value, d) => (centroids[leaf * dimension + d]! += value / length / (end - first)));
    }
  });
  const code = { kind: 'rabitq', bits, unit, leaves: starts.length } as const;
  return { code, leaves: { starts, centroids } };
}

const rabitqOfDot =
  (bits: number) =>
  (rows: Float32Array, dimension: number): Coded =>
    rabitq(rows, dimension, { bits, unit: 4 }, 'dot');

function openRabitq(
  rows: Float32Array,
  dimension: number,
  metric: Metric,
  { bits, unit }: { bits: number; unit: number },
): Attached {
  const shape = shapeOf(rows, dimension, metric);
  const { code, leaves } = rabitq(rows, dimension, { bits, unit }, metric);
  const builder = built(rows, shape, undefined, undefined, code, leaves);
  const index = stored(builder, shape, leaves.starts);
  const query = rowOf(clustered(1, dimension, 8), dimension, 0);
  const request = { query, ef: 50, limit: 30 };
  const [walked, scanned] = [builder.walk(request), builder.scan({ query, limit: 30 })];
  builder.release();
  const made = open(index);
  expect(made.index.walk(request)).toEqual(walked);
  expect(made.index.scan({ query, limit: 30 })).toEqual(scanned);
  return made;
}

const turned = ['euclidean', 'cosine', 'dot'] as const;

describe('RaBitQ codes', () => {
  test.each(
    turned.flatMap((metric) =>
      [1, 2, 4].flatMap((bits) => [5, 64, 130].map((d) => [metric, bits, d] as const)),
    ),
  )(
    '%s, %i bits, %i dimensions: the nearest are among the first, and distances are near those of the rows',
    (metric, bits, dimension) => {
      const rows = clustered(COUNT, dimension, 5);
      const { index } = openRabitq(rows, dimension, metric, { bits, unit: metric === 'cosine' ? 1 : 4 });
      const queries = clustered(10, dimension, 77);
      let [scanned, walked, error, spread] = [0, 0, 0, 0];
      for (let q = 0; q < 10; q++) {
        const query = rowOf(queries, dimension, q);
        const allowed = bitmapOf(COUNT, (row) => row % 5 !== q % 5);
        const all = index.scan({ query, limit: COUNT });
        expect(all.exact).toBe(false);
        const exact = [...all.rows].map((row) => exactDistance(metric, query, rowOf(rows, dimension, row)));
        const mean = exact.reduce((sum, value) => sum + value, 0) / COUNT;
        exact.forEach((value, i) => {
          error += (all.distances[i]! - value) ** 2;
          spread += (value - mean) ** 2;
        });
        const truth = exactNearest(metric, rows, query, { k: 10, isAllowed: (row) => row % 5 !== q % 5 });
        const first = new Set(index.scan({ query, limit: 100, allowed }).rows);
        const met = new Set(index.walk({ query, ef: 200, limit: 100, allowed }).rows);
        scanned += truth.filter((row) => first.has(row)).length;
        walked += truth.filter((row) => met.has(row)).length;
      }
      expect(error / spread).toBeLessThan([0, 0.25, 0.06, 0, 0.01][bits]!);
      expect(scanned).toBeGreaterThan(97);
      expect(walked).toBeGreaterThan(94);
    },
  );

  test.each(turned)('%s: of many leaves far apart are of what their own centroid leaves', (metric) => {
    // More leaves, and more rows of several leaves, than are rotated at a time.
    const [dimension, padded, leaves, perLeaf] = [1_500, 1_536, 50, 3];
    const rows = clustered(leaves * perLeaf, dimension, 5).map(
      (value, i) => value + 0.02 * Math.floor(i / dimension / perLeaf),
    );
    const shape = shapeOf(rows, dimension, metric);
    const unit = metric === 'cosine' ? 1 : 4;
    const scaleOf = (row: Float32Array): number =>
      metric === 'cosine' ? Math.fround(1 / Math.hypot(...row)) : 1 / unit;
    const leafStarts = Uint32Array.from({ length: leaves }, (_, leaf) => leaf * perLeaf);
    const centroids = new Float32Array(leaves * dimension);
    for (let i = 0; i < rows.length; i++) {
      const row = Math.floor(i / dimension);
      const own = metric === 'cosine' ? scaleOf(rowOf(rows, dimension, row)) : 1;
      centroids[Math.floor(row / perLeaf) * dimension + (i % dimension)]! += (rows[i]! * own) / perLeaf;
    }
    const code: CodePlan = { kind: 'rabitq', bits: 1, unit, leaves };
    const builder = built(rows, shape, undefined, undefined, code, { starts: leafStarts, centroids });
    const { region, sections } = stored(builder, shape, leafStarts);
    builder.release();
    const offsetOf = (kind: string): number => sections.find((section) => section.kind === kind)!.offset;
    const signs = rotationSigns(padded);
    for (let row = 0; row < leaves * perLeaf; row++) {
      const leaf = Math.floor(row / perLeaf);
      const centroid = new Float32Array(region.buffer, offsetOf('params') + leaf * padded * 4, padded);
      const given = centroids.subarray(leaf * dimension, (leaf + 1) * dimension);
      expect(centroid).toEqual(rotateScalar(given, 1 / unit, signs, padded));
      const vector = rowOf(rows, dimension, row);
      const rotated = rotateScalar(vector, scaleOf(vector), signs, padded);
      const wanted = rabitqEncodeScalar(rotated, centroid, 1, metric === 'dot');
      const terms = new DataView(region.buffer, offsetOf('codes') + row * (padded / 8 + 8) + padded / 8);
      expect(terms.getFloat32(0, true)).toBeCloseTo(wanted.add, 4);
      expect(terms.getFloat32(4, true)).toBeCloseTo(wanted.rescale, 4);
    }
  });

  test('are those of their leaf, whatever was coded before', () => {
    const rows = clustered(COUNT, 24, 5);
    const shape = shapeOf(rows, 24, 'euclidean');
    const { code, leaves } = rabitq(rows, 24, { bits: 1, unit: 4 }, 'euclidean');
    const builder = built(rows, shape, undefined, undefined, code, leaves);
    const before = stored(builder, shape).region;
    builder.encode(0, rows.subarray(0, 350 * 24));
    expect(stored(builder, shape).region).toEqual(before);
    builder.release();
  });

  test.each([1e-18, 1e-3, 1e15])('of numbers around %d keep their order', (size) => {
    const rows = clustered(COUNT, 64, 5);
    const queries = clustered(5, 64, 77);
    const unit = 2 ** Math.ceil(Math.log2(4 * size));
    const large = openRabitq(
      rows.map((value) => value * size),
      64,
      'euclidean',
      { bits: 4, unit },
    );
    for (let q = 0; q < 5; q++) {
      const query = rowOf(queries, 64, q);
      const truth = exactNearest('euclidean', rows, query, { k: 10 });
      const hits = large.index.scan({ query: query.map((value) => value * size), limit: 40 });
      expect(truth.filter((row) => hits.rows.includes(row)).length).toBeGreaterThan(8);
      expect(hits.distances.every((distance) => Number.isFinite(distance))).toBe(true);
    }
  });
});

test.each([
  ['f32', () => ({ code: f32, leaves: undefined })],
  ...[1, 4].map((bits) => [`rabitq of ${bits} bits`, rabitqOfDot(bits)] as const),
  [
    'pq',
    (rows: Float32Array, dimension: number) => ({
      code: pqPlan(rows, dimension, 'dot', 16),
      leaves: undefined,
    }),
  ],
] as const)('%s: products order rows alike by a query of any length', (_, planOf) => {
  const dimension = 64;
  const rows = clustered(COUNT, dimension, 5);
  const shape = shapeOf(rows, dimension, 'dot');
  const { code, leaves } = planOf(rows, dimension);
  const builder = built(rows, shape, undefined, undefined, code, leaves);
  const query = rowOf(clustered(1, dimension, 9), dimension, 0);
  const wanted = builder.scan({ query, limit: 40 }).rows;
  for (const length of [2 ** -20, 2 ** 20])
    expect(builder.scan({ query: query.map((value) => value * length), limit: 40 }).rows).toEqual(wanted);
  builder.release();
});

describe('what a file says of its coding', () => {
  const rows = clustered(COUNT, 24, 5);
  const of = (metric: Metric): StoredIndex => {
    const shape = shapeOf(rows, 24, metric);
    const { code, leaves } = rabitq(rows, 24, { bits: 2, unit: 4 }, metric);
    const builder = built(rows, shape, undefined, undefined, code, leaves);
    const index = stored(builder, shape, leaves.starts);
    builder.release();
    return index;
  };
  const good = of('euclidean');

  test.each([
    ['coding 3', { coding: 3 }],
    ['coding -1', { coding: -1 }],
    ['half a coding', { coding: 0.5 }],
    ['another coding', { coding: 1 }],
    ['codes of 3 bits', { bits: 3 }],
    ['codes of other bits', { bits: 4 }],
    ['no bits', { bits: 0 }],
    ['no unit', { unit: 0 }],
    ['a unit below 0', { unit: -1 }],
    ['a unit that nothing can be divided by', { unit: 1e-45 }],
    ['an infinite unit', { unit: Infinity }],
    ['exact codes', { exact: 1 }],
    ['a projection', { outputs: 8 }],
  ])('%s is refused', (_, numbers) => {
    expect(() => open({ ...good, numbers: { ...good.numbers, ...numbers } })).toThrow(/damaged|expected/);
  });

  test.each([
    ['none', []],
    ['not from the first row on', [1, 300, 333, 500]],
    ['not ascending', [0, 300, 300, 500]],
    ['beyond the rows', [0, 300, 333, COUNT]],
    ['fewer than there are centroids', [0, 300, 333]],
  ])('leaves: %s', (_, starts) => {
    expect(() => open({ ...good, leafStarts: Uint32Array.from(starts) })).toThrow(/damaged|expected/);
  });

  test('bits that no code has are named', () => {
    expect(() => open({ ...good, numbers: { ...good.numbers, bits: 3 } })).toThrow(/codes of 1, 2 or 4 bits/);
  });

  test('leaves: more than their numbers go to', () => {
    const leafStarts = Uint32Array.from({ length: 65_536 }, (_, leaf) => leaf);
    expect(() => open({ ...good, shape: { ...good.shape, rows: 70_000 }, leafStarts })).toThrow(
      /1 to 65535 leaves/,
    );
  });

  test('a metric that a rotation does not keep, a centroid that is no number', () => {
    expect(() => open({ ...good, shape: { ...good.shape, metric: 'manhattan' } })).toThrow(/rotation/);
    const region = good.region.slice();
    region.set([0, 0, 0xc0, 0x7f], good.sections.find(({ kind }) => kind === 'params')!.offset + 8);
    expect(() => open({ ...good, region })).toThrow(/finite/);
  });
});
