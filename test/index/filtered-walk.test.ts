/**
 * Strategy: walks through allowed rows against the exact nearest of these: for shares from all rows to few, for filters that
 * follow the clusters of the rows and for those that keep clear of the query, in all dimensions and in fewer. Whatever the
 * filter, a walk answers allowed rows alone, none twice, or says that it was given up; and it writes to its scratch alone,
 * for any degree that a graph may have.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { SearchIndex } from '../../core/index/index.js';
import type { FilteredWalk } from '../../core/index/index-memory.js';
import { metrics, PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { numberSource } from '../kernel/number-source.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  directionsOf,
  exactNearest,
  kernel,
  recallOf,
  rowOf,
  shapeOf,
  stored,
} from './fixture.js';

const DIMENSION = 24;
const ROWS = 4_000;
const QUERIES = 40;
const rows = clustered(ROWS, DIMENSION, 1);
const queries = clustered(QUERIES, DIMENSION, 1).map((value, i) => value + Math.sin(i) * 0.1);
const queryList = Array.from({ length: QUERIES }, (_, q) => rowOf(queries, DIMENSION, q));
const graph = { m: 12, efConstruction: 80, seed: 7 };

type Test = (row: number) => boolean;

function countOf(isAllowed: Test): number {
  return Array.from({ length: ROWS }, (_, row) => row).filter(isAllowed).length;
}

function byChance(share: number): Test {
  const next = numberSource(share * 1_000);
  const drawn = Array.from({ length: ROWS }, () => (next() + 1) / 2 < share);
  return (row) => drawn[row]!;
}

/** How far rows are from the first query, by their order. */
const fromFirst = exactNearest('euclidean', rows, queryList[0]!, { k: ROWS });
const placeOf = new Map(fromFirst.map((row, place) => [row, place]));

function opened(metric: (typeof metrics)[number], projected = false): ReturnType<typeof attached> {
  const outputs = 16;
  const projection = {
    outputs,
    directions: directionsOf(outputs, DIMENSION, 6),
    means: new Float32Array(DIMENSION),
    params: { lo: new Float32Array(outputs).fill(-3), step: new Float32Array(outputs).fill(6 / 255) },
  };
  const own = shapeOf(rows, DIMENSION, metric);
  const builder = built(rows, own, graph, projected ? projection : undefined);
  const made = attached(stored(builder, own));
  builder.release();
  return made;
}

