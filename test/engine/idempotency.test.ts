/**
 * Strategy: requests are repeated under one key: one after another, at once, from two databases on one store, and from two
 * processes on one directory. There is one effect, and every repetition is told what the first was told (invariant 11).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import { failure, newBench, scratchDirectory, seededRandom } from './fixture.js';

const UUID_8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const key = { idempotencyKey: 'the key' };

async function twoDatabases(): Promise<{ a: Collection; b: Collection; close: () => Promise<unknown> }> {
  const { openAgain } = newBench();
  const databases: Database[] = [await openAgain(), await openAgain()];
  const a = await databases[0]!.createCollection('c', { dimension: 2, metric: 'dot' });
  return { a, b: databases[1]!.collection('c'), close: () => Promise.all(databases.map((db) => db.close())) };
}

/** Every kind of write, on a state in which it does something, and something that differs from it a little. */
const kinds: readonly (readonly [
  string,
  (c: Collection, options: typeof key) => Promise<unknown>,
  (c: Collection, options: typeof key) => Promise<unknown>,
])[] = [
  [
    'upsert with derived ids',
    (c, o) => c.upsert([{ vector: [1, 1] }, { id: 'named', vector: [1, 2] }, { vector: [1, 3] }], o),
    (c, o) => c.upsert([{ vector: [1, 1] }, { id: 'named', vector: [1, 2] }, { vector: [1, 4] }], o),
  ],
  [
    'upsert with duplicates',
    (c, o) => c.upsert({ ids: ['x', 'y', 'x'], vectors: Float32Array.of(1, 1, 2, 2, 3, 3) }, o),
    (c, o) => c.upsert({ ids: ['x', 'y', 'z'], vectors: Float32Array.of(1, 1, 2, 2, 3, 3) }, o),
  ],
  [
    'patch',
    (c, o) => c.patch({ records: [{ id: 'p', metadata: { n: 2 } }, { id: 'none' }] }, o),
    (c, o) => c.patch({ records: [{ id: 'p', metadata: { n: 2 } }, { id: 'none' }], mode: 'replace' }, o),
  ],
  [
    'patch by filter',
    (c, o) => c.patch({ filter: { n: 1 }, metadata: { m: 1 } }, o),
    (c, o) => c.patch({ filter: { n: 1 }, metadata: { m: 2 } }, o),
  ],
  [
    'patch by another filter',
    (c, o) => c.patch({ filter: {}, metadata: null }, o),
    (c, o) => c.patch({ filter: 'n = 1', metadata: null }, o),
  ],
  [
    'patch by filter in another mode',
    (c, o) => c.patch({ filter: {}, metadata: { m: 1 } }, o),
    (c, o) => c.patch({ filter: {}, metadata: { m: 1 }, mode: 'replace' }, o),
  ],
  [
    'delete',
    (c, o) => c.delete({ ids: ['p', 'p', 'q'] }, o),
    (c, o) => c.delete({ ids: ['p', 'q'], soft: true }, o),
  ],
  [
    'delete by filter',
    (c, o) => c.delete({ filter: { n: 1 }, soft: true }, o),
    (c, o) => c.delete({ filter: { n: 2 }, soft: true }, o),
  ],
  [
    'restore',
    (c, o) => c.restore({ ids: ['hidden', 'none'] }, o),
    (c, o) => c.restore({ ids: ['hidden'] }, o),
  ],
  [
    'write',
    (c, o) =>
      c.write(
        {
          upsert: [{ vector: [4, 4] }],
          patch: { records: [{ id: 'q', vector: [5, 5] }] },
          delete: { filter: { n: 1 } },
          ifSequence: 2,
        },
        o,
      ),
    (c, o) =>
      c.write(
        {
          upsert: [{ vector: [4, 4] }],
          patch: { records: [{ id: 'q', vector: [5, 5] }] },
          delete: { filter: { n: 1 } },
          ifSequence: 3,
        },
        o,
      ),
  ],
];

async function prepare(c: Collection): Promise<void> {
  await c.upsert([
    { id: 'p', vector: [1, 0], metadata: { n: 1 } },
    { id: 'q', vector: [0, 1] },
    { id: 'hidden', vector: [1, 1] },
  ]);
  await c.delete({ ids: ['hidden'], soft: true });
}

async function everything(c: Collection): Promise<unknown> {
  return await c.scan({ include: ['metadata', 'vector', 'expires_at'], includeDeleted: true });
}

