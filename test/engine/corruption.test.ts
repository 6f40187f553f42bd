/**
 * Strategy: a store of two collections in which one object at a time is damaged: a bit flipped, cut short, another's bytes,
 * gone. Every call on the collection that needs the object ends in a `corrupt` error that names it and an offset, changes
 * nothing in the store, and works again once the bytes are back; the other collection goes on as if nothing were (15).
 */
import { describe, expect, test } from 'vitest';
import { CairnError } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { failure, newBench } from './fixture.js';
import type { Bench } from './fixture.js';

const settings = { dimension: 2, metric: 'dot' } as const;

async function fill(db: Database, name: string): Promise<void> {
  const c = await db.createCollection(name, settings);
  await c.upsert([
    { id: 'a', vector: [1, 2], metadata: { n: 1 }, expiresAt: '2030-01-01T00:00:00Z' },
    { id: 'b', vector: [3, 4] },
  ]);
  await c.patch({ records: [{ id: 'a', metadata: { n: 2 } }] });
  await c.delete({ ids: ['b'], soft: true });
}

async function twoCollections(): Promise<Bench & { db: Database }> {
  const bench = newBench();
  const db = await bench.openAgain();
  await fill(db, 'sick');
  await fill(db, 'well');
  return { ...bench, db };
}

async function bytesOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const got = await store.get(key);
  if (got.status !== 'found') throw new Error(`no object ${key}`);
  return got.bytes;
}

async function overwrite(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  await store.put(key, bytes, { if: 'any' });
}

/** Every object as it is: what a call must not change. */
async function image(store: ObjectStore): Promise<readonly string[]> {
  const listed = await store.list('');
  return await Promise.all(
    listed.map(async ({ key }) => `${key} ${Buffer.from(await bytesOf(store, key)).toString('base64')}`),
  );
}

const entryOf = (name: string): string => `catalog/${'0'.repeat(32)}/${Buffer.from(name).toString('hex')}`;

async function uidOf(store: ObjectStore, name: string): Promise<string> {
  const text = Buffer.from(await bytesOf(store, entryOf(name))).toString('latin1');
  return /"uid":"([0-9a-f]{32})"/.exec(text)![1]!;
}

const calls: readonly (readonly [string, (c: Collection) => Promise<unknown>])[] = [
  ['query', (c) => c.query({ vector: [1, 1] })],
  ['query, eventual', (c) => c.query({ vector: [1, 1], consistency: 'eventual' })],
  ['fetch', (c) => c.fetch({ ids: ['a'] })],
  ['count', (c) => c.count()],
  ['scan', (c) => c.scan()],
  ['stats', (c) => c.stats()],
  ['describe', (c) => c.describe()],
  ['recall', (c) => c.recall()],
  ['upsert', (c) => c.upsert([{ id: 'c', vector: [1, 1] }])],
  ['patch', (c) => c.patch({ records: [{ id: 'a', metadata: {} }] })],
  ['delete', (c) => c.delete({ ids: ['a'] })],
  ['restore', (c) => c.restore({ ids: ['b'] })],
];

/** What can happen to an object's bytes. */
const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ...[0, 0.1, 0.3, 0.5, 0.7, 0.9, 1].map(
    (at) =>
      [
        `a bit flipped at ${at * 100} %`,
        (bytes: Uint8Array): Uint8Array => {
          const copy = bytes.slice();
          copy[Math.min(copy.length - 1, Math.floor(at * copy.length))]! ^= 16;
          return copy;
        },
      ] as const,
  ),
  ['the last byte missing', (bytes) => bytes.slice(0, -1)],
  ['half of it missing', (bytes) => bytes.slice(0, bytes.length / 2)],
  ['nothing left', () => new Uint8Array(0)],
  ['zeros', (bytes) => new Uint8Array(bytes.length)],
  ['a byte too many', (bytes) => Uint8Array.from([...bytes, 0])],
];

