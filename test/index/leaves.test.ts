/**
 * Strategy: rows are coded leaf by leaf as they come, then guests, and what a scan of a leaf answers must be what the scalar twins compute of each row, to the bit. The nearest centroids by their codes must be
 * nearly those by themselves.
 */
import { describe, expect, test } from 'vitest';
import { LeafEncoder, LeafScan, RangeTrainer } from '../../core/index/index.js';
import { inverseLengths, rotationSigns } from '../../core/index/codes/index.js';
import { NO_LEAF } from '../../core/index/leaves/second-leaves.js';
import { KERNEL_DOT, KERNEL_L2 } from '../../core/kernel/index.js';
import type { Metric } from '../../core/kernel/index.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import {
  centroidShareScalar,
  rabitqDistanceScalar,
  rabitqEncodeScalar,
  rotateScalar,
  signedQueryScalar,
} from '../../core/kernel/scalar/rabitq.js';
import { clustered, kernel, rowOf } from './fixture.js';

const ROWS = 1_500;
const leafStarts = Uint32Array.of(0, 400, 433, 1_000);

/** Rows that lie in leaves, with the means of these, of rows of length 1 under cosine. */
function encoded(
  rows: Float32Array,
  dimension: number,
  metric: Metric,
  starts: Uint32Array = leafStarts,
): LeafEncoder {
  const ranges = new RangeTrainer(dimension, metric);
  ranges.add(rows);
  const encoder = new LeafEncoder(kernel.pool, { dimension, metric, params: ranges.finish() });
  starts.forEach((first, leaf) => {
    const end = starts[leaf + 1] ?? ROWS;
    const centroid = new Float32Array(dimension);
    for (let row = first; row < end; row++) {
      const own = rowOf(rows, dimension, row);
      const scale = (metric === 'cosine' ? unit(own) : 1) / (end - first);
      own.forEach((value, d) => (centroid[d]! += value * scale));
    }
    encoder.add(rows.subarray(first * dimension, end * dimension), centroid);
  });
  return encoder;
}

/** The leaf that a row is a guest of: the first has 55 of them, the second and third one each, the last none. */
const hostOf = (row: number): number =>
  row === 5 ? 1 : row === 6 ? 2 : row >= 1_000 && row < 1_055 ? 0 : NO_LEAF;
const guestsOf = [Array.from({ length: 55 }, (_, i) => 1_000 + i), [5], [6], []];

const unit = (row: Float32Array): number => 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));

describe.each(['euclidean', 'cosine', 'dot'] as const)('leaves by %s', (metric) => {
  test.each([64, 100, 832, 3_000])('of %i dimensions are scanned as the twins compute', (dimension) => {
    const rows = clustered(ROWS, dimension, 5);
    const encoder = encoded(rows, dimension, metric);
    // In pieces that end amid a pack.
    for (let first = 0; first < ROWS; first += 333) {
      const piece = rows.subarray(first * dimension, (first + 333) * dimension);
      const hosts = Uint32Array.from({ length: piece.length / dimension }, (_, i) => hostOf(first + i));
      encoder.addGuests(first, piece, hosts);
    }
    encoder.endGuests();
    const centroids = encoder.centroids(2);
    const { leaves } = encoder;
    encoder.release();
    const padded = Math.ceil(dimension / 64) * 64;
    const signs = rotationSigns(padded);
    const rotated = (row: Float32Array): Float32Array => {
      const scale = metric === 'cosine' ? unit(row) : 1;
      return rotateScalar(row, Math.fround(Math.fround(scale) * centroids.factor), signs, padded);
    };
    const kind = metric === 'dot' ? KERNEL_DOT : KERNEL_L2;
    const query = rowOf(rows, dimension, 700).map((value, d) => value + (d % 3) / 50);
    const scan = new LeafScan(kernel.pool, { dimension, metric, centroids });
    scan.prepare(query);
    scan.beginLeaves();
    const ofLength1 = metric === 'dot' ? inverseLengths(query, dimension)[0]! : 1;
    const asked = rotated(query.map((value) => value * ofLength1));
    const signed = signedQueryScalar(asked, 1);
    leafStarts.forEach((first, leaf) => {
      const { rows: count, guests, scanned } = leaves[leaf]!;
      expect(count).toBe((leafStarts[leaf + 1] ?? ROWS) - first);
      expect([...guests]).toEqual(guestsOf[leaf]);
      const found = scan.leafDistances(scanned, count, guests.length).slice();
      expect(found).toHaveLength(count + guests.length);
      const centroid = new Float32Array(scanned.buffer, 0, padded);
      const share = centroidShareScalar(kind, asked, centroid);
      for (let i = 0; i < found.length; i += i < count - 1 ? 13 : 1) {
        const row = i < count ? first + i : guests[i - count]!;
        const record = rabitqEncodeScalar(
          rotated(rowOf(rows, dimension, row)),
          centroid,
          1,
          kind === KERNEL_DOT,
        );
        expect(found[i]).toBe(rabitqDistanceScalar(record, signed, 1, share));
      }
    });
    scan.release();
  });
});

