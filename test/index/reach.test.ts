/**
 * Strategy: walks that end where what is left is out of reach, against the same walks without a bound: on heaps that lie well
 * apart a bound may leave out other heaps, never one of the ten nearest. And against a plain walk over the same lists by the
 * distances of a scan, to the row: what was taken in before the tenth was so near stays.
 */
import { describe, expect, test } from 'vitest';
import { metrics, type Metric } from '../../core/kernel/index.js';
import { trainProjection, type GraphSource, type Hits, type IndexBuilder } from '../../core/index/index.js';
import {
  attached,
  bitmapOf,
  built,
  clustered,
  encoded,
  exactNearest,
  graphOptions,
  kernel,
  nearSubspace,
  recallOf,
  rowOf,
  shapeOf,
  stored,
} from './fixture.js';

const DIMENSION = 32;
const ROWS = 3_000;
const near = 10;
const bounded = ['euclidean', 'cosine', 'manhattan'] as const;
/** Forty heaps of 75. */
const rows = clustered(ROWS, DIMENSION, 5);
const queryList = Array.from({ length: 30 }, (_, q) =>
  rowOf(rows, DIMENSION, q * 97).map((value, d) => value + Math.sin(q + d) * 0.02),
);
const builders = Object.fromEntries(
  metrics.map((metric) => [metric, built(rows, shapeOf(rows, DIMENSION, metric))]),
) as Record<Metric, IndexBuilder>;

/** Distances as a walk measures them, but for the unit. */
function measured(metric: Metric, { distances }: Hits): number[] {
  // Of cosine 1 is taken off, which leaves fewer digits.
  return [...distances].map((distance) => distance + (metric === 'cosine' ? 1 : 0));
}

/** On the grid of the codes, which is that of whole numbers: distances are in units of 1, and answered as they are measured. */
function wholeRows(count: number, seed: number): Float32Array {
  return clustered(count, DIMENSION, seed).map((value, i) => {
    const row = Math.floor(i / DIMENSION);
    return row < 2 ? row * 255 : Math.max(0, Math.min(255, Math.round(128 + value * 60)));
  });
}

interface Candidate {
  readonly id: number;
  readonly distance: number;
  isExpanded: boolean;
}

interface Walk {
  readonly found: readonly Candidate[];
  readonly visited: number;
}

/** Best first from `start`: several at once, as far as the bound says. */
function searchPlainly(
  start: number,
  level: { readonly listOf: (id: number) => Iterable<number>; readonly distanceOf: (id: number) => number },
  { ef, reach, together }: { readonly ef: number; readonly reach: number; readonly together: number },
): Walk {
  const met = new Set([start]);
  const pool: Candidate[] = [{ id: start, distance: level.distanceOf(start), isExpanded: false }];
  const bound = (): number => {
    const tenth = pool[near - 1]?.distance ?? 0;
    return reach === 0 || tenth <= 0 ? Infinity : Math.fround(tenth * Math.fround(reach));
  };
  for (;;) {
    const next = pool.filter(({ isExpanded }) => !isExpanded).slice(0, together);
    if (next[0] === undefined || next[0].distance >= bound()) return { found: pool, visited: met.size };
    const most = bound();
    for (const candidate of next) {
      candidate.isExpanded = true;
      for (const id of level.listOf(candidate.id)) {
        if (met.has(id)) continue;
        met.add(id);
        const distance = level.distanceOf(id);
        if (distance < most) pool.push({ id, distance, isExpanded: false });
      }
    }
    pool.sort((a, b) => a.distance - b.distance || a.id - b.id);
    pool.length = Math.min(pool.length, ef);
  }
}

function walkPlainly(
  { numbers, graph0, graphN, graphLevels }: GraphSource,
  distanceOf: (row: number) => number,
  { ef, reach }: { readonly ef: number; readonly reach: number },
): Walk {
  const { m, entry, maxLevel } = numbers;
  const listIn = (words: Uint32Array, at: number): Uint32Array => words.subarray(at + 1, at + 1 + words[at]!);
  const rowOfNode = (node: number): number => graphLevels[node * 2]!;
  let node = graphLevels.findIndex((word, i) => i % 2 === 0 && word === entry) / 2;
  let visited = 0;
  for (let level = maxLevel; level > 0; level--) {
    const upper = searchPlainly(
      node,
      {
        listOf: (id) => listIn(graphN, (graphLevels[id * 2 + 1]! + level - 1) * (m + 1)),
        distanceOf: (id) => distanceOf(rowOfNode(id)),
      },
      { ef: 1, reach: 0, together: 1 },
    );
    node = upper.found[0]!.id;
    visited += upper.visited;
  }
  const listOf = (row: number): Uint32Array => listIn(graph0, row * (2 * m + 1));
  const lowest = searchPlainly(rowOfNode(node), { listOf, distanceOf }, { ef, reach, together: 2 });
  return { found: lowest.found, visited: visited + lowest.visited };
}

