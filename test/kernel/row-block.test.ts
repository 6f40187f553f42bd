/**
 * Strategy: a block against a plain list of vectors under random appends, kills and searches (the twins give the
 * truth), with few distinct numbers so that ties are common, and masks that name dead rows too; then its edges:
 * capacity, reuse of a dirty arena, k past the rows, release.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import {
  RowBlock,
  arenaBytes,
  arenaClasses,
  cosineScale,
  metrics,
  scoreOf,
} from '../../core/kernel/index.js';
import type { BlockHits, Metric } from '../../core/kernel/index.js';
import { kernelMetric } from '../../core/kernel/metric.js';
import { normSquaredScalar } from '../../core/kernel/scalar/numbers.js';
import { equalRowsScalar, topKScalar, type ScalarRows } from '../../core/kernel/scalar/scan.js';
import { newKernel, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const { pool } = newKernel();
const SMALL = arenaClasses[0];

function listOf(hits: BlockHits): { row: number; distance: number }[] {
  return [...hits.rows].map((row, i) => ({ row, distance: hits.distances[i]! }));
}

function scaleOf(vector: Float32Array): number {
  return cosineScale(normSquaredScalar(vector));
}

const filled = fc.integer({ min: 1, max: 19 }).chain((dimension) => {
  const vector = fc
    .array(fc.constantFrom(-2, -1, -0, 0, 0.5, 3), { minLength: dimension, maxLength: dimension })
    .map((numbers) => Float32Array.from(numbers, (x, i) => (i === 0 && x === 0 ? 1 : x)));
  return fc.record({
    vectors: fc.array(vector, { maxLength: 200 }),
    kills: fc.array(fc.nat(), { maxLength: 30 }),
    mask: fc.option(fc.uint8Array({ minLength: 40, maxLength: 40 }), { nil: undefined }),
    query: vector,
    metric: fc.constantFrom(...metrics),
    k: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: limits.k + 1 })),
  });
});

describe('against a list of vectors', () => {
  test('search, equalRows, scores, vector, isLive', () => {
    fc.assert(
      fc.property(filled, ({ vectors, kills, mask, query, metric, k }) => {
        const block = new RowBlock(pool, query.length, SMALL);
        const dead = new Set<number>();
        for (const [row, vector] of vectors.entries())
          expect(block.append(vector, scaleOf(vector))).toBe(row);
        for (const pick of vectors.length === 0 ? [] : kills) {
          dead.add(pick % vectors.length);
          block.kill(pick % vectors.length);
        }
        const isMasked = (row: number): boolean =>
          mask !== undefined && (mask[row >> 3]! & (1 << (row & 7))) !== 0;
        const truth: ScalarRows = {
          metric: kernelMetric(metric),
          query,
          rows: vectors,
          isLive: (row) => (mask === undefined ? !dead.has(row) : isMasked(row)),
          scales: metric === 'cosine' ? Float32Array.from(vectors, scaleOf) : undefined,
        };
        const hits = block.search({ query, metric, k, mask });
        expect(listOf(hits)).toEqual(topKScalar(truth, k));
        for (const distance of new Set(hits.distances)) {
          const found = block.equalRows({ query, metric, mask, distance });
          expect([...found]).toEqual(equalRowsScalar(truth, distance));
        }
        expect(block.scores({ query, metric, rows: hits.rows })).toEqual(hits.distances);
        expect(block.liveCount).toBe(vectors.length - dead.size);
        for (const [row, vector] of vectors.entries()) {
          expect(block.vector(row)).toEqual(vector);
          expect(block.isLive(row)).toBe(!dead.has(row));
        }
        block.release();
      }),
      { numRuns: 300 },
    );
    // Every release came back: one arena served all blocks.
    expect(pool.usage().idleBytes).toBe(arenaBytes(SMALL));
  });
});

describe('ties', () => {
  test('all rows at one distance are found, in more pieces than the output holds', () => {
    const arenaClass = arenaClasses[1];
    const block = new RowBlock(pool, 1, arenaClass);
    const vector = Float32Array.of(2);
    while (block.append(vector, 0.5) >= 0);
    expect(block.rowCount).toBe(block.capacity);
    // The output is the heap's room: two row numbers per key.
    expect(block.capacity).toBeGreaterThan(2 * (limits.k + 1));
    for (let row = 0; row < block.capacity; row += 3) block.kill(row);
    const search = { query: Float32Array.of(1), metric: 'euclidean' as const };
    const hits = block.search({ ...search, k: limits.k + 1 });
    const wanted = Array.from({ length: block.capacity }, (_, row) => row).filter((row) => row % 3 !== 0);
    expect([...hits.rows]).toEqual(wanted.slice(0, limits.k + 1));
    expect([...block.equalRows({ ...search, distance: hits.distances[0]! })]).toEqual(wanted);
    expect(block.equalRows({ ...search, distance: 7 })).toHaveLength(0);
    const everyRow = Uint32Array.from({ length: block.capacity }, (_, row) => row);
    expect(block.scores({ ...search, rows: everyRow }).every((distance) => distance === 1)).toBe(true);
    block.release();
  });

  test('a distance of zero is one distance, whatever its sign', () => {
    const block = new RowBlock(pool, 2, SMALL);
    for (const numbers of [
      [0, 1],
      [-0, 1],
      [1, 0],
      [0, -1],
    ])
      block.append(Float32Array.from(numbers), 1);
    const search = { query: Float32Array.of(1, 0), metric: 'dot' as const };
    const hits = block.search({ ...search, k: 4 });
    expect([...hits.rows]).toEqual([2, 0, 1, 3]);
    expect([...block.equalRows({ ...search, distance: -0 })]).toEqual([0, 1, 3]);
    block.release();
  });
});

describe('scores', () => {
  test.each([
    ['cosine', 0.6],
    ['euclidean', Math.sqrt(20)],
    ['dot', 15],
    ['manhattan', 6],
  ] as const)('%s', (metric: Metric, wanted) => {
    const block = new RowBlock(pool, 2, SMALL);
    const row = Float32Array.of(3, 4);
    const query = Float32Array.of(5, 0);
    block.append(row, scaleOf(row));
    const { distances } = block.search({ query, metric, k: 1 });
    expect(scoreOf(metric, distances[0]!, scaleOf(query))).toBeCloseTo(wanted, 6);
    block.release();
  });
});

describe('room', () => {
  test('as many rows as the class holds, and no more', () => {
    for (const arenaClass of arenaClasses.slice(0, 4)) {
      for (const dimension of [1, 3, 128, 784, 4096, limits.dimension]) {
        const capacity = RowBlock.capacityOf(dimension, arenaClass);
        expect(capacity, `${dimension} in ${arenaClass}`).toBeGreaterThan(0);
        const bytesPerRow = Math.ceil(dimension / 4) * 16;
        expect(capacity * bytesPerRow).toBeLessThan(arenaClass);
        // What is not rows is a query, the heap, and 5 bytes per row.
        const overhead = bytesPerRow + Math.min(capacity, limits.k + 1) * 8 + capacity * 5 + 1024;
        expect((capacity + 1) * (bytesPerRow + 13) + overhead).toBeGreaterThan(arenaClass);
      }
    }
  });

  test('the last row of a full block is whole', () => {
    const next = numberSource(8);
    const dimension = 129;
    const block = new RowBlock(pool, dimension, SMALL);
    const vectors: Float32Array[] = [];
    for (;;) {
      const vector = randomVector(dimension, next);
      if (block.append(vector, 1) < 0) break;
      vectors.push(vector);
    }
    expect(vectors).toHaveLength(block.capacity);
    const query = vectors.at(-1)!;
    expect(listOf(block.search({ query, metric: 'euclidean', k: 1 }))).toEqual([
      { row: block.capacity - 1, distance: 0 },
    ]);
    for (const [row, vector] of vectors.entries()) expect(block.vector(row)).toEqual(vector);
    block.release();
  });

  test('classes grow to 16 MiB and start where the rows fit', () => {
    const [c256k, c1m, c4m, c16m] = arenaClasses;
    expect(RowBlock.nextClass(128, undefined, 1)).toBe(c256k);
    expect(RowBlock.nextClass(128, c256k, 1)).toBe(c1m);
    expect(RowBlock.nextClass(128, c1m, 1)).toBe(c4m);
    expect(RowBlock.nextClass(128, c4m, 1)).toBe(c16m);
    expect(RowBlock.nextClass(128, c16m, 1)).toBe(c16m);
    expect(RowBlock.nextClass(128, undefined, 3_000)).toBe(c4m);
    expect(RowBlock.nextClass(128, undefined, 1e9)).toBe(c16m);
    expect(RowBlock.capacityOf(limits.dimension, c16m)).toBeGreaterThan(100);
  });

  test('a block over the budget is refused', () => {
    const tight = newKernel(2 * arenaBytes(SMALL)).pool;
    const block = new RowBlock(tight, 4, SMALL);
    expect(() => new RowBlock(tight, 4, SMALL)).toThrow('the memory budget is exceeded');
    block.release();
    new RowBlock(tight, 4, SMALL).release();
  });
});

describe('edges', () => {
  test('an empty block answers nothing', () => {
    const block = new RowBlock(pool, 3, SMALL);
    const search = { query: new Float32Array(3), metric: 'dot' as const };
    expect(block.search({ ...search, k: 5 }).rows).toHaveLength(0);
    expect(block.equalRows({ ...search, distance: 0 })).toHaveLength(0);
    expect(block.search({ ...search, k: 5, mask: new Uint8Array(0) }).rows).toHaveLength(0);
    block.release();
  });

  test('nothing of an earlier block in the same arena is seen', () => {
    const query = new Float32Array(4);
    const first = new RowBlock(pool, 4, SMALL);
    while (first.append(query, 1) >= 0);
    first.search({ query, metric: 'dot', k: 9, mask: new Uint8Array(first.capacity).fill(255) });
    first.release();
    const second = new RowBlock(pool, 4, SMALL);
    second.append(Float32Array.of(1, 1, 1, 1), 1);
    for (const mask of [undefined, Uint8Array.of(255)]) {
      expect([...second.search({ query, metric: 'euclidean', k: 9, mask }).rows]).toEqual([0]);
    }
    second.kill(0);
    expect(second.search({ query, metric: 'euclidean', k: 9 }).rows).toHaveLength(0);
    second.kill(0);
    expect(second.liveCount).toBe(0);
    second.release();
  });

  test('a wrong call is found out', () => {
    const block = new RowBlock(pool, 2, SMALL);
    const query = new Float32Array(2);
    block.append(query, 1);
    expect(() => block.append(new Float32Array(3), 1)).toThrow('a row of 3 numbers, not 2');
    expect(() => block.search({ query: new Float32Array(3), metric: 'dot', k: 1 })).toThrow(
      'a query of 3 numbers',
    );
    expect(() => block.search({ query, metric: 'dot', k: 0 })).toThrow('k is 0');
    expect(() => block.search({ query, metric: 'dot', k: limits.k + 2 })).toThrow('the maximum is');
    expect(() => block.search({ query, metric: 'dot', k: 1, mask: new Uint8Array(0) })).toThrow(
      'a mask of 0 bytes',
    );
    expect(() => block.kill(1)).toThrow('row 1 of a block of 1');
    expect(() => block.scores({ query, metric: 'dot', rows: Uint32Array.of(0, 9) })).toThrow('row 9');
    block.release();
    block.release();
    expect(() => block.search({ query, metric: 'dot', k: 1 })).toThrow('after its release');
  });
});