describe.each(['entry', 'head', 'slot 1', 'slot 3'])('%s', (what) => {
  async function keyOf(store: ObjectStore): Promise<string> {
    if (what === 'entry') return entryOf('sick');
    const uid = await uidOf(store, 'sick');
    if (what === 'head') return `c/${uid}/head`;
    const slots = await store.list(`c/${uid}/log/`);
    return slots.at(what === 'slot 1' ? -1 : 0)!.key;
  }

  test.each(damages)('%s', async (_name, damage) => {
    const { store, openAgain, db } = await twoCollections();
    const key = await keyOf(store);
    const whole = await bytesOf(store, key);
    await overwrite(store, key, damage(whole));
    const before = await image(store);
    const cold = await openAgain();
    for (const [, call] of calls) {
      const error = await failure(() => call(cold.collection('sick')), {
        kind: 'corrupt',
        code: 'corrupt_object',
      });
      expect(error.details).toMatchObject({ key, offset: expect.any(Number) as number });
      expect(error.details['offset']).toBeLessThanOrEqual(whole.length + 1);
      expect(error.message).toContain(key);
    }
    expect(await image(store)).toEqual(before);
    expect((await cold.collection('well').count()).count).toBe(1);
    await cold.collection('well').upsert([{ id: 'new', vector: [0, 0] }]);
    await overwrite(store, key, whole);
    expect((await cold.collection('sick').count()).count).toBe(1);
    expect((await db.collection('sick').scan({ includeDeleted: true })).records).toHaveLength(2);
    await Promise.all([cold.close(), db.close()]);
  });

  test('the bytes of its counterpart in the other collection', async () => {
    const { store, openAgain, db } = await twoCollections();
    const key = await keyOf(store);
    const [sick, well] = [await uidOf(store, 'sick'), await uidOf(store, 'well')];
    const other = what === 'entry' ? entryOf('well') : key.replace(sick, well);
    await overwrite(store, key, await bytesOf(store, other));
    const cold = await openAgain();
    const error = await failure(() => cold.collection('sick').count(), {
      kind: 'corrupt',
      code: 'corrupt_object',
      message: /another's/,
    });
    expect(error.details).toMatchObject({ key, offset: 24 });
    await Promise.all([cold.close(), db.close()]);
  });
});

test('a slot that is gone from the middle of the log is found out', async () => {
  const { store, openAgain, db } = await twoCollections();
  const slots = await store.list(`c/${await uidOf(store, 'sick')}/log/`);
  await store.delete([slots[1]!.key]);
  const cold = await openAgain();
  const error = await failure(() => cold.collection('sick').count(), {
    kind: 'corrupt',
    code: 'corrupt_object',
  });
  expect(error.details).toMatchObject({ key: slots[1]!.key });
  await Promise.all([cold.close(), db.close()]);
});

test('a database that has the collection open meets a damaged head, and recovers with it', async () => {
  const { store, db } = await twoCollections();
  const key = `c/${await uidOf(store, 'sick')}/head`;
  const whole = await bytesOf(store, key);
  await overwrite(store, key, whole.slice(0, 100));
  for (const [, call] of calls.filter(([name]) => !name.includes('eventual'))) {
    const error = await failure(() => call(db.collection('sick')), {
      kind: expect.stringMatching(/corrupt|unavailable/),
      code: expect.stringMatching(/corrupt_object|outcome_unknown/),
    });
    // A write puts its slot before it reads the head: it may count as soon as the head does again.
    const corrupt = error.kind === 'corrupt' ? error : error.cause;
    expect(corrupt).toBeInstanceOf(CairnError);
    expect((corrupt as CairnError).details).toMatchObject({ key });
  }
  await overwrite(store, key, whole);
  expect((await db.collection('sick').count()).count).toBeGreaterThan(0);
  await db.close();
});

test('objects that nothing needs may be damaged', async () => {
  const { store, openAgain, db } = await twoCollections();
  await overwrite(store, `c/${await uidOf(store, 'sick')}/heads/1ffffffffffffe`, new Uint8Array(3));
  await overwrite(store, 'catalog/stray', new Uint8Array(3));
  await overwrite(store, 'stray', new Uint8Array(3));
  const cold = await openAgain();
  expect((await cold.collection('sick').count()).count).toBe(1);
  expect((await cold.listCollections()).collections.map(({ name }) => name)).toEqual(['sick', 'well']);
  await Promise.all([cold.close(), db.close()]);
});

test('a list names what cannot be read, and lists the others', async () => {
  const { store, openAgain, db } = await twoCollections();
  const key = `c/${await uidOf(store, 'sick')}/head`;
  await overwrite(store, key, new Uint8Array(3));
  const cold = await openAgain();
  const { collections } = await cold.listCollections();
  expect(collections).toEqual([
    { name: 'sick', error: { code: 'corrupt_object', message: expect.stringContaining(key) as string } },
    expect.objectContaining({ name: 'well', dimension: expect.any(Number) as number }),
  ]);
  await Promise.all([cold.close(), db.close()]);
});
