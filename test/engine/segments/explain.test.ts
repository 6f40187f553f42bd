/**
 * Strategy: filters of which each asks for another plan, on one segment with a graph. What an explanation tells of a query is
 * held against what is known of the rows, and the query's answer against the exact one.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Collection, SegmentExplanation } from '../../../core/index.js';
import { newBench, seededRandom } from '../fixture.js';
import { fold } from './fixture.js';

const DIMENSION = 16;
const ROWS = 16_000;
const HALF = ROWS / 2;
const GONE = 100;

function vectors(rows: number, seed: number): Float32Array {
  const bytes = seededRandom(seed).fill(new Uint8Array(rows * DIMENSION));
  return Float32Array.from(bytes, (byte) => byte / 64 + 0.1);
}

let c: Collection;
const stored = vectors(ROWS, 1);
const vector = vectors(1, 2);
/** Rows by their distance from the query, before they are stored: some filters keep clear of it. */
const places = new Map(
  Array.from({ length: ROWS }, (_, row) => {
    const at = row * DIMENSION;
    return [row, vector.reduce((sum, value, d) => sum + (value - stored[at + d]!) ** 2, 0)] as const;
  })
    .toSorted((a, b) => a[1] - b[1])
    .map(([row], place) => [row, place]),
);

beforeAll(async () => {
  const bench = newBench();
  const db = await bench.openAgain();
  c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  const ids = Array.from({ length: ROWS }, (_, row) => `r${row}`);
  const metadata = ids.map((_, row) => ({
    ...{ n: row % 100, place: places.get(row)!, text: `${'long '.repeat(20)}${row % 2}` },
  }));
  for (let at = 0; at < ROWS; at += HALF) {
    const part = { ids: ids.slice(at, at + HALF), metadata: metadata.slice(at, at + HALF) };
    await c.upsert({ ...part, vectors: stored.subarray(at * DIMENSION, (at + HALF) * DIMENSION) });
  }
  await fold({ ...bench, graph: true });
  await c.delete({ ids: ids.slice(0, GONE) });
  await c.upsert([{ id: 'late', vector, metadata: { n: 7 } }]);
});

async function explained(filter: string | undefined, ef = 10): Promise<SegmentExplanation> {
  const query = { vector, k: 10, ef, ...(filter === undefined ? {} : { filter }) };
  const { explain, usage } = await c.explain(query);
  expect(explain.memtable).toMatchObject({ rows: 1 });
  expect(explain.segments).toHaveLength(1);
  const segment = explain.segments[0]!;
  expect(segment.rows).toBe(ROWS);
  expect(segment.rowsVisited + explain.memtable.rowsVisited).toBe(usage.rowsScanned);
  expect(segment.ms.total).toBeGreaterThanOrEqual(segment.ms.filter);
  const { matches, explain: beside } = await c.query({ ...query, ef: 10_000, explain: true });
  expect(beside!.segments[0]!.matches).toBe(segment.matches);
  const { ef: _, ...exactly } = { ...query, exact: true };
  expect(matches).toEqual((await c.query(exactly)).matches);
  return segment;
}

describe('an explanation', () => {
  test.each([
    ['no filter', undefined, ROWS - GONE, 'walk'],
    ['most rows', 'n < 60', 0.6 * (ROWS - GONE), 'walk'],
    ['a quarter of the rows', 'n < 25', 0.25 * (ROWS - GONE), 'filtered_walk'],
    ['a hundredth', 'n = 7', 0.01 * (ROWS - GONE), 'scan'],
    ['hardly any', 'place < 1000 AND place >= 990', undefined, 'exact'],
    ['no row', 'n = 100', 0, 'none'],
  ] as const)('of %s', async (_, filter, matches, plan) => {
    const segment = await explained(filter);
    expect(segment).toMatchObject({ plan, ...(matches === undefined ? {} : { matches }) });
    expect(segment.fallback).toBeUndefined();
    if (filter === undefined) expect(segment.estimate).toBeUndefined();
    else expect(segment.estimate).toEqual({ least: segment.matches, most: segment.matches });
    expect(segment.hits).toBe(Math.min(10, segment.matches));
  });

  test('of a filter that keeps clear of the query tells that the walk was given up', async () => {
    const segment = await explained('place >= 2000');
    expect(segment).toMatchObject({ plan: 'walk', fallback: true });
    expect(segment.rowsVisited).toBeGreaterThan(segment.matches);
  });

  test('of a filter that keeps clear of the next to the query tells of a wider walk', async () => {
    const segment = await explained('place >= 15', 20);
    expect(segment.plan).toBe('walk');
    expect(segment.fallback).toBeUndefined();
    expect(segment.ef).toBeGreaterThan(40);
    expect(segment.rowsVisited).toBeLessThan(segment.matches);
  });

  test('of a filter that the columns leave open tells of the documents', async () => {
    const text = `${'long '.repeat(20)}1`;
    const segment = await explained(`n < 50 AND text LIKE '%${text}'`);
    const open = (ROWS - GONE) / 2;
    expect(segment).toMatchObject({
      estimate: { least: 0, most: open },
      documentsRead: open,
      matches: open / 2,
    });
  });

  test('is not of an order', async () => {
    await expect(c.query({ orderBy: [{ field: 'n' }], explain: true })).rejects.toMatchObject({
      ...{ kind: 'invalid', code: 'invalid_request' },
      message: 'query: explain has no meaning with order_by',
    });
    await expect(c.query({ vector, explain: 1 as never })).rejects.toMatchObject({
      ...{ kind: 'invalid', code: 'invalid_request' },
      message: 'explain must be true or false, got number',
    });
  });
});
