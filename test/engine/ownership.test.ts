/**
 * Strategy: a caller keeps writing to everything it passed in, from the moment the call was made, and to everything it
 * got back. What is stored and what is answered is what was there at the call, on the first call of a database (which has
 * yet to load the collection) as on later ones.
 */
import { expect, test } from 'vitest';
import type { Collection, JsonObject } from '../../core/index.js';
import { newBench } from './fixture.js';

interface Mutable {
  [name: string]: unknown;
}

async function bothTemperatures(use: (collection: Collection) => Promise<void>): Promise<void> {
  const { openAgain } = newBench();
  const maker = await openAgain();
  const warm = await maker.createCollection('c', { dimension: 2, metric: 'euclidean' });
  await warm.upsert([{ id: 'seed', vector: [9, 9], metadata: { kept: true } }]);
  await use(warm);
  const other = await openAgain();
  await use(other.collection('c'));
  await Promise.all([maker.close(), other.close()]);
}

async function stored(collection: Collection, id: string): Promise<unknown> {
  const { records } = await collection.fetch({ ids: [id], include: ['vector', 'metadata', 'expires_at'] });
  return records[0];
}

test('floats of columns may be reused as soon as the call was made', async () => {
  await bothTemperatures(async (collection) => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    const ids = ['a', 'b'];
    const metadata = [{ n: 1 }, { n: 2 }];
    const write = collection.upsert({ ids, vectors, metadata });
    vectors.fill(7);
    ids.reverse();
    metadata[0]!.n = 9;
    await write;
    vectors.fill(8);
    expect(await stored(collection, 'a')).toEqual({ id: 'a', vector: [1, 2], metadata: { n: 1 } });
    expect(await stored(collection, 'b')).toEqual({ id: 'b', vector: [3, 4], metadata: { n: 2 } });
  });
});

test('rows and what hangs on them may be reused as soon as the call was made', async () => {
  await bothTemperatures(async (collection) => {
    const floats = Float32Array.of(1, 2);
    const numbers = [3, 4];
    const inner: Mutable = { deep: [1, { x: 1 }] };
    const rows = [
      { id: 'a', vector: floats, metadata: { inner } as unknown as JsonObject },
      { id: 'b', vector: numbers },
    ];
    const write = collection.upsert(rows);
    floats.fill(NaN);
    numbers.push(5);
    (inner['deep'] as unknown[]).push('more');
    inner['new'] = new Date(0);
    rows[1]!.id = 'c';
    rows.pop();
    await write;
    expect(await stored(collection, 'a')).toEqual({
      id: 'a',
      vector: [1, 2],
      metadata: { inner: { deep: [1, { x: 1 }] } },
    });
    expect(await stored(collection, 'b')).toEqual({ id: 'b', vector: [3, 4], metadata: {} });
  });
});

test('a patch means what it said when it was made', async () => {
  await bothTemperatures(async (collection) => {
    const inner: Mutable = { x: 1 };
    const records = [{ id: 'seed', vector: [1, 1], metadata: { inner } as unknown as JsonObject }];
    const write = collection.patch({ records });
    inner['x'] = 2;
    inner['y'] = 3;
    records[0]!.vector[0] = 5;
    records[0]!.id = 'elsewhere';
    expect(await write).toMatchObject({ patched: 1, missing: 0 });
    expect(await stored(collection, 'seed')).toEqual({
      id: 'seed',
      vector: [1, 1],
      metadata: { kept: true, inner: { x: 1 } },
    });
    await collection.patch({ records: [{ id: 'seed', metadata: { inner: null } }] });
  });
});

test('ids and filters of deletions and restores are those of the call', async () => {
  await bothTemperatures(async (collection) => {
    await collection.upsert([
      { id: 'a', vector: [1, 1], metadata: { n: 1 } },
      { id: 'b', vector: [1, 2], metadata: { n: 2 } },
    ]);
    const filter = { n: { $in: [1] } };
    const byFilter = collection.delete({ filter, soft: true });
    filter.n.$in.push(2);
    expect(await byFilter).toMatchObject({ deleted: 1 });
    const ids = ['a'];
    const restored = collection.restore({ ids });
    ids[0] = 'b';
    expect(await restored).toMatchObject({ restored: 1, missing: 0 });
    const input = { delete: { ids: ['a'] } };
    const write = collection.write(input);
    input.delete.ids = ['b'];
    await write;
    expect((await collection.fetch({ ids: ['a', 'b'], include: [] })).records).toEqual([{ id: 'b' }]);
  });
});

test('a query asks what it was made of, however often its buffer is used', async () => {
  await bothTemperatures(async (collection) => {
    await collection.upsert({ ids: ['p', 'q', 'r'], vectors: Float32Array.of(1, 0, 0, 1, -1, -1) });
    const vector = new Float32Array(2);
    const filter = { kept: { $exists: false } };
    const answers = [];
    for (const [x, y] of [
      [1, 0],
      [0, 1],
      [-1, -1],
    ] as const) {
      vector.set([x, y]);
      answers.push(collection.query({ vector, k: 1, filter, include: [] }));
    }
    const many = collection.queryMany([{ vector, filter }]);
    const measured = collection.recall({ vectors: [vector] });
    vector.fill(NaN);
    filter.kept.$exists = true;
    expect((await Promise.all(answers)).map(({ matches }) => matches[0])).toEqual([
      { id: 'p', score: 0 },
      { id: 'q', score: 0 },
      { id: 'r', score: 0 },
    ]);
    expect((await many)[0]!.matches[0]).toMatchObject({ id: 'r', score: 0 });
    expect(await measured).toMatchObject({ recall: 1 });
  });
});

test("what was answered is the caller's: writing to it changes nothing", async () => {
  const { openAgain } = newBench();
  const db = await openAgain();
  const collection = await db.createCollection('c', { dimension: 2, metric: 'dot', fields: { year: {} } });
  const result = await collection.upsert([
    { vector: [1, 2], metadata: { list: [1, { x: 1 }] } },
    { id: 'b', vector: [3, 4], expiresAt: '2030-01-01T00:00:00+02:00' },
  ]);
  const derived = result.ids![0]!;
  const include = ['vector', 'metadata', 'expires_at'];
  const answers = async (): Promise<unknown[]> => [
    (await collection.query({ vector: [1, 1], include })).matches,
    (await collection.fetch({ ids: ['b', derived], include })).records,
    (await collection.scan({ include, filter: { list: { $exists: true } } })).records,
    (await collection.scan({ include: ['metadata.list'] })).records,
    await collection.describe(),
    await db.listCollections(),
    (await collection.stats()).records,
  ];
  const before = structuredClone(await answers());
  scribble(await answers());
  scribble(result.ids);
  expect(await answers()).toEqual(before);
  const again = await openAgain();
  expect(await again.collection('c').describe()).toEqual(before[4]);
  await expect(
    again.createCollection('c', { dimension: 2, metric: 'dot', fields: { year: {} } }),
  ).resolves.toMatchObject({
    created: false,
  });
  await Promise.all([db.close(), again.close()]);
});

/** Overwrites whatever can be overwritten. */
function scribble(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    scribble(inner);
    if (!Object.isFrozen(value)) (value as Mutable)[name] = 'scribbled';
  }
  if (!Object.isFrozen(value)) (value as Mutable)['added'] = 'scribbled';
}
