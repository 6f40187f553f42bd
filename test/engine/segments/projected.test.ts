/**
 * Recall through the engine where graphs are walked on a projection: what a curve promises at 0.99 must be obtained by
 * queries from outside. On generated rows; `npm run bench:fashion` asks the same of real ones.
 */
import { describe, expect, test } from 'vitest';
import type { Collection } from '../../../core/index.js';
import { nearSubspace, rowOf } from '../../index/fixture.js';
import { newBench } from '../fixture.js';
import { fold } from './fixture.js';

const K = 10;
/** No two builds are alike; these give 0.994 to 0.999. */
const QUERIES = 200;
/** What is promised, less what so many queries may be unlucky by. */
const OBTAINED = 0.985;
const DIMENSION = 256;
const space = { dimension: DIMENSION, rank: 20, noise: 0.4, seed: 3 };
/** Of fewer rows too few are sampled to learn directions from. */
const queries = listOf(nearSubspace(QUERIES, space, 50), DIMENSION);

function listOf(rows: Float32Array, dimension: number): readonly Float32Array[] {
  return Array.from({ length: rows.length / dimension }, (_, row) => rowOf(rows, dimension, row));
}

/** Upserts rows as `first`... */
async function upsert(
  c: Collection,
  rows: Float32Array,
  { dimension, first }: { dimension: number; first: number },
): Promise<void> {
  const perBatch = 2_000;
  for (let at = 0; at < rows.length / dimension; at += perBatch) {
    const vectors = rows.subarray(at * dimension, (at + perBatch) * dimension);
    const ids = Array.from({ length: vectors.length / dimension }, (_, i) => `${first + at + i}`);
    await c.upsert({ ids, vectors });
  }
}

/** At 0.99. Scores are those of exact search. */
async function recallOf(c: Collection, asked: readonly Float32Array[]): Promise<number> {
  let found = 0;
  for (const vector of asked) {
    const { matches: truth } = await c.query({ vector, k: K, exact: true, include: [] });
    const { matches } = await c.query({ vector, k: K, targetRecall: 0.99, include: [] });
    const scores = new Map(truth.map(({ id, score }) => [id, score]));
    for (const { id, score } of matches) {
      if (!scores.has(id)) continue;
      expect(score).toBe(scores.get(id));
      found++;
    }
  }
  return found / asked.length / K;
}

/** The one segment's rows take more than codes, a graph and its maps: there are projected codes. */
async function expectProjected(c: Collection, dimension: number): Promise<void> {
  const { segments } = await c.stats();
  expect(segments).toHaveLength(1);
  const { residentBytes, rows, graph } = segments[0]!;
  expect(graph).toBe(true);
  // Codes, terms, level 0, two maps; upper levels take less than what is left of 64 projected codes.
  expect(residentBytes / rows).toBeGreaterThan(dimension + 4 + 33 * 4 + 8 + 64);
}

describe('a segment whose graph is walked on a projection', () => {
  test.each(['euclidean', 'cosine'] as const)('keeps the promise of recall: %s', async (metric) => {
    const db = await newBench().openAgain();
    const c = await db.createCollection('c', { dimension: DIMENSION, metric });
    await upsert(c, nearSubspace(16_500, space), { dimension: DIMENSION, first: 0 });
    await c.compact();
    await expectProjected(c, DIMENSION);
    expect(await recallOf(c, queries)).toBeGreaterThanOrEqual(OBTAINED);
    // Now most of the graph is copied, under another projection.
    await c.delete({ ids: Array.from({ length: 500 }, (_, i) => `${i * 7}`) });
    await upsert(c, nearSubspace(8_500, space, 60), { dimension: DIMENSION, first: 16_500 });
    await c.compact();
    await expectProjected(c, DIMENSION);
    expect(await recallOf(c, queries)).toBeGreaterThanOrEqual(OBTAINED);
    await db.close();
  });

  test('goes on from one that had none', async () => {
    const bench = newBench();
    const db = await bench.openAgain();
    const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    await upsert(c, nearSubspace(10_000, space), { dimension: DIMENSION, first: 0 });
    await fold({ ...bench, graph: true });
    await upsert(c, nearSubspace(6_500, space, 61), { dimension: DIMENSION, first: 10_000 });
    await c.compact();
    await expectProjected(c, DIMENSION);
    expect(await recallOf(c, queries)).toBeGreaterThanOrEqual(OBTAINED);
    await db.close();
  });
});
