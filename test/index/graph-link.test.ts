/**
 * Strategy: graphs linked at once, against the same rows inserted one by one: recall at the same width of the walk for every
 * metric, the invariants of lists, the same bytes from the same seed. And rows that partitions cannot separate: copies of
 * one, and islands far from each other, where every row must still be met from the entry point.
 */
import { describe, expect, test } from 'vitest';
import { metrics } from '../../core/kernel/index.js';
import type { IndexBuilder } from '../../core/index/index.js';
import {
  built,
  clustered,
  encoded,
  exactNearest,
  graphOptions,
  recallOf,
  rowOf,
  shapeOf,
  upTo,
} from './fixture.js';

const DIMENSION = 24;
const rows = clustered(3_000, DIMENSION, 1);
const queries = Array.from({ length: 80 }, (_, q) =>
  rowOf(rows, DIMENSION, q * 30).map((value, d) => value + Math.sin(q + d) * 0.05),
);

function shuffled(count: number): Uint32Array {
  return upTo(count).sort((a, b) => ((a * 7_919) % 10_007) - ((b * 7_919) % 10_007) || a - b);
}

function linked(data: Float32Array, dimension: number, metric = metrics[0]!): IndexBuilder {
  const builder = encoded(data, shapeOf(data, dimension, metric));
  for (const _ of builder.link(shuffled(data.length / dimension)));
  for (const _ of builder.connect());
  return builder;
}

function listsOf(builder: IndexBuilder): number[][] {
  const { graph0, numbers } = builder.graph();
  const stride = 2 * numbers.m + 1;
  return Array.from({ length: graph0.length / stride }, (_, row) => [
    ...graph0.subarray(row * stride + 1, row * stride + 1 + graph0[row * stride]!),
  ]);
}

function reached(builder: IndexBuilder): number {
  const lists = listsOf(builder);
  const met = new Set([builder.numbers().entry]);
  for (const row of met) for (const next of lists[row]!) met.add(next);
  return met.size;
}

function recall(builder: IndexBuilder, truth: readonly (readonly number[])[], ef: number): number {
  return recallOf(
    queries.map((query) => [...builder.walk({ query, ef, limit: 10 }).rows]),
    truth,
  );
}

describe('a graph linked at once', () => {
  test.each(metrics)('of %s finds as much as one that was inserted', (metric) => {
    const shape = shapeOf(rows, DIMENSION, metric);
    const truth = queries.map((query) => exactNearest(metric, rows, query, { k: 10 }));
    const inserted = built(rows, shape);
    const atOnce = linked(rows, DIMENSION, metric);
    for (const ef of [20, 60]) {
      expect(recall(atOnce, truth, ef)).toBeGreaterThan(recall(inserted, truth, ef) - 0.015);
    }
    expect(recall(atOnce, truth, 60)).toBeGreaterThan(0.95);
    for (const [row, list] of listsOf(atOnce).entries()) {
      expect(list.length).toBeLessThanOrEqual(2 * graphOptions.m);
      expect(list).not.toContain(row);
      expect(new Set(list).size).toBe(list.length);
    }
    expect(reached(atOnce)).toBe(shape.rows);
    inserted.release();
    atOnce.release();
  });

  test('is the same from the same seed', () => {
    const [a, b] = [linked(rows, DIMENSION), linked(rows, DIMENSION)];
    expect(a.graph()).toEqual(b.graph());
    a.release();
    b.release();
  });

  test('takes rows in after it', () => {
    const metric = 'euclidean';
    const builder = encoded(rows, shapeOf(rows, DIMENSION, metric));
    for (const _ of builder.link(shuffled(3_000).filter((row) => row % 10 !== 0)));
    builder.insert(upTo(3_000).filter((row) => row % 10 === 0));
    for (const _ of builder.connect());
    const truth = queries.map((query) => exactNearest(metric, rows, query, { k: 10 }));
    expect(recall(builder, truth, 60)).toBeGreaterThan(0.95);
    expect(reached(builder)).toBe(3_000);
    builder.release();
  });

  test.each([1, 2, 40, 129])('of %i rows meets them all', (count) => {
    const builder = linked(rows.slice(0, count * DIMENSION), DIMENSION);
    expect(reached(builder)).toBe(count);
    builder.release();
  });
});

/** Of each node that reaches so high, the nodes that its list of that level names. */
function listsAbove(builder: IndexBuilder, level: number): Map<number, number[]> {
  const { graphLevels, graphN, numbers } = builder.graph();
  const lists = new Map<number, number[]>();
  for (let node = 0; 2 * node + 3 < graphLevels.length; node++) {
    const [first, end] = [graphLevels[2 * node + 1]!, graphLevels[2 * node + 3]!];
    if (end - first < level) continue;
    const at = (first + level - 1) * (numbers.m + 1);
    lists.set(node, [...graphN.subarray(at + 1, at + 1 + graphN[at]!)]);
  }
  return lists;
}

describe('nodes of upper levels, of which most are inserted together', () => {
  const graph = { m: 4, efConstruction: 80, seed: 7 };
  const shape = shapeOf(rows, DIMENSION, 'euclidean');
  const together = encoded(rows, shape, graph);
  for (const _ of together.link(shuffled(3_000)));
  const alone = built(rows, shape, graph);

  test('lie on the same levels as those inserted one by one', () => {
    expect(together.graph().graphLevels).toEqual(alone.graph().graphLevels);
    expect(together.numbers().maxLevel).toBe(alone.numbers().maxLevel);
  });

  test.each([1, 2, 3])('are linked on level %i, to as near ones', (level) => {
    const nodes = together.graph().graphLevels;
    const distance = (a: number, b: number): number => {
      const [left, right] = [a, b].map((node) => rowOf(rows, DIMENSION, nodes[2 * node]!));
      return Math.hypot(...left!.map((value, d) => value - right![d]!));
    };
    const [ours, theirs] = [together, alone].map((builder) => listsAbove(builder, level));
    expect(ours!.size).toBeGreaterThan(20);
    let [sum, expected] = [0, 0];
    for (const [node, list] of ours!) {
      expect(list.length).toBeGreaterThan(0);
      expect(list.length).toBeLessThanOrEqual(graph.m);
      expect(list).not.toContain(node);
      expect(new Set(list).size).toBe(list.length);
      for (const other of list) expect(ours!.has(other)).toBe(true);
      sum += Math.min(...list.map((other) => distance(node, other)));
      expected += Math.min(...theirs!.get(node)!.map((other) => distance(node, other)));
    }
    expect(sum).toBeLessThan(1.05 * expected);
    expect(sum).toBeGreaterThan(0.95 * expected);
  });
});

describe('rows that nothing separates', () => {
  test('a thousand copies of one row, and others: all are met', () => {
    const data = rows.slice();
    for (let row = 500; row < 1_500; row++) data.set(rowOf(rows, DIMENSION, 499), row * DIMENSION);
    const builder = linked(data, DIMENSION, 'euclidean');
    expect(reached(builder)).toBe(3_000);
    builder.release();
  });

  test('nothing but copies: all are met', () => {
    const data = new Float32Array(1_000 * DIMENSION).fill(0.5);
    const builder = linked(data, DIMENSION, 'cosine');
    expect(reached(builder)).toBe(1_000);
    builder.release();
  });

  test('islands far from each other: all are met', () => {
    const data = rows.map((value, i) => value * 0.001 + 100 * (Math.floor(i / DIMENSION) % 13));
    const builder = linked(data, DIMENSION, 'euclidean');
    expect(reached(builder)).toBe(3_000);
    builder.release();
  });
});