describe('a walk with a reach', () => {
  test.each(metrics)('of 0 is one without: %s', (metric) => {
    const builder = builders[metric];
    const { index, arena } = attached(stored(builder, shapeOf(rows, DIMENSION, metric)));
    for (const query of queryList) {
      for (const [ef, limit] of [
        [1, 1],
        [40, 10],
        [200, 200],
      ] as const) {
        const plain = builder.walk({ query, ef, limit });
        expect(builder.walk({ query, ef, limit, reach: 0 })).toEqual(plain);
        expect(index.walk({ query, ef, limit, reach: 0 })).toEqual(plain);
        expect(index.walk({ query, ef, limit, reach: 2 })).toEqual(
          builder.walk({ query, ef, limit, reach: 2 }),
        );
      }
    }
    kernel.pool.release(arena);
  });

  test.each(bounded)('finds the same ten nearest, and what else is in reach: %s', (metric) => {
    const builder = builders[metric];
    for (const reach of metric === 'manhattan' ? [1.5, 1.7] : [2, 2.5]) {
      let [visited, without, fewer] = [0, 0, 0];
      for (const query of queryList) {
        const plain = builder.walk({ query, ef: 200, limit: 200 });
        const hits = builder.walk({ query, ef: 200, limit: 200, reach });
        expect(hits.rows.subarray(0, near)).toEqual(plain.rows.subarray(0, near));
        const distances = measured(metric, plain);
        const bound = distances[near - 1]! * reach * 0.999_9;
        const found = new Set(hits.rows);
        const inReach = [...plain.rows].filter((_, i) => distances[i]! < bound);
        expect(inReach.filter((row) => found.has(row)).length).toBeGreaterThan(inReach.length * 0.95);
        if (hits.rows.length < plain.rows.length) fewer++;
        visited += hits.visited;
        without += plain.visited;
      }
      expect(fewer).toBeGreaterThan(20);
      expect(visited).toBeLessThan(without * 0.8);
    }
  });

  test.each(['euclidean', 'manhattan'] as const)(
    'is the walk that it says it is, row by row: %s',
    (metric) => {
      const whole = wholeRows(2_000, 4);
      const builder = built(whole, shapeOf(whole, DIMENSION, metric));
      const graph = builder.graph();
      let [outOfReach, cut] = [0, 0];
      for (let q = 0; q < 25; q++) {
        const query = rowOf(whole, DIMENSION, q * 71 + 5).map((value, d) => value + Math.sin(q + d) * 3);
        const scan = builder.scan({ query, limit: 2_000 });
        const distances = new Map([...scan.rows].map((row, i) => [row, scan.distances[i]!]));
        for (const reach of [0, 1, 1.05, 1.3, 2, 6]) {
          for (const ef of [10, 33, 150]) {
            const hits = builder.walk({ query, ef, limit: ef, reach });
            const { found, visited } = walkPlainly(graph, (row) => distances.get(row)!, { ef, reach });
            expect([...hits.rows]).toEqual(found.map(({ id }) => id));
            expect([...hits.distances]).toEqual(found.map(({ distance }) => distance));
            expect(hits.visited).toBe(visited);
            if (found.length < ef) cut++;
            if (reach > 0 && found.at(-1)!.distance > found[near - 1]!.distance * reach) outOfReach++;
          }
        }
      }
      expect(cut).toBeGreaterThan(25);
      expect(outOfReach).toBeGreaterThan(25);
      builder.release();
    },
  );

  test.each(metrics)('that is wide is one without: %s', (metric) => {
    for (const query of queryList) {
      for (const ef of [16, 64, 300]) {
        const request = { query, ef, limit: ef };
        expect(builders[metric].walk({ ...request, reach: 1e9 })).toEqual(builders[metric].walk(request));
      }
    }
  });

  test.each(bounded)('goes on the farther the wider it is: %s', (metric) => {
    const visits = [1, 1.2, 1.5, 2, 4, 16].map((reach) =>
      queryList.reduce(
        (sum, query) => sum + builders[metric].walk({ query, ef: 200, limit: 1, reach }).visited,
        0,
      ),
    );
    expect(visits).toEqual(visits.toSorted((a, b) => a - b));
    expect(visits[0]!).toBeLessThan(visits.at(-1)! / 2);
  });

  test.each(metrics)('answers as many rows as there are, up to ten: %s', (metric) => {
    for (const count of [1, 2, 9, 10, 11, 300]) {
      const few = rows.subarray(0, count * DIMENSION);
      const builder = built(few, shapeOf(few, DIMENSION, metric));
      for (const query of queryList.slice(0, 10)) {
        for (const limit of [1, 7, 10, 40]) {
          for (const reach of [1, 1.001, 1.3]) {
            const hits = builder.walk({ query, ef: 40, limit, reach });
            expect(hits.rows.length).toBeGreaterThanOrEqual(Math.min(limit, near, count));
            expect(hits.rows.length).toBeLessThanOrEqual(Math.min(limit, count));
          }
        }
      }
      builder.release();
    }
  });

  test('narrower than ten candidates is bounded by none', () => {
    for (const query of queryList) {
      const request = { query, ef: near - 1, limit: near - 1 };
      expect(builders.euclidean.walk({ ...request, reach: 1 })).toEqual(builders.euclidean.walk(request));
    }
  });

  test('counts rows that may not be answered', () => {
    const isAllowed = (row: number): boolean => row % 3 === 0;
    const allowed = bitmapOf(ROWS, isAllowed);
    for (const query of queryList) {
      const request = { query, ef: 200, limit: 200, reach: 2 };
      const hits = builders.euclidean.walk({ ...request, allowed });
      const all = builders.euclidean.walk(request);
      expect([...hits.rows]).toEqual([...all.rows].filter(isAllowed));
      expect(hits.visited).toBe(all.visited);
    }
  });

  test('of dot is ignored: its distances may be negative', () => {
    for (const query of queryList) {
      const request = { query, ef: 100, limit: 100 };
      expect(builders.dot.walk({ ...request, reach: 1.01 })).toEqual(builders.dot.walk(request));
    }
    // As it is where none is.
    const { builder, query } = positive();
    const plain = builder.walk({ query, ef: 100, limit: 100 });
    expect(plain.distances[0]!).toBeGreaterThan(0);
    expect(builder.walk({ query, ef: 100, limit: 100, reach: 1.01 })).toEqual(plain);
    builder.release();
  });
});

