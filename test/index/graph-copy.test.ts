/**
 * Strategy: a graph is copied under new row numbers with some rows gone and others added, and must serve as well as one
 * built afresh. Over generations of churn recall must not sink. The copy keeps the invariants that `attach` checks.
 */
import { describe, expect, test } from 'vitest';
import type { Metric } from '../../core/kernel/index.js';
import type { IndexBuilder } from '../../core/index/index.js';
import { numberSource } from '../kernel/number-source.js';
import {
  attached,
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
} from './fixture.js';

const DIMENSION = 16;
const GONE = 0xffffffff;
const queries = Array.from({ length: 80 }, (_, q) =>
  rowOf(clustered(80, DIMENSION, 11), DIMENSION, q).map((value, d) => value + Math.sin(q + d) * 0.05),
);

interface Table {
  readonly rows: Float32Array;
  readonly builder: IndexBuilder;
}

function recall({ rows, builder }: Table, metric: Metric, ef: number): number {
  const found = queries.map((query) => [...builder.walk({ query, ef, limit: 30 }).rows]);
  return recallOf(
    found,
    queries.map((query) => exactNearest(metric, rows, query, { k: 10 })),
  );
}

/** Drops rows by chance, adds fresh ones, shuffles all, and copies the graph. */
function nextGeneration(
  { rows, builder }: Table,
  options: { metric: Metric; dropped: number; added: Float32Array; seed: number },
): Table {
  const next = numberSource(options.seed);
  const count = rows.length / DIMENSION;
  const kept = Array.from({ length: count }, (_, row) => row).filter(() => next() > 2 * options.dropped - 1);
  const vectors = [
    ...kept.map((row) => rowOf(rows, DIMENSION, row)),
    ...Array.from({ length: options.added.length / DIMENSION }, (_, i) => rowOf(options.added, DIMENSION, i)),
  ];
  const places = vectors.map((_, i) => ({ i, dice: next() })).toSorted((a, b) => a.dice - b.dice);
  const placeOf = new Map(places.map(({ i }, place) => [i, place]));
  const all = new Float32Array(vectors.length * DIMENSION);
  for (const [i, vector] of vectors.entries()) all.set(vector, placeOf.get(i)! * DIMENSION);
  const copy = encoded(all, shapeOf(all, DIMENSION, options.metric));
  const newRowOf = new Uint32Array(count).fill(GONE);
  for (const [i, row] of kept.entries()) newRowOf[row] = placeOf.get(i)!;
  copy.copyGraph(builder.graph(), newRowOf);
  copy.insert(Uint32Array.from(vectors.keys(), (i) => placeOf.get(i)!).subarray(kept.length));
  builder.release();
  return { rows: all, builder: copy };
}

describe('copyGraph', () => {
  test('without losses is the same graph under new numbers', () => {
    const rows = clustered(1_500, DIMENSION, 11);
    const shape = shapeOf(rows, DIMENSION, 'euclidean');
    const builder = built(rows, shape);
    const before = queries.map((query) => builder.walk({ query, ef: 30, limit: 30 }).distances);
    const copy = nextGeneration(
      { rows, builder },
      { metric: 'euclidean', dropped: 0, added: new Float32Array(), seed: 1 },
    );
    const after = queries.map((query) => copy.builder.walk({ query, ef: 30, limit: 30 }).distances);
    expect(after).toEqual(before);
    copy.builder.release();
  });

  test.each(['euclidean', 'cosine', 'dot', 'manhattan'] as const)(
    'of %s with a third gone and as many added equals a fresh build',
    (metric) => {
      const rows = clustered(2_000, DIMENSION, 11);
      const added = clustered(700, DIMENSION, 11).map((value, i) => value + Math.cos(i) * 0.2);
      const shape = shapeOf(rows, DIMENSION, metric);
      const copy = nextGeneration(
        { rows, builder: built(rows, shape) },
        { metric, dropped: 0.33, added, seed: 2 },
      );
      const copyShape = shapeOf(copy.rows, DIMENSION, metric);
      const fresh = { rows: copy.rows, builder: built(copy.rows, copyShape) };
      // Dot products have hubs, long vectors that most lists hold: losing those costs more than neighbours.
      const loss = metric === 'dot' ? 0.025 : 0.01;
      expect(recall(copy, metric, 30)).toBeGreaterThan(recall(fresh, metric, 30) - loss);
      const { index, arena } = attached(stored(copy.builder, copyShape));
      expect(index.graph()!.numbers).toMatchObject(copy.builder.numbers());
      for (const { builder } of [copy, fresh]) builder.release();
      kernel.pool.release(arena);
    },
  );

  test('keeps its recall over 20 generations of 5 % churn', () => {
    const rows = clustered(1_500, DIMENSION, 11);
    let table: Table = { rows, builder: built(rows, shapeOf(rows, DIMENSION, 'euclidean')) };
    for (let generation = 0; generation < 20; generation++) {
      const added = clustered(75, DIMENSION, 11).map((value, i) => value + Math.sin(i + generation) * 0.3);
      table = nextGeneration(table, { metric: 'euclidean', dropped: 0.05, added, seed: generation });
    }
    const fresh = {
      rows: table.rows,
      builder: built(table.rows, shapeOf(table.rows, DIMENSION, 'euclidean')),
    };
    expect(recall(table, 'euclidean', 20)).toBeGreaterThan(recall(fresh, 'euclidean', 20) - 0.015);
    for (const { builder } of [table, fresh]) builder.release();
  });

  test('finds another entry point where the old one is gone, and starts anew where all are', () => {
    const rows = clustered(800, DIMENSION, 11);
    const shape = shapeOf(rows, DIMENSION, 'euclidean');
    const source = built(rows, shape);
    const graph = source.graph();
    const withoutEntry = Uint32Array.from({ length: 800 }, (_, row) =>
      row === graph.numbers.entry ? GONE : row,
    );
    const copy = encoded(rows, shape);
    copy.copyGraph(graph, withoutEntry);
    expect(copy.numbers().entry).not.toBe(graph.numbers.entry);
    copy.insert(Uint32Array.of(graph.numbers.entry));
    const { index, arena } = attached(stored(copy, shape));
    expect(index.walk({ query: rowOf(rows, DIMENSION, graph.numbers.entry), ef: 50, limit: 1 }).rows[0]).toBe(
      graph.numbers.entry,
    );
    const empty = encoded(rows, shape, graphOptions);
    empty.copyGraph(graph, new Uint32Array(800).fill(GONE));
    expect(empty.walk({ query: rowOf(rows, DIMENSION, 0), ef: 50, limit: 1 }).rows).toHaveLength(0);
    empty.insert(Uint32Array.from({ length: 800 }, (_, row) => row));
    expect(stored(empty, shape)).toEqual(stored(source, shape));
    for (const builder of [source, copy, empty]) builder.release();
    kernel.pool.release(arena);
  });
});
