/**
 * Strategy: what lies just inside the limits is taken and comes back exactly as it was given.
 */
import { expect, test } from 'vitest';
import type { Collection, JsonObject } from '../../core/index.js';
import { byUtf8, newBench } from './fixture.js';

async function newCollection(settings: {
  dimension: number;
  metric?: 'cosine' | 'euclidean' | 'dot' | 'manhattan';
}): Promise<Collection> {
  const db = await newBench().openAgain();
  return await db.createCollection('c', settings);
}

const only = async (c: Collection, id: string): Promise<unknown> => (await c.fetch({ ids: [id] })).records[0];

test('the last of several rows with one id wins, and the answer counts the others', async () => {
  const c = await newCollection({ dimension: 1, metric: 'dot' });
  const rows = ['a', 'b', 'a', 'a'].map((id, i) => ({ id, vector: [i] }));
  expect(await c.upsert(rows)).toEqual({ upserted: 2, sequence: 1, duplicates: 2 });
  expect(await only(c, 'a')).toMatchObject({ vector: [3] });
  expect(await c.upsert({ ids: ['b', 'b'], vectors: Float32Array.of(7, 8) })).toMatchObject({
    duplicates: 1,
  });
  expect(await only(c, 'b')).toMatchObject({ vector: [8] });
  expect(await c.upsert([{ id: 'c', vector: [1] }])).toEqual({ upserted: 1, sequence: 3 });
});

test('an empty collection answers every read, and k may exceed what is there', async () => {
  const c = await newCollection({ dimension: 2 });
  expect((await c.query({ vector: [1, 1], k: 10_000 })).matches).toEqual([]);
  expect(await c.count()).toEqual({ count: 0, sequence: 0 });
  expect(await c.scan()).toEqual({ records: [], sequence: 0 });
  expect(await c.fetch({ ids: ['a'] })).toEqual({ records: [], sequence: 0 });
  expect(await c.recall()).toMatchObject({ recall: 1, queries: 0 });
  expect((await c.query({ vector: [1, 1], asOf: 0 })).sequence).toBe(0);
  await c.upsert([{ id: 'a', vector: [1, 0] }]);
  expect((await c.query({ vector: [1, 1], k: 10_000 })).matches).toHaveLength(1);
});

test('metadata comes back as it went in', async () => {
  const c = await newCollection({ dimension: 1, metric: 'dot' });
  let deep: JsonObject = { bottom: true };
  for (let i = 0; i < 31; i++) deep = { deep };
  const bare = Object.assign(Object.create(null) as object, { x: 1 }) as JsonObject;
  const documents: readonly JsonObject[] = [
    {},
    { lone: '\ud800', pair: '\ud83d\ude00', low: ['\udc00x'], '\ud800': 'as a key', nul: '\u0000' },
    { constructor: 1, toString: null, hasOwnProperty: [], prototype: {}, '': 'empty key', 'a.b': 1 },
    { numbers: [0, 1e308, -1e-308, 2 ** 53, 0.1] },
    deep,
    { big: 'x'.repeat(65_536 - 10) },
    bare,
  ];
  await c.upsert(documents.map((metadata, i) => ({ id: `${i}`, vector: [i], metadata })));
  for (const [i, metadata] of documents.entries()) {
    expect(await only(c, `${i}`)).toEqual({ id: `${i}`, vector: [i], metadata: { ...metadata } });
  }
  expect((await c.count({ filter: { constructor: 1 } })).count).toBe(1);
  expect((await c.count({ filter: { '__proto__.x': { $exists: true } } })).count).toBe(0);
});

test('ids of every kind, in the order of their bytes', async () => {
  const c = await newCollection({ dimension: 1, metric: 'dot' });
  const ids = [
    '\u{1f600}',
    '\uffff',
    '\ue000',
    '\ud7ff',
    'z',
    'Z',
    ' ',
    '\u0000',
    'é'.repeat(256),
    'x'.repeat(512),
    '__proto__',
    'constructor',
  ];
  await c.upsert({ ids, vectors: new Float32Array(ids.length) });
  expect((await c.scan()).records.map(({ id }) => id)).toEqual([...ids].sort(byUtf8));
  for (const k of [1, 3, 8, 9, 10, ids.length]) {
    const { matches } = await c.query({ vector: [1], k, include: [] });
    expect(matches.map(({ id }) => id)).toEqual([...ids].sort(byUtf8).slice(0, k));
  }
  expect((await c.fetch({ ids, include: [] })).records.map(({ id }) => id)).toEqual(ids);
  expect(await c.delete({ ids: ['__proto__'] })).toMatchObject({ deleted: 1 });
  expect((await c.count()).count).toBe(ids.length - 1);
});

test.each(['euclidean', 'manhattan', 'dot'] as const)(
  'vectors at the ends of what 32 bits bear (%s)',
  async (metric) => {
    const c = await newCollection({ dimension: 2, metric });
    const rows = [
      [0, 0],
      [-0, 1e-45],
      [6e18, -6e18],
      [8.9e18, 0],
      [1e-38, 1e-38],
    ];
    await c.upsert(rows.map((vector, i) => ({ id: `${i}`, vector })));
    const { matches } = await c.query({ vector: [-6e18, 6e18], k: 5, include: ['vector'] });
    expect(matches).toHaveLength(5);
    for (const { id, score, vector } of matches) {
      expect(Number.isFinite(score)).toBe(true);
      expect(vector).toEqual(rows[Number(id)]!.map(Math.fround));
    }
  },
);