/** Rows of which every product with the query is below 0: their distances are as those that have a bound. */
function positive(): { builder: IndexBuilder; query: Float32Array } {
  const sizes = rows.map((value) => Math.abs(value) + 0.1);
  const query = rowOf(sizes, DIMENSION, 7).map((value) => -value);
  return { builder: built(sizes, shapeOf(sizes, DIMENSION, 'dot')), query };
}

describe('a query amid copies of one row', () => {
  /** In the middle of the grid: what is alike is at a distance of 0 exactly. */
  function copies(count: number): { builder: IndexBuilder; query: Float32Array } {
    const query = new Float32Array(DIMENSION).fill(128);
    const whole = wholeRows(400, 3);
    for (let i = 0; i < count; i++) whole.set(query, (5 + 30 * i) * DIMENSION);
    return { builder: built(whole, shapeOf(whole, DIMENSION, 'euclidean')), query };
  }

  test('of which there are more than ten is not cut off', () => {
    const { builder, query } = copies(13);
    const plain = builder.walk({ query, ef: 64, limit: 64 });
    expect([...plain.distances.subarray(0, 13)]).toEqual(new Array<number>(13).fill(0));
    expect(plain.distances[13]!).toBeGreaterThan(0);
    for (const reach of [1, 1.5, 10]) {
      expect(builder.walk({ query, ef: 64, limit: 64, reach })).toEqual(plain);
    }
    // Nothing is told by that walk of how far others are to go.
    expect(builder.spread(query, 64)).toBe(0);
    builder.release();
  });

  test('of which there are fewer is', () => {
    const { builder, query } = copies(5);
    const plain = builder.walk({ query, ef: 64, limit: 64 });
    expect([...plain.distances.subarray(0, 6)].filter((distance) => distance === 0)).toHaveLength(5);
    const hits = builder.walk({ query, ef: 64, limit: 64, reach: 1 });
    expect(hits.visited).toBeLessThan(plain.visited);
    expect(builder.spread(query, 64)).toBeGreaterThan(1);
    builder.release();
  });
});