test('products are estimated alike for queries of any length', () => {
  const rows = clustered(ROWS, 64, 5);
  const encoder = encoded(rows, 64, 'dot');
  const scan = new LeafScan(kernel.pool, { dimension: 64, metric: 'dot', centroids: encoder.centroids(1) });
  const asked = (times: number): readonly Float32Array[] => {
    scan.prepare(rowOf(rows, 64, 700).map((value) => value * times));
    const centroids = scan.centroidDistances();
    scan.beginLeaves();
    return [centroids, scan.leafDistances(encoder.leaves[3]!.scanned, 500, 0).slice()];
  };
  // A power of two: nothing is rounded otherwise.
  expect(asked(0.125)).toEqual(asked(1));
  expect(asked(1_024)).toEqual(asked(1));
  scan.release();
  encoder.release();
});

test('of a leaf the nearest rows are known by their codes', () => {
  const dimension = 3_000;
  const rows = clustered(ROWS, dimension, 9);
  const encoder = encoded(rows, dimension, 'euclidean');
  const centroids = encoder.centroids(2);
  const scan = new LeafScan(kernel.pool, { dimension, metric: 'euclidean', centroids });
  const query = rowOf(rows, dimension, 980);
  scan.prepare(query);
  scan.beginLeaves();
  const found = scan.leafDistances(encoder.leaves[2]!.scanned, 567, 0);
  const exact = Array.from({ length: 567 }, (_, i) =>
    distanceScalar(KERNEL_L2, query, rowOf(rows, dimension, 433 + i)),
  );
  const order = exact.map((_, i) => i).sort((a, b) => exact[a]! - exact[b]!);
  const estimated = [...found.keys()].sort((a, b) => found[a]! - found[b]!);
  // The row itself first, and of its nearest most.
  expect(estimated[0]).toBe(547);
  const near = new Set(order.slice(0, 20));
  expect(estimated.slice(0, 60).filter((i) => near.has(i)).length).toBeGreaterThan(15);
  scan.release();
  encoder.release();
});

test('the nearest centroids are known by their codes', () => {
  const dimension = 96;
  const rows = clustered(ROWS, dimension, 5);
  const starts = Uint32Array.from({ length: 150 }, (_, leaf) => leaf * 10);
  const encoder = encoded(rows, dimension, 'euclidean', starts);
  const all = encoder.leaves.map(({ scanned }) => new Float32Array(scanned.buffer, 0, 128));
  for (const [bits, least] of [
    [1, 7],
    [2, 8],
    [4, 9],
  ] as const) {
    const centroids = encoder.centroids(bits);
    const scan = new LeafScan(kernel.pool, { dimension, metric: 'euclidean', centroids });
    let hits = 0;
    for (let q = 0; q < 20; q++) {
      const query = rowOf(rows, dimension, q * 70);
      scan.prepare(query);
      const distances = scan.centroidDistances();
      const asked = rotateScalar(query, centroids.factor, rotationSigns(128), 128);
      const exact = all.map((centroid) => distanceScalar(KERNEL_L2, asked, centroid));
      const near = (of: ArrayLike<number>): number[] =>
        Array.from(of, (_, leaf) => leaf)
          .sort((a, b) => of[a]! - of[b]!)
          .slice(0, 10);
      const wanted = new Set(near(exact));
      hits += near(distances).filter((leaf) => wanted.has(leaf)).length;
    }
    expect(hits / 20).toBeGreaterThan(least);
    scan.release();
  }
  encoder.release();
});
