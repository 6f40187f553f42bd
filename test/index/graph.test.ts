/**
 * Strategy: graphs over generated clusters. Invariants of the lists (degrees, known ids, no loops, no doubles, levels,
 * every row reached), the same bytes from the same seed, and recall against exact search for every metric.
 */
import { describe, expect, test } from 'vitest';
import { INDEX_STATE_OFFSET, metrics } from '../../core/kernel/index.js';
import { stateOffsets } from '../../core/index/layout/state.js';
import type { GraphSource } from '../../core/index/index.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  encoded,
  exactNearest,
  graphOptions,
  kernel,
  recallOf,
  rowOf,
  shapeOf,
  stored,
  upTo,
} from './fixture.js';

const DIMENSION = 24;
const rows = clustered(3_000, DIMENSION, 1);
const queries = clustered(60, DIMENSION, 1).map((value, i) => value + Math.sin(i) * 0.1);
const queryList = Array.from({ length: 60 }, (_, q) => rowOf(queries, DIMENSION, q));

/** Lists of level 0. */
function listsOf({ graph0, numbers }: GraphSource): number[][] {
  const stride = 2 * numbers.m + 1;
  return Array.from({ length: graph0.length / stride }, (_, row) => {
    const at = row * stride;
    return [...graph0.subarray(at + 1, at + 1 + graph0[at]!)];
  });
}

function reachedFrom(start: number, lists: readonly number[][]): Set<number> {
  const reached = new Set([start]);
  for (const row of reached) for (const next of lists[row]!) reached.add(next);
  return reached;
}

