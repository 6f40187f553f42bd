/**
 * Strategy: rows of whole numbers that lie within 255 of each other lose nothing as codes. Then scans, walks and walks on
 * fewer dimensions answer the kernels' own distances of the raw rows, to the bit; one number that does not fit, and they
 * answer those of the codes. What a file claims of it is checked.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { RangeTrainer } from '../../core/index/index.js';
import type { Metric } from '../../core/kernel/index.js';
import { numberSource } from '../kernel/number-source.js';
import {
  attached,
  bitmapOf,
  built,
  directionsOf,
  encoded,
  exactDistance,
  exactNearest,
  kernel,
  rowOf,
  shapeOf,
  stored,
} from './fixture.js';
import type { Attached, StoredIndex } from './fixture.js';

const COUNT = 500;
const exactMetrics = ['euclidean', 'dot', 'manhattan'] as const;
const opened: Attached[] = [];
afterAll(() => opened.forEach(({ arena }) => kernel.pool.release(arena)));

/** Of every dimension another part of the whole numbers from -140 on; dimension 1 is 7 in all rows. */
function wholeRows(dimension: number, seed: number): Float32Array {
  const next = numberSource(seed);
  return Float32Array.from({ length: COUNT * dimension }, (_, i) => {
    const d = i % dimension;
    return d === 1 ? 7 : Math.floor((next() + 1) * 127) + 60 * (d % 5) - 140;
  });
}

function open(index: StoredIndex): Attached {
  const made = attached(index);
  opened.push(made);
  return made;
}

function storedFlat(rows: Float32Array, dimension: number, metric: Metric): StoredIndex {
  const shape = shapeOf(rows, dimension, metric);
  const builder = encoded(rows, shape, 'flat');
  const index = stored(builder, shape);
  builder.release();
  return index;
}

describe('codes of whole numbers', () => {
  test.each(exactMetrics.flatMap((metric) => [1, 2, 15, 16, 17, 67].map((d) => [metric, d] as const)))(
    '%s of %i dimensions: a scan answers the distances of the rows',
    (metric, dimension) => {
      const rows = wholeRows(dimension, dimension);
      const { index } = open(storedFlat(rows, dimension, metric));
      // No whole numbers themselves.
      const queries = Float32Array.from({ length: 5 * dimension }, numberSource(9)).map(
        (value) => value * 200,
      );
      for (let q = 0; q < 5; q++) {
        const query = rowOf(queries, dimension, q);
        const allowed = bitmapOf(COUNT, (row) => row % 3 !== q % 3);
        const hits = index.scan({ query, limit: COUNT, allowed });
        expect(hits.exact).toBe(true);
        expect([...hits.distances]).toEqual(
          [...hits.rows].map((row) => exactDistance(metric, query, rowOf(rows, dimension, row)) + 0),
        );
      }
    },
  );

  test.each(exactMetrics)('%s: so does a walk, of all dimensions and of fewer', (metric) => {
    const dimension = 24;
    const rows = wholeRows(dimension, 4);
    const shape = shapeOf(rows, dimension, metric);
    const outputs = 8;
    const projection = {
      outputs,
      directions: directionsOf(outputs, dimension, 6),
      means: new Float32Array(dimension),
      params: { lo: new Float32Array(outputs).fill(-800), step: new Float32Array(outputs).fill(1600 / 255) },
    };
    for (const walkedOn of metric === 'euclidean' ? [undefined, projection] : [undefined]) {
      const builder = built(rows, shape, { m: 8, efConstruction: 40, seed: 2 }, walkedOn);
      // A builder compares its walks with truths of its own, by the codes.
      expect(builder.walk({ query: rowOf(rows, dimension, 0), ef: 20, limit: 5 }).exact).toBe(false);
      const { index } = open(stored(builder, shape));
      builder.release();
      let found = 0;
      for (let q = 0; q < 20; q++) {
        const query = rowOf(rows, dimension, q * 7).map((value, d) => value + (d % 3) * 0.3);
        const hits = index.walk({ query, ef: 200, limit: 30 });
        expect(hits.exact).toBe(true);
        expect([...hits.distances]).toEqual(
          [...hits.rows].map((row) => exactDistance(metric, query, rowOf(rows, dimension, row)) + 0),
        );
        const rowsFound = new Set(hits.rows);
        found += exactNearest(metric, rows, query, { k: 10 }).filter((row) => rowsFound.has(row)).length;
      }
      expect(found).toBeGreaterThan(180);
    }
  });
});

describe('what loses something as codes', () => {
  /** Row 3 of dimension 2. */
  const AT = 3 * 16 + 2;

  test.each([
    ['a half', 0.5, 'euclidean'],
    ['a range of 256', 132, 'manhattan'],
    ['numbers beyond 2^24', 16_777_218, 'dot'],
    ['nothing, but a cosine', 0, 'cosine'],
  ] as const)('%s', (_, value, metric) => {
    const rows = Float32Array.from(
      { length: COUNT * 16 },
      (_row, i) => (i % 16) * 8 - 140 + ((i >> 4) % 100),
    );
    // The least of its dimension is -124.
    if (metric !== 'cosine') rows[AT] = value;
    const trainer = new RangeTrainer(16, metric);
    trainer.add(rows);
    expect(trainer.finish().exact).toBe(false);
    const index = storedFlat(rows, 16, metric);
    expect(index.numbers.exact).toBe(0);
    expect(open(index).index.scan({ query: rowOf(rows, 16, 1), limit: 5 }).exact).toBe(false);
  });

  test('a range of 255 loses nothing', () => {
    const trainer = new RangeTrainer(1, 'euclidean');
    trainer.add(Float32Array.of(-140, 115));
    expect(trainer.finish()).toEqual({ lo: Float32Array.of(-140), step: Float32Array.of(1), exact: true });
  });
});

describe('what a file says of it', () => {
  const rows = wholeRows(16, 3);

  test.each([
    ['euclidean', 2],
    ['euclidean', -1],
    ['euclidean', 0.5],
    ['cosine', 1],
  ] as const)('%s %d is refused', (metric, exact) => {
    const index = storedFlat(rows, 16, metric);
    const numbers = { ...index.numbers, exact };
    expect(() => open({ ...index, numbers })).toThrow(/exact from 0 to/);
  });

  test('nothing, in files of before', () => {
    const index = storedFlat(rows, 16, 'euclidean');
    const { exact: _exact, ...numbers } = index.numbers;
    const { index: old } = open({ ...index, numbers: numbers as typeof index.numbers });
    expect(old.scan({ query: rowOf(rows, 16, 1), limit: 5 }).exact).toBe(false);
  });
});
