/**
 * Collections in codes of product quantization take the bytes that they ask for, and obtain by queries from outside what their curves
 * promise: of each compression, before and after a merge that copies the graph. test/engine/quantized.test.ts takes them through all
 * else, and quantized-real.test.ts asks them of real rows.
 */
import { expect, test } from 'vitest';
import type { Collection, CollectionSettings } from '../../../core/index.js';
import { clustered, rowOf } from '../../index/fixture.js';
import { newBench } from '../fixture.js';

const K = 10;
const GROUPS = 12;

async function upsert(c: Collection, rows: Float32Array, dimension: number, first: number): Promise<void> {
  const perBatch = 4_000;
  for (let at = 0; at < rows.length / dimension; at += perBatch) {
    const vectors = rows.subarray(at * dimension, (at + perBatch) * dimension);
    const numbers = Array.from({ length: vectors.length / dimension }, (_, i) => first + at + i);
    await c.upsert({
      ids: numbers.map(String),
      vectors,
      metadata: numbers.map((number) => ({ group: number % GROUPS })),
    });
  }
}

interface Asked {
  readonly queries: readonly Float32Array[];
  readonly targetRecall: number;
  readonly filter?: { readonly group: { readonly $lt: number } };
}

async function recallOf(c: Collection, { queries, targetRecall, filter }: Asked): Promise<number> {
  let found = 0;
  const filtered = filter === undefined ? {} : { filter };
  for (const vector of queries) {
    const asked = { vector, k: K, include: [], ...filtered };
    const { matches: truth } = await c.query({ ...asked, exact: true });
    const { matches } = await c.query({ ...asked, targetRecall });
    const scores = new Map(truth.map(({ id, score }) => [id, score]));
    for (const { id, score } of matches) {
      if (!scores.has(id)) continue;
      expect(score).toBe(scores.get(id));
      found++;
    }
  }
  return found / queries.length / K;
}

/** The one segment holds codes of so many bytes a row, the graph, two maps, and books. */
async function expectBytes(c: Collection, code: number, dimension: number): Promise<void> {
  const { segments } = await c.stats();
  expect(segments).toHaveLength(1);
  const { residentBytes, rows, graph } = segments[0]!;
  expect(graph).toBe(true);
  const books = 72 * (dimension + 1);
  expect((residentBytes - books) / rows).toBeGreaterThan(code + 33 * 4 + 8);
  expect((residentBytes - books) / rows).toBeLessThan(code + 33 * 4 + 8 + 10);
}

function listOf(rows: Float32Array, dimension: number): readonly Float32Array[] {
  return Array.from({ length: rows.length / dimension }, (_, row) => rowOf(rows, dimension, row));
}

test.each([
  ['euclidean', { type: 'pq', compression: 8 }, 48],
  ['euclidean', { type: 'pq', compression: 32 }, 16],
  ['manhattan', 'pq', 32],
] as const)('keeps the promise of recall: %s, %o', async (metric, quantization, code) => {
  const dimension = 96;
  const all = clustered(4_100, dimension, 3);
  const part = (from: number, to: number): Float32Array => all.subarray(from * dimension, to * dimension);
  const db = await newBench().openAgain();
  const settings: CollectionSettings = { dimension, metric, quantization };
  const c = await db.createCollection('c', settings);
  await upsert(c, part(0, 2_500), dimension, 0);
  await c.compact();
  await expectBytes(c, code, dimension);
  const queries = listOf(part(4_000, 4_100), dimension);
  expect(await recallOf(c, { queries, targetRecall: 0.95 })).toBeGreaterThan(0.93);
  // Most of the graph is copied, under other books.
  await upsert(c, part(2_500, 4_000), dimension, 2_500);
  await c.delete({ ids: Array.from({ length: 200 }, (_, i) => `${i * 7}`) });
  await c.compact();
  await expectBytes(c, code, dimension);
  for (const filter of [undefined, { group: { $lt: 4 } }, { group: { $lt: 1 } }]) {
    const asked = { queries, targetRecall: 0.99, ...(filter === undefined ? {} : { filter }) };
    expect(await recallOf(c, asked)).toBeGreaterThan(0.98);
  }
  await db.close();
});