describe('a graph', () => {
  test.each(metrics)('of %s keeps its invariants', (metric) => {
    const shape = shapeOf(rows, DIMENSION, metric);
    const builder = built(rows, shape);
    const graph = builder.graph();
    const { m, entry, maxLevel } = graph.numbers;
    const lists = listsOf(graph);
    for (const [row, list] of lists.entries()) {
      expect(list.length).toBeLessThanOrEqual(2 * m);
      expect(list.length).toBeGreaterThan(0);
      expect(list).not.toContain(row);
      expect(new Set(list).size).toBe(list.length);
      for (const other of list) expect(other).toBeLessThan(shape.rows);
    }
    // A dot product has no neighbourhood of small vectors: nobody needs to point at them.
    if (metric !== 'dot') expect(reachedFrom(entry, lists).size).toBeGreaterThanOrEqual(shape.rows - 3);
    const { graphLevels } = graph;
    expect(maxLevel).toBeGreaterThan(0);
    const heights = new Map<number, number>();
    for (let at = 0; at + 3 < graphLevels.length; at += 2) {
      heights.set(graphLevels[at]!, graphLevels[at + 3]! - graphLevels[at + 1]!);
    }
    expect(heights.get(entry)).toBe(maxLevel);
    expect(Math.max(...heights.values())).toBe(maxLevel);
    expect(heights.size).toBeGreaterThan(shape.rows / m / 2);
    expect(heights.size).toBeLessThan((shape.rows / m) * 2);
    builder.release();
  });

  test.each(metrics)('of %s finds what exact search finds', (metric) => {
    const shape = shapeOf(rows, DIMENSION, metric);
    const builder = built(rows, shape);
    const { index, arena } = attached(stored(builder, shape));
    expect(index.hasGraph).toBe(true);
    const truth = queryList.map((query) => exactNearest(metric, rows, query, { k: 10 }));
    const walked = queryList.map((query) => [...index.walk({ query, ef: 100, limit: 40 }).rows]);
    expect(recallOf(walked, truth)).toBeGreaterThan(metric === 'dot' ? 0.95 : 0.99);
    const scanned = queryList.map((query) => [...index.scan({ query, limit: 40 }).rows]);
    expect(recallOf(scanned, truth)).toBeGreaterThan(0.999);
    for (const query of queryList) {
      const fromBuilder = builder.walk({ query, ef: 50, limit: 50 });
      const fromIndex = index.walk({ query, ef: 50, limit: 50 });
      expect(fromIndex).toEqual(fromBuilder);
      expect(fromIndex.visited).toBeLessThan(shape.rows);
    }
    builder.release();
    kernel.pool.release(arena);
  });

  test('walks answer distances that rise, those of the scan', () => {
    const shape = shapeOf(rows, DIMENSION, 'euclidean');
    const builder = built(rows, shape);
    for (const query of queryList.slice(0, 10)) {
      const { rows: found, distances } = builder.walk({ query, ef: 3_000, limit: 3_000 });
      const scan = builder.scan({ query, limit: 3_000 });
      const exact = new Map([...scan.rows].map((row, i) => [row, scan.distances[i]!]));
      for (const [i, row] of found.entries()) {
        expect(distances[i]).toBe(exact.get(row));
        if (i > 0) expect(distances[i]!).toBeGreaterThanOrEqual(distances[i - 1]!);
      }
      expect(found.length).toBeGreaterThan(2_990);
      expect(new Set(found).size).toBe(found.length);
    }
    builder.release();
  });

  test('is the same, byte for byte, from the same seed, however the rows come', () => {
    const shape = shapeOf(rows, DIMENSION, 'cosine');
    const one = built(rows, shape);
    const other = encoded(rows, shape);
    for (let at = 0; at < shape.rows; at += 91) other.insert(upTo(shape.rows).subarray(at, at + 91));
    const reseeded = built(rows, shape, { ...graphOptions, seed: 8 });
    const a = stored(one, shape);
    expect(stored(other, shape)).toEqual(a);
    expect(stored(reseeded, shape).region).not.toEqual(a.region);
    for (const builder of [one, other, reseeded]) builder.release();
  });

  test('a walk answers allowed rows alone, and passes through the others', () => {
    const shape = shapeOf(rows, DIMENSION, 'euclidean');
    const builder = built(rows, shape);
    const isAllowed = (row: number): boolean => row % 5 === 0;
    const allowed = bitmapOf(shape.rows, isAllowed);
    const walked = queryList.map((query) => builder.walk({ query, ef: 300, limit: 10, allowed }));
    for (const { rows: found } of walked) expect([...found].every(isAllowed)).toBe(true);
    const truth = queryList.map((query) => exactNearest('euclidean', rows, query, { k: 10, isAllowed }));
    expect(
      recallOf(
        walked.map((hits) => [...hits.rows]),
        truth,
      ),
    ).toBeGreaterThan(0.95);
    const none = builder.walk({ query: queryList[0]!, ef: 50, limit: 10, allowed: new Uint8Array(375) });
    expect(none.rows).toHaveLength(0);
    builder.release();
  });

  test('is searched while it is built: rows not yet inserted are no answers of a walk', () => {
    const shape = shapeOf(rows, DIMENSION, 'euclidean');
    const builder = encoded(rows, shape);
    expect(builder.walk({ query: queryList[0]!, ef: 10, limit: 10 }).rows).toHaveLength(0);
    const order = upTo(shape.rows).reverse();
    builder.insert(order.subarray(0, 2_500));
    const early = builder.walk({ query: rowOf(rows, DIMENSION, 100), ef: 100, limit: 100 });
    expect(Math.min(...early.rows)).toBeGreaterThanOrEqual(500);
    builder.insert(order.subarray(2_500));
    expect(builder.walk({ query: rowOf(rows, DIMENSION, 100), ef: 100, limit: 1 }).rows[0]).toBe(100);
    builder.release();
  });

  test('one row, two rows, and many that are all alike', () => {
    for (const count of [1, 2, 500]) {
      const alike = new Float32Array(count * 4).fill(0.5);
      const shape = { dimension: 4, metric: 'euclidean', rows: count } as const;
      const builder = built(alike, shape);
      const { index, arena } = attached(stored(builder, shape));
      const query = Float32Array.of(0.5, 0.5, 0.5, 0.5);
      const hits = index.walk({ query, ef: 20, limit: 20 });
      expect(hits.rows).toHaveLength(Math.min(count, 20));
      expect([...hits.distances].every((distance) => distance === 0)).toBe(true);
      builder.release();
      kernel.pool.release(arena);
    }
  });

  test('many copies of each row do not cut the graph in islands', () => {
    const distinct = clustered(50, DIMENSION, 9);
    const count = 5_000;
    const copies = new Float32Array(count * DIMENSION);
    for (let row = 0; row < count; row++) copies.set(rowOf(distinct, DIMENSION, row % 50), row * DIMENSION);
    const shape = shapeOf(copies, DIMENSION, 'euclidean');
    const builder = built(copies, shape);
    // As every build ends: insertion alone leaves a few of the fifty out of reach.
    for (const _ of builder.connect());
    let found = 0;
    for (let row = 0; row < 50; row++) {
      const hits = builder.walk({ query: rowOf(distinct, DIMENSION, row), ef: 60, limit: 10 });
      if ([...hits.rows].every((hit) => hit % 50 === row)) found++;
    }
    expect(found).toBeGreaterThanOrEqual(48);
    builder.release();
  });

  test('epochs that come round again forget old marks', () => {
    const few = clustered(300, 4, 3);
    const shape = shapeOf(few, 4, 'euclidean');
    const builder = built(few, shape);
    const { index, arena } = attached(stored(builder, shape));
    builder.release();
    const query = rowOf(few, 4, 5);
    const first = index.walk({ query, ef: 100, limit: 100 });
    // As after 255 levels searched: every row was marked in one of the first epochs, and not again.
    const visited = arena.u32[(INDEX_STATE_OFFSET + stateOffsets.visited) / 4]!;
    const marks = arena.u8;
    for (let row = 0; row < 300; row++) marks[visited + row] = 1 + (row % 16);
    arena.u32[(INDEX_STATE_OFFSET + stateOffsets.epoch) / 4] = 255;
    expect(index.walk({ query, ef: 100, limit: 100 })).toEqual(first);
    kernel.pool.release(arena);
  });
});
