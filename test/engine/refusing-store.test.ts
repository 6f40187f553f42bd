/**
 * Strategy: a store that is full, or may not be written, from its nth put on. Whatever n is, the call that met it says so,
 * everything acknowledged before is there, nothing of the refused call is, and the same call works once there is room.
 */
import { expect, test } from 'vitest';
import { CairnError, open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { failure, newBench, storeOver, scratchDirectory } from './fixture.js';

const script: readonly (readonly [string, (db: Database) => Promise<unknown>])[] = [
  ['create', (db) => db.createCollection('c', { dimension: 2, metric: 'dot' })],
  [
    'upsert',
    (db) =>
      db.collection('c').upsert([{ vector: [1, 1] }, { id: 'a', vector: [2, 2] }], { idempotencyKey: '1' }),
  ],
  [
    'patch',
    (db) => db.collection('c').patch({ records: [{ id: 'a', metadata: { n: 1 } }] }, { idempotencyKey: '2' }),
  ],
  [
    'write',
    (db) =>
      db
        .collection('c')
        .write(
          { upsert: [{ id: 'b', vector: [3, 3] }], delete: { filter: { n: 1 }, soft: true } },
          { idempotencyKey: '3' },
        ),
  ],
  ['restore', (db) => db.collection('c').restore({ ids: ['a'] }, { idempotencyKey: '4' })],
];
const refusals = [
  new CairnError('unavailable', 'store_full', 'the disk is full', { outcome: 'not_applied' }),
  new CairnError('forbidden', 'store_read_only', 'the directory may not be written', {
    outcome: 'not_applied',
  }),
];

async function everything(db: Database): Promise<unknown> {
  const { records } = await db
    .collection('c')
    .scan({ include: ['metadata', 'vector'], includeDeleted: true });
  return records;
}

test.each(refusals.map((error) => [error.code, error] as const))('%s at any put', async (code, refusal) => {
  let refusedSomewhere = 0;
  for (let allowed = 0; allowed < 8; allowed++) {
    let left = allowed;
    const { openAgain } = newBench((store) =>
      storeOver(store, {
        put: (key, bytes, options) => (left-- > 0 ? store.put(key, bytes, options) : Promise.reject(refusal)),
      }),
    );
    const db = await openAgain();
    for (const [name, call] of script) {
      const before = name === 'create' ? [] : await everything(db);
      try {
        await call(db);
      } catch (error) {
        expect(error).toMatchObject({ code, kind: refusal.kind, outcome: 'not_applied' });
        refusedSomewhere++;
        if (name !== 'create') expect(await everything(db)).toEqual(before);
        left = Infinity;
        await call(db);
      }
    }
    const { records } = await db.collection('c').stats();
    expect(records).toEqual({ visible: 3, softDeleted: 0, expired: 0 });
    const again = await openAgain();
    expect(await everything(again)).toEqual(await everything(db));
    await Promise.all([db.close(), again.close()]);
  }
  expect(refusedSomewhere).toBe(6);
});

test('paths that can be no store are refused', async () => {
  await failure(() => open('file:/dev/null'), {
    kind: 'invalid',
    code: 'store_not_a_directory',
    message: /dev\/null/,
  });
  await failure(() => open('file:/dev/null/below'), { kind: 'invalid', code: 'store_not_a_directory' });
  const missing = await failure(() => open(`file:${scratchDirectory()}/none`, { createStore: false }), {
    kind: 'not_found',
    code: 'store_not_found',
    message: /none/,
  });
  expect(missing.details['path']).toMatch(/none$/);
});

test('memory comes back when a collection is dropped and when a database is closed', async () => {
  const MiB = 1024 * 1024;
  const { openAgain } = newBench();
  const db = await openAgain({ memoryBudgetBytes: 6 * MiB });
  const ids = Array.from({ length: 400 }, (_, i) => `${i}`);
  const vectors = new Float32Array(400 * 1024).fill(1);
  for (let i = 0; i < 5; i++) {
    const c = await db.createCollection('c', { dimension: 1024, metric: 'dot' });
    await c.upsert({ ids, vectors });
    const { memory } = await c.stats();
    expect(memory.vectorBytes).toBeGreaterThan(1.5 * MiB);
    expect((await c.query({ vector: vectors.slice(0, 1024), k: 1 })).matches).toHaveLength(1);
    await db.dropCollection('c');
  }
  await db.close();
});

test('over the memory budget a collection says so, while others go on and the store stays whole', async () => {
  const MiB = 1024 * 1024;
  const { openAgain } = newBench();
  const db = await openAgain({ memoryBudgetBytes: 2 * MiB });
  const large = await openAgain();
  const small = await db.createCollection('small', { dimension: 2, metric: 'dot' });
  const c = await large.createCollection('c', { dimension: 1024, metric: 'dot' });
  const vectors = new Float32Array(1_000 * 1024).fill(1);
  await c.upsert({ vectors });
  const over = { kind: 'unavailable', code: 'memory_budget_exceeded', message: /maximum|budget/ } as const;
  await failure(() => db.collection('c').count(), over);
  await failure(() => db.collection('c').query({ id: 'x' }), over);
  await failure(() => db.collection('c').upsert([{ id: 'x', vector: vectors.slice(0, 1024) }]), over);
  expect((await c.count()).count).toBe(1_000);
  await small.upsert([{ id: 'a', vector: [1, 1] }]);
  expect((await small.query({ vector: [1, 1] })).matches).toHaveLength(1);
  await db.dropCollection('c');
  await failure(() => c.count(), { kind: 'not_found', code: 'collection_not_found' });
  await Promise.all([db.close(), large.close()]);
});