describe('a walk through allowed rows', () => {
  test.each([
    ...metrics.flatMap((metric) => [0.2, 0.12, 0.08].map((share) => [metric, share, false] as const)),
    ['euclidean', 0.2, true] as const,
  ])('of %s, a share of %d, on fewer dimensions: %s', (metric, share, projected) => {
    const { index, arena } = opened(metric, projected);
    const isAllowed = byChance(share);
    const allowed = bitmapOf(ROWS, isAllowed);
    const allowedCount = countOf(isAllowed);
    const found = queryList.map((query) => {
      const { hits } = index.walkAllowed({
        ...{ query, ef: 100, limit: 40, allowed, allowedCount },
        budget: 2 * ROWS,
      });
      // Of few rows near a query it may be chance that none is allowed; whoever asks scans then.
      if (hits === undefined) return undefined;
      const answered = [...hits.rows];
      expect(new Set(answered).size).toBe(answered.length);
      expect(answered.every(isAllowed)).toBe(true);
      return answered;
    });
    kernel.pool.release(arena);
    const walked = found.filter((answer) => answer !== undefined);
    expect(walked.length).toBeGreaterThan(0.9 * QUERIES);
    const truth = queryList
      .filter((_, q) => found[q] !== undefined)
      .map((query) => exactNearest(metric, rows, query, { k: 10, isAllowed }));
    // Inner products have no neighbourhood of small vectors: their graphs are the worst.
    expect(recallOf(walked, truth)).toBeGreaterThan(metric === 'dot' ? 0.85 : 0.97);
  });

  test('finds a region far from the query, where the filter allows no other', () => {
    const { index, arena } = opened('euclidean');
    // The farthest, to which nothing leads but the sample; and so few that it says nothing of a filter that none is around the query.
    const isAllowed: Test = (row) => placeOf.get(row)! >= ROWS * 0.96;
    const request = {
      ...{ query: queryList[0]!, ef: 200, limit: 40 },
      ...{ allowed: bitmapOf(ROWS, isAllowed), allowedCount: countOf(isAllowed), budget: ROWS },
    };
    const { hits } = index.walkAllowed(request);
    kernel.pool.release(arena);
    const truth = exactNearest('euclidean', rows, queryList[0]!, { k: 10, isAllowed });
    expect(recallOf([[...hits!.rows]], [truth])).toBeGreaterThan(0.8);
  });

  test('is given up where the filter seeks or shuns what is around the query, and where it measures too much', () => {
    const { index, arena } = opened('euclidean');
    const ask = (isAllowed: Test, budget: number): FilteredWalk =>
      index.walkAllowed({
        ...{ query: queryList[0]!, ef: 50, limit: 40 },
        ...{ allowed: bitmapOf(ROWS, isAllowed), allowedCount: countOf(isAllowed), budget },
      });
    expect(ask((row) => placeOf.get(row)! >= 400, ROWS)).toMatchObject({ hits: undefined, share: 0 });
    for (const share of [0.25, 0.1, 0.06])
      expect(ask((row) => placeOf.get(row)! >= ROWS * (1 - share), ROWS)).toMatchObject({
        hits: undefined,
        share: 0,
      });
    expect(ask((row) => placeOf.get(row)! < 400, ROWS)).toMatchObject({ hits: undefined, share: 1 });
    const near = ask((row) => placeOf.get(row)! % 8 < 5, ROWS);
    expect(near.hits).toBeUndefined();
    expect(Math.abs(near.share - 0.625)).toBeLessThan(0.1);
    const thin = byChance(0.2);
    const complete = ask(thin, ROWS);
    expect(complete.hits).toBeDefined();
    expect(ask(thin, complete.visited).hits).toBeDefined();
    expect(ask(thin, complete.visited - 1).hits).toBeUndefined();
    kernel.pool.release(arena);
  });

  test('keeps clear of what lies beside its scratch, with as many neighbours as a graph may have', () => {
    const few = clustered(700, 8, 3);
    const own = shapeOf(few, 8, 'euclidean');
    const options = { m: limits.graphDegree, efConstruction: 200, seed: 1 };
    const builder = built(few, own, options);
    const index = stored(builder, own);
    builder.release();
    const { index: read, arena } = attached(index);
    const end = PAYLOAD_OFFSET + index.region.length;
    for (const share of [0.4, 0.25, 0.1, 0.01]) {
      const next = numberSource(5);
      const drawn = Array.from({ length: 700 }, () => (next() + 1) / 2 < share);
      const allowed = bitmapOf(700, (row) => drawn[row]!);
      const allowedCount = Math.max(1, drawn.filter(Boolean).length);
      read.walkAllowed({
        ...{ query: rowOf(few, 8, 9), ef: 600, limit: 600 },
        ...{ allowed, allowedCount, budget: 700 },
      });
    }
    expect(Buffer.compare(arena.u8.subarray(PAYLOAD_OFFSET, end), index.region)).toBe(0);
    const past = arena.u8.subarray(
      end + SearchIndex.scratchBytes({ shape: own, numbers: {}, leafStarts: Uint32Array.of(0) }),
    );
    expect(past.every((byte) => byte === 0xa5)).toBe(true);
    kernel.pool.release(arena);
  });
});

describe('a walk of all rows', () => {
  test('tells which part of its candidates was allowed', () => {
    const { index, arena } = opened('euclidean');
    const share = (isAllowed: Test): number =>
      index.walk({
        ...{ query: queryList[0]!, ef: 100, limit: 10 },
        ...{ allowed: bitmapOf(ROWS, isAllowed), allowedCount: countOf(isAllowed) },
      }).share;
    expect(share(() => true)).toBe(1);
    expect(share((row) => placeOf.get(row)! >= 400)).toBe(0);
    expect(Math.abs(share((row) => placeOf.get(row)! % 2 === 0) - 0.5)).toBeLessThan(0.05);
    expect(index.walk({ query: queryList[0]!, ef: 100, limit: 10 }).share).toBe(1);
    kernel.pool.release(arena);
  });

  test('is bounded by the nearest of those that count', () => {
    const { index, arena } = opened('euclidean');
    const isAllowed = byChance(0.4);
    const request = { ef: 200, limit: 100, allowed: bitmapOf(ROWS, isAllowed), reach: 1.2 };
    const visitedWith = (allowedCount: number | undefined): number =>
      queryList.reduce((sum, query) => sum + index.walk({ ...request, query, allowedCount }).visited, 0);
    expect(visitedWith(ROWS * 0.4)).toBeGreaterThan(visitedWith(undefined) * 1.1);
    kernel.pool.release(arena);
  });
});
