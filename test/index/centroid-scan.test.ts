/**
 * Strategy: what a scan of packs says is nearest must be what the codes of the same centroids say one by one (leaf-scan.ts), to the bit,
 * equals too: for queries one after another, near each other and far apart, while centroids come and go, in memory that was used before.
 */
import { expect, test } from 'vitest';
import { clearBit, hasBit, setBit } from '../../core/base/bitmap.js';
import { LeafEncoder, LeafScan, RangeTrainer } from '../../core/index/index.js';
import { Layout, acquireBytes } from '../../core/index/layout/index.js';
import { CentroidScan, layOutCentroidScan } from '../../core/index/leaves/centroid-scan.js';
import { PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { numberSource } from '../kernel/number-source.js';
import { clustered, kernel, rowOf } from './fixture.js';

const LIMIT = 8;

test.each([
  [1, 64],
  [31, 100],
  [33, 64],
  [200, 832],
])('of %i centroids of %i dimensions the nearest are those by their codes', (centroids, dimension) => {
  const rows = clustered(centroids + 60, dimension, 7);
  const given = rows.slice(0, centroids * dimension);
  // Two that are alike.
  if (centroids > 2) given.copyWithin(dimension, 0, dimension);
  const ranges = new RangeTrainer(dimension, 'euclidean');
  ranges.add(rows);
  const encoder = new LeafEncoder(kernel.pool, { dimension, metric: 'euclidean', params: ranges.finish() });
  for (let leaf = 0; leaf < centroids; leaf++) {
    const centroid = rowOf(given, dimension, leaf);
    encoder.add(centroid, centroid);
  }
  const codes = encoder.centroids(1);
  encoder.release();
  const size = { dimension, centroids, limit: LIMIT };
  const layout = new Layout(PAYLOAD_OFFSET);
  const [at, query] = [layout.take(given.byteLength), layout.take(dimension * 4)];
  const places = layOutCentroidScan(layout, size);
  const arena = acquireBytes(kernel.pool, layout.end - PAYLOAD_OFFSET);
  arena.u8.fill(0xa5, PAYLOAD_OFFSET);
  arena.f32.set(given, at / 4);
  const scan = new CentroidScan(arena, places, { ...size, ...codes, at });
  const known = new LeafScan(kernel.pool, { dimension, metric: 'euclidean', centroids: codes });
  const next = numberSource(centroids);
  expect(scan.nearest(query)).toBe(0);
  for (let leaf = 0; leaf < centroids; leaf++) setBit(scan.live, leaf);
  for (let asked = 0; asked < 60; asked++) {
    // From time to time one goes that was nearest, and another comes back.
    if (asked % 4 === 3) clearBit(scan.live, arena.u32[scan.list / 4 + (asked % 3)]! % centroids);
    if (asked % 9 === 8) setBit(scan.live, Math.floor(((next() + 1) / 2) * centroids));
    const row = rowOf(rows, dimension, asked % 5 === 0 ? asked : centroids + (asked >> 3));
    arena.f32.set(row, query / 4);
    known.prepare(row);
    const distances = known.centroidDistances();
    const wanted = Array.from(distances, (_, leaf) => leaf)
      .filter((leaf) => hasBit(scan.live, leaf))
      .sort((a, b) => distances[a]! - distances[b]! || a - b)
      .slice(0, LIMIT);
    const found = scan.nearest(query);
    expect([...arena.u32.subarray(scan.list / 4, scan.list / 4 + found)]).toEqual(wanted);
  }
  known.release();
  kernel.pool.release(arena);
});
