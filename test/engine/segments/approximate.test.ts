/**
 * Strategy: segments with graphs and without, more of them than the memory holds at once. Answers must be near the exact
 * ones whatever is in memory, each index must be read again when it was evicted, and the memory must come back.
 */
import { expect, test } from 'vitest';
import type { Collection } from '../../../core/index.js';
import { newBench, seededRandom } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { fold, rewriteSegment } from './fixture.js';

const DIMENSION = 64;
const ROWS = 3_000;
const KiB = 1024;

function vectors(rows: number, seed: number): Float32Array {
  const bytes = seededRandom(seed).fill(new Uint8Array(rows * DIMENSION));
  // Ten clusters, so that there is something to be near to.
  return Float32Array.from(bytes, (byte, i) => byte / 64 + ((Math.floor(i / DIMENSION) % 10) * (i % 7)) / 3);
}

async function folded(graph: boolean, shareRequests: boolean): Promise<Bench> {
  const bench = newBench();
  const db = await bench.openAgain({ shareRequests });
  const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  for (let part = 0; part < 3; part++) {
    const ids = Array.from({ length: ROWS }, (_, i) => `${part}-${i}`);
    await c.upsert({ ids, vectors: vectors(ROWS, part + 1), metadata: ids.map((_, i) => ({ n: i % 100 })) });
    await fold({ ...bench, graph });
  }
  await c.delete({ ids: Array.from({ length: 50 }, (_, i) => `1-${i * 3}`) });
  await db.close();
  return bench;
}

async function recallOf(c: Collection): Promise<number> {
  let found = 0;
  for (let q = 0; q < 10; q++) {
    const vector = vectors(1, 100 + q);
    const { matches: truth } = await c.query({ vector, k: 10, exact: true, include: [] });
    const { matches, usage } = await c.query({ vector, k: 10, include: [] });
    expect(usage.segments).toBe(3);
    const ids = new Set(matches.map(({ id }) => id));
    found += truth.filter(({ id }) => ids.has(id)).length;
    // The scores are the exact ones.
    for (const match of matches) {
      const known = truth.find(({ id }) => id === match.id);
      if (known !== undefined) expect(match.score).toBe(known.score);
    }
  }
  return found / 100;
}

test.each([
  ['graphs, shared loads', true, true],
  ['graphs, each request for itself', true, false],
  ['codes only', false, true],
])('%s: near the truth with room for one index and with room for all', async (_, graph, shareRequests) => {
  const bench = await folded(graph, shareRequests);
  for (const [memoryBudgetBytes, loaded] of [
    [64 * KiB * KiB, 3],
    // Scratch, scorer, and one or two indexes of the three.
    [3 * KiB * KiB, undefined],
  ] as const) {
    const db = await bench.openAgain({ memoryBudgetBytes, shareRequests });
    const c = db.collection('c');
    expect(await recallOf(c)).toBeGreaterThan(0.95);
    expect((await c.recall({ queries: 5, k: 10 })).recall).toBeGreaterThan(0.95);
    const { segments, memory } = await c.stats();
    const resident = segments.filter((segment) => segment.loaded).length;
    if (loaded !== undefined) expect(resident).toBe(loaded);
    else expect(resident).toBeLessThan(3);
    expect(memory.segmentBytes + memory.vectorBytes + memory.pageCacheBytes).toBeLessThanOrEqual(
      memoryBudgetBytes,
    );
    expect(segments.map(({ live }) => live)).toEqual([ROWS, ROWS - 50, ROWS]);
    const many = Array.from({ length: 20 }, (__, q) => ({
      vector: vectors(1, 200 + q),
      k: 5,
      filter: { n: 7 },
    }));
    for (const { matches } of await c.queryMany(many)) {
      expect(matches).toHaveLength(5);
      for (const { metadata } of matches) expect(metadata).toEqual({ n: 7 });
    }
    await db.close();
  }
});

test('a warm query whose pages are in memory makes no request but those of freshness', async () => {
  const bench = await folded(true, true);
  const db = await bench.openAgain();
  const query = { vector: vectors(1, 7), k: 10 };
  const cold = await db.collection('c').query(query);
  const warm = await db.collection('c').query(query);
  expect(cold.usage.loaded).toBe(true);
  expect(warm.matches).toEqual(cold.matches);
  expect(warm.usage.requests).toBe(2);
  await db.close();
});

test('a segment that is missing under the newest head is damage, and one that is back is read', async () => {
  const bench = await folded(false, true);
  const { store } = bench;
  const db = await bench.openAgain();
  const c = db.collection('c');
  const asked = { vector: vectors(1, 3), k: 20, exact: true };
  const before = await c.query(asked);
  const { key } = (await c.stats()).segments[0]!;
  const body = await store.get(key);
  await store.delete([key]);
  await expect(c.query(asked)).rejects.toMatchObject({ kind: 'corrupt' });
  if (body.status === 'found') await store.put(key, body.bytes, { if: 'any' });
  expect((await c.query(asked)).matches).toEqual(before.matches);
  await db.close();
});

test('segments that were collected under a reader are found again through the newer head', async () => {
  const bench = await folded(false, true);
  const { store } = bench;
  const db = await bench.openAgain();
  const c = db.collection('c');
  const asked = { vector: vectors(1, 3), k: 20, exact: true, consistency: 'eventual' } as const;
  const before = await c.query(asked);
  const { segments } = await c.stats();
  await rewriteSegment(bench, segments[0]!.key);
  await store.delete([segments[0]!.key]);
  expect((await c.query(asked)).matches).toEqual(before.matches);
  const keys = (await c.stats()).segments.map((segment) => segment.key);
  expect(keys).toHaveLength(3);
  expect(keys).not.toContain(segments[0]!.key);
  await db.close();
});
