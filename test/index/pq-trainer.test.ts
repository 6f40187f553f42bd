/**
 * Strategy: books are learnt of rows whose best books are known, or against what no books can beat: each value its own centroid;
 * dimensions that vary together side by side or far apart, where the order that leaves less has to be found.
 */
import { describe, expect, test } from 'vitest';
import { PqTrainer, pqSampleRows } from '../../core/index/index.js';
import type { Metric } from '../../core/kernel/index.js';
import { numberSource } from '../kernel/number-source.js';
import { clustered, kernel } from './fixture.js';

interface Trained {
  readonly books: ReturnType<PqTrainer['books']>;
  readonly turns: number;
}

function train(
  rows: Float32Array,
  dimension: number,
  { metric = 'euclidean', compression = 32, seed = 1 }: TrainOptions = {},
): Trained {
  const coding = { kind: 'pq', compression } as const;
  const trainer = new PqTrainer(kernel.pool, { dimension, metric, coding, seed });
  let turns = 0;
  for (const _ of trainer.train(rows)) turns++;
  const books = trainer.books();
  trainer.release();
  return { books, turns };
}

interface TrainOptions {
  readonly metric?: Metric;
  readonly compression?: number;
  readonly seed?: number;
}

/** Share of the rows' variance that the nearest centroids leave; `width`: dimensions of each sub-vector. */
function shareLeft(rows: Float32Array, width: number, { books }: Trained): number {
  const { order, middles, unit, centroids } = books;
  const dimension = order.length;
  let [left, all] = [0, 0];
  for (let at = 0; at < rows.length; at += dimension) {
    for (let first = 0; first < dimension; first += width) {
      const errors = Array.from({ length: 16 }, (_, k) => {
        let sum = 0;
        for (let place = first; place < Math.min(first + width, dimension); place++) {
          const d = order[place]!;
          sum += (rows[at + d]! - middles[d]! - unit * centroids[place * 16 + k]!) ** 2;
        }
        return sum;
      });
      left += Math.min(...errors);
    }
    for (let d = 0; d < dimension; d++) all += (rows[at + d]! - middles[d]!) ** 2;
  }
  return left / all;
}

test('values of which there are sixteen are centroids themselves', () => {
  const next = numberSource(4);
  const rows = Float32Array.from({ length: 2_000 * 8 }, () => Math.floor((next() + 1) * 8) * 3);
  // Eight sub-vectors of a dimension each.
  const trained = train(rows, 8);
  expect(shareLeft(rows, 1, trained)).toBeLessThan(0.02);
});

test('follows from the seed, and leaves the sample as it was', () => {
  const rows = clustered(600, 70, 3);
  const before = rows.slice();
  const first = train(rows, 70, { metric: 'cosine' });
  expect(rows).toEqual(before);
  expect(train(rows, 70, { metric: 'cosine' }).books).toEqual(first.books);
  expect(train(rows, 70, { metric: 'cosine', seed: 2 }).books.centroids).not.toEqual(first.books.centroids);
});

test('learns of rows from first to last', () => {
  const next = numberSource(4);
  // Twice as many as are looked at, and the second half is elsewhere, at sixteen places of its own.
  const rows = Float32Array.from(
    { length: 8_192 * 8 },
    (_, i) => (i < 4_096 * 8 ? 0 : 100) + Math.floor((next() + 1) * 8),
  );
  const trained = train(rows, 8);
  expect(shareLeft(rows.subarray(-500 * 8), 1, trained)).toBeLessThan(0.02);
});

test('no centroid is beyond a unit, and every dimension has a place', () => {
  for (const size of [1e-20, 1, 1e18, 3e38]) {
    const rows = clustered(500, 130, 3).map((value) => Math.max(-1, Math.min(1, value)) * size);
    const { books } = train(rows, 130);
    expect(books.centroids.every((value) => Math.abs(value) <= 1.001)).toBe(true);
    expect(books.unit).toBeGreaterThan(0);
    expect(Number.isFinite(books.unit)).toBe(true);
    expect(books.order.toSorted()).toEqual(Uint32Array.from({ length: 130 }, (_, d) => d));
  }
});

test.each([1e-30, 1e30])('numbers of size %d are told apart as those of 1', (size) => {
  const rows = clustered(1_000, 128, 3);
  const sized = rows.map((value) => value * size);
  const left = shareLeft(rows.subarray(0, 100 * 128), 4, train(rows, 128));
  expect(shareLeft(sized.subarray(0, 100 * 128), 4, train(sized, 128)) / left).toBeCloseTo(1, 1);
});

describe('the order of dimensions', () => {
  const dimension = 256;
  const asTheyCome = Uint32Array.from({ length: dimension }, (_, d) => d);

  test('is theirs where neighbours vary together', () => {
    const next = numberSource(7);
    const rows = new Float32Array(1_500 * dimension);
    for (let at = 0; at < rows.length; at += 4) rows.fill(next(), at, at + 4);
    // 64 sub-vectors of four dimensions that say the same.
    const trained = train(rows, dimension, { compression: 32 });
    expect(trained.books.order).toEqual(asTheyCome);
    expect(shareLeft(rows.subarray(0, 200 * dimension), 4, trained)).toBeLessThan(0.01);
  });

  test('mixes wide and narrow ones where each varies for itself', () => {
    const next = numberSource(8);
    const widthOf = (d: number): number => (d < dimension / 4 ? 1 : 0.02);
    const rows = Float32Array.from({ length: 1_500 * dimension }, (_, i) => next() * widthOf(i % dimension));
    const trained = train(rows, dimension, { compression: 32 });
    for (let first = 0; first < dimension; first += 4) {
      const wide = trained.books.order.subarray(first, first + 4).filter((d) => d < dimension / 4);
      expect(wide).toHaveLength(1);
    }
    // As if each wide dimension had sixteen centroids of its own.
    expect(shareLeft(rows.subarray(0, 200 * dimension), 4, trained)).toBeLessThan(0.02);
  });

  test('is that of all rows, where the first are of a cluster that wants the other', () => {
    const next = numberSource(9);
    const rows = Float32Array.from({ length: 4_000 * dimension }, next);
    // A third as it is, in which each dimension varies for itself, three quarters of them hardly; of the others neighbours vary together.
    const third = 1_300 * dimension;
    for (let at = 0; at < third; at++) if (at % dimension >= dimension / 4) rows[at]! *= 0.02;
    for (let at = third; at < rows.length; at += 4) rows.fill(next(), at, at + 4);
    expect(train(rows.subarray(0, third), dimension).books.order).not.toEqual(asTheyCome);
    expect(train(rows, dimension).books.order).toEqual(asTheyCome);
  });
});

test('takes turns, and a sample that is bounded', () => {
  expect(pqSampleRows(1_000_000, 128)).toBe(4_096);
  expect(pqSampleRows(700, 128)).toBe(700);
  expect(pqSampleRows(1_000_000, 20_000)).toBe(256);
  expect(train(clustered(4_000, 256, 3), 256).turns).toBeGreaterThan(50);
});