describe.each(kinds)('%s', (_name, send, sendOther) => {
  test('again, here, elsewhere and after a restart, is answered the same and changes nothing', async () => {
    const { a, b, close } = await twoDatabases();
    await prepare(a);
    const first = await send(a, key);
    await a.upsert([{ id: 'p', vector: [7, 7], metadata: { n: 1 } }]);
    const after = await everything(a);
    expect(await send(a, key)).toEqual(first);
    expect(await send(b, key)).toEqual(first);
    expect(await everything(b)).toEqual(after);
    await close();
  });

  test('at once, from two databases, has one effect', async () => {
    const { a, b, close } = await twoDatabases();
    await prepare(a);
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => send(i % 2 === 0 ? a : b, key)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await a.count()).sequence).toBe((answers[0] as { sequence: number }).sequence);
    expect(await everything(b)).toEqual(await everything(a));
    await close();
  });

  test('the key with another request is a conflict that changes nothing', async () => {
    const { a, b, close } = await twoDatabases();
    await prepare(a);
    await send(a, key);
    const before = await everything(a);
    for (const collection of [a, b]) {
      const error = await failure(() => sendOther(collection, key), {
        kind: 'conflict',
        code: 'idempotency_key_reused',
        message: /key the key was used for another request at sequence 3/,
      });
      expect(error.outcome).toBe('not_applied');
    }
    expect(await everything(a)).toEqual(before);
    await close();
  });

  test('without a key it is another request each time', async () => {
    const { a, close } = await twoDatabases();
    await prepare(a);
    const one = (await send(a, {} as typeof key)) as { sequence: number };
    const two = await Promise.resolve(send(a, {} as typeof key)).catch((error: unknown) => error);
    expect(two).not.toEqual(one);
    await close();
  });
});

test('derived ids are UUIDs of version 8, a function of key and row alone', async () => {
  const { a, b, close } = await twoDatabases();
  const vectors = new Float32Array(600).fill(1);
  const { ids } = await a.upsert({ vectors }, key);
  expect(new Set(ids).size).toBe(300);
  for (const id of ids!) expect(id).toMatch(UUID_8);
  const rows = await b.upsert(
    Array.from({ length: 300 }, () => ({ vector: [2, 2] })),
    { idempotencyKey: 'another' },
  );
  expect(rows.ids!.filter((id) => ids!.includes(id))).toEqual([]);
  await close();
  const elsewhere = await open('memory:', { random: seededRandom(1) });
  const same = await (
    await elsewhere.createCollection('other', { dimension: 1, metric: 'euclidean' })
  ).upsert({ vectors: new Float32Array(300) }, key);
  expect(same.ids).toEqual(ids);
  await elsewhere.close();
});

test('a condition that a repetition no longer meets does not turn its success into a conflict', async () => {
  const { a, b, close } = await twoDatabases();
  await a.upsert([{ id: 'x', vector: [1, 1] }]);
  const request = { upsert: [{ id: 'x', vector: [2, 2] }], ifSequence: 1 } as const;
  const first = await a.write(request, key);
  await a.upsert([{ id: 'x', vector: [3, 3] }]);
  expect(await a.write(request, key)).toEqual(first);
  expect(await b.write(request, key)).toEqual(first);
  await failure(() => a.write(request, { idempotencyKey: 'new' }), {
    kind: 'conflict',
    code: 'sequence_conflict',
  });
  await close();
});

test('a key whose write failed is free', async () => {
  const { a, close } = await twoDatabases();
  await failure(() => a.upsert([{ id: 'x', vector: [1] }], key), {
    kind: 'invalid',
    code: 'wrong_dimension',
  });
  await a.upsert([{ id: 'x', vector: [1, 1] }]);
  await failure(() => a.write({ delete: { ids: ['x'] }, ifSequence: 0 }, key), {
    kind: 'conflict',
    code: 'sequence_conflict',
  });
  expect(await a.upsert([{ id: 'y', vector: [1, 1] }], key)).toEqual({ upserted: 1, sequence: 2 });
  await close();
});

test('two processes that send the same keys at once agree on every answer', async () => {
  const url = `file:${scratchDirectory()}`;
  const db = await open(url);
  const c = await db.createCollection('c', { dimension: 2, metric: 'dot' });
  const worker = `
    import { open } from ${JSON.stringify(new URL('../../dist/core/index.js', import.meta.url).href)};
    const db = await open(process.argv[1]);
    const c = db.collection('c');
    const send = (i) => c.upsert([{ vector: [i, 1] }, { id: 'n' + i, vector: [1, i] }], { idempotencyKey: 'k' + i });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => send(i)));
    await db.close();
    console.log(JSON.stringify(answers));`;
  const run = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      worker,
      url,
    ]);
    return JSON.parse(stdout);
  };
  const [one, two] = (await Promise.all([run(), run()])) as [{ ids: string[] }[], unknown];
  expect(two).toEqual(one);
  expect((await c.count()).count).toBe(40);
  expect((await c.fetch({ ids: one.flatMap(({ ids }) => ids), include: [] })).records).toHaveLength(40);
  await db.close();
});