describe('the spread', () => {
  test.each(bounded)('is the distance of the last candidate in that of the tenth: %s', (metric) => {
    for (const query of queryList) {
      for (const ef of [10, 16, 100, 512]) {
        const found = measured(metric, builders[metric].walk({ query, ef, limit: ef }));
        const ratio = found.at(-1)! / found[near - 1]!;
        expect(Math.abs(builders[metric].spread(query, ef) / ratio - 1)).toBeLessThan(
          metric === 'cosine' ? 1e-3 : 1e-5,
        );
      }
      // Whatever was walked before, and with whatever bound.
      const wanted = builders[metric].spread(query, 100);
      builders[metric].walk({ query, ef: 100, limit: 10, reach: 1 });
      expect(builders[metric].spread(query, 100)).toBe(wanted);
    }
  });

  test('is 0 of fewer than ten candidates, and of dot', () => {
    for (const query of queryList.slice(0, 5)) {
      builders.euclidean.spread(query, 50);
      expect(builders.euclidean.spread(query, near - 1)).toBe(0);
      expect(builders.dot.spread(query, 50)).toBe(0);
    }
    const sizes = positive();
    expect(sizes.builder.spread(sizes.query, 50)).toBe(0);
    sizes.builder.release();
    const few = rows.subarray(0, 9 * DIMENSION);
    const builder = built(few, shapeOf(few, DIMENSION, 'euclidean'));
    expect(builder.spread(queryList[0]!, 50)).toBe(0);
    builder.release();
    const empty = encoded(few, shapeOf(few, DIMENSION, 'euclidean'));
    expect(empty.spread(queryList[0]!, 50)).toBe(0);
    empty.release();
  });
});

describe('on a projected index', () => {
  const wide = { dimension: 256, rank: 24, noise: 0.3, seed: 2 };
  const wideRows = nearSubspace(2_048, wide);
  const wideQueries = Array.from({ length: 40 }, (_, q) => rowOf(nearSubspace(40, wide, 99), 256, q));

  test.each(['euclidean', 'cosine'] as const)('a walk is bounded by what it is walked on: %s', (metric) => {
    const shape = shapeOf(wideRows, 256, metric);
    const projection = trainProjection(kernel.pool, wideRows, { dimension: 256, metric, seed: 5 })!;
    const builder = built(wideRows, shape, graphOptions, projection);
    const truth = wideQueries.map((query) => exactNearest(metric, wideRows, query, { k: 10 }));
    const found: number[][] = [];
    let [visited, without] = [0, 0];
    const spreads = wideQueries.map((query) => builder.spread(query, 64));
    const reach = spreads.reduce((sum, spread) => sum + spread, 0) / spreads.length;
    for (const spread of spreads) expect(spread).toBeGreaterThan(1);
    for (const query of wideQueries) {
      const request = { query, ef: 128, limit: 128 };
      const plain = builder.walk(request);
      expect(builder.walk({ ...request, reach: 0 })).toEqual(plain);
      expect(builder.walk({ ...request, reach: 1e9 })).toEqual(plain);
      const hits = builder.walk({ ...request, reach });
      const scan = builder.scan({ query, limit: 2_048 });
      const places = new Map([...scan.rows].map((row, i) => [row, i]));
      const at = [...hits.rows].map((row) => places.get(row)!);
      expect(at).toEqual(at.toSorted((a, b) => a - b));
      expect([...hits.distances]).toEqual(at.map((i) => scan.distances[i]!));
      expect(hits.rows.length).toBeGreaterThanOrEqual(near);
      found.push([...hits.rows.subarray(0, 10)]);
      visited += hits.visited;
      without += plain.visited;
    }
    expect(recallOf(found, truth)).toBeGreaterThan(0.95);
    expect(visited).toBeLessThan(without * 0.95);
    builder.release();
  });
});

test('every arena goes back', () => {
  for (const metric of metrics) builders[metric].release();
  // What stays is the kernel's own scratch.
  expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
});