test('a cosine is within its bounds, whatever the norms', async () => {
  const c = await newCollection({ dimension: 3 });
  const directions = [
    [1, 1, 1],
    [-1, -1, -1],
    [0.1, 0.2, 0.3],
  ];
  const rows = [1e-14, 1e-5, 1, 3e5, 4e18].flatMap((scale) =>
    directions.map((row) => row.map((x) => x * scale)),
  );
  await c.upsert(rows.map((vector, i) => ({ id: `${i}`, vector })));
  for (const [i, vector] of rows.entries()) {
    const { matches } = await c.query({ vector, k: rows.length });
    for (const { score } of matches) expect(Math.abs(score!)).toBeLessThanOrEqual(1);
    expect(matches.find(({ id }) => id === `${i}`)!.score).toBeCloseTo(1, 5);
    expect(matches.filter(({ score }) => score! < -0.99)).toHaveLength(i % 3 === 2 ? 0 : 5);
  }
});

test('10,000 records in one call, as rows, columns and base64', async () => {
  const c = await newCollection({ dimension: 2, metric: 'euclidean' });
  const vectors = Float32Array.from({ length: 20_000 }, (_, i) => i);
  const ids = Array.from({ length: 10_000 }, (_, i) => `r${i}`);
  const rows = ids.map((id, i) => ({
    id,
    vector: Buffer.from(vectors.slice(2 * i, 2 * i + 2).buffer).toString('base64'),
  }));
  const base64 = Buffer.from(vectors.buffer).toString('base64');
  for (const input of [rows, { ids, vectors }, { ids, vectors: base64 }]) {
    expect(await c.upsert(input)).toMatchObject({ upserted: 10_000 });
    const { matches } = await c.query({ vector: [0, 1], k: 10_000, include: [] });
    expect(matches.map(({ id }) => id)).toEqual(ids);
  }
  expect((await c.scan({ limit: 10_000 })).cursor).toBeUndefined();
  expect(await c.delete({ filter: {} })).toEqual({ deleted: 10_000, sequence: 4 });
});

test('a delete by filter takes 10,000 at a time and says that there are more', async () => {
  const c = await newCollection({ dimension: 1, metric: 'dot' });
  const vectors = new Float32Array(6_000);
  await c.upsert({ vectors });
  await c.upsert({ vectors });
  expect(await c.delete({ filter: {} })).toEqual({ deleted: 10_000, sequence: 3, more: true });
  expect(await c.delete({ filter: {} })).toEqual({ deleted: 2_000, sequence: 4 });
  expect((await c.count()).count).toBe(0);
});

test('a batch that is too large for a slot goes beside it, and is one commit all the same', async () => {
  const { openAgain, store } = newBench();
  const db = await openAgain();
  const c = await db.createCollection('c', { dimension: 1_100, metric: 'dot' });
  const ids = Array.from({ length: 2_000 }, (_, i) => `${i}`);
  await c.upsert({ ids, vectors: Float32Array.from({ length: 2_000 * 1_100 }, (_, i) => i % 7) });
  expect((await store.list('c/')).filter(({ key }) => key.includes('/batch/'))).toHaveLength(1);
  const again = await openAgain();
  const there = again.collection('c');
  expect(await there.count()).toEqual({ count: 2_000, sequence: 1 });
  expect(await only(there, '1999')).toEqual(await only(c, '1999'));
  await Promise.all([db.close(), again.close()]);
});

test('dimension 1 and dimension 20,000', async () => {
  for (const dimension of [1, 20_000]) {
    const c = await newCollection({ dimension, metric: 'manhattan' });
    const vectors = new Float32Array(5 * dimension).map((_, i) => Math.floor(i / dimension));
    await c.upsert({ ids: ['0', '1', '2', '3', '4'], vectors });
    const { matches } = await c.query({ vector: vectors.slice(0, dimension), k: 2, include: [] });
    expect(matches).toEqual([
      { id: '0', score: 0 },
      { id: '1', score: dimension },
    ]);
  }
});

test('include takes what it names, and no more', async () => {
  const c = await newCollection({ dimension: 1, metric: 'dot' });
  const metadata = { a: { b: 1, c: [2] }, 'a.b': 3, d: 4, list: [{ x: 1 }] };
  await c.upsert([{ id: 'x', vector: [5], metadata, expiresAt: '2030-06-01T02:00:00.5+02:00' }]);
  const shown = async (...include: string[]): Promise<unknown> =>
    (await c.fetch({ ids: ['x'], include })).records[0];
  expect(await shown()).toEqual({ id: 'x' });
  expect(await shown('vector', 'expires_at')).toEqual({
    id: 'x',
    vector: [5],
    expiresAt: '2030-06-01T00:00:00.500Z',
  });
  expect(await shown('metadata.d', 'metadata.a.c')).toEqual({ id: 'x', metadata: { d: 4, a: { c: [2] } } });
  expect(await shown('metadata.a.b')).toEqual({ id: 'x', metadata: { 'a.b': 3 } });
  expect(await shown('metadata.list.x', 'metadata.none', 'metadata.__proto__', 'metadata.toString')).toEqual({
    id: 'x',
    metadata: {},
  });
  expect(await shown('metadata.d', 'metadata')).toEqual({ id: 'x', metadata });
});
