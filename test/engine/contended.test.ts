/**
 * Strategy: a steady competitor that commits just before every put of a slot. A write that depends on the state is computed
 * anew each time, gives up after a bounded number of tries, and has had no effect; one that does not depend on it goes on.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/index.js';
import type { Collection, WriteOptions } from '../../core/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { failure, newBench } from './fixture.js';

interface Contest {
  readonly ours: Collection;
  readonly theirs: Collection;
  /** What the competitor has committed. */
  readonly lost: () => number;
  /** How many of the next slots it takes. */
  readonly take: (slots: number) => void;
  readonly close: () => Promise<unknown>;
}

async function contest(groupCommit: boolean): Promise<Contest> {
  const { store, openAgain } = newBench();
  let left = 0;
  let lost = 0;
  const rival = await openAgain();
  const put: ObjectStore['put'] = async (key, bytes, options) => {
    if (key.includes('/log/') && left > 0) {
      left--;
      lost++;
      await rival
        .collection('c')
        .upsert([{ id: `rival-${lost % 5}`, vector: [lost], metadata: { rival: lost } }]);
    }
    return await store.put(key, bytes, options);
  };
  const contended = new Proxy(store, {
    get: (target, name) => {
      if (name === 'put') return put;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const db = await openAgain({ store: contended, shareRequests: groupCommit });
  const ours = await db.createCollection('c', { dimension: 1, metric: 'dot' });
  await ours.upsert(
    Array.from({ length: 5 }, (_, i) => ({ id: `own-${i}`, vector: [i], metadata: { own: i } })),
  );
  return {
    ours,
    theirs: rival.collection('c'),
    lost: () => lost,
    take: (slots) => (left = slots),
    close: () => Promise.all([db.close(), rival.close()]),
  };
}

type Write = (collection: Collection, options?: WriteOptions) => Promise<unknown>;

const writes: readonly (readonly [name: string, write: Write, answer: object])[] = [
  [
    'a patch by filter',
    (c, o) => c.patch({ filter: 'own >= 1', metadata: { seen: true } }, o),
    { patched: 4 },
  ],
  ['a delete by filter', (c, o) => c.delete({ filter: 'own >= 1' }, o), { deleted: 4 }],
  ['a soft delete by filter', (c, o) => c.delete({ filter: 'own >= 1', soft: true }, o), { deleted: 4 }],
  [
    'a write of all',
    (c, o) =>
      c.write(
        {
          upsert: [{ id: 'up', vector: [1] }],
          patch: { filter: 'own = 1', metadata: {}, mode: 'replace' },
          delete: { filter: 'own = 2' },
        },
        o,
      ),
    { upserted: 1, patched: 1, deleted: 1 },
  ],
  [
    'a patch by id',
    (c, o) => c.patch({ records: [{ id: 'own-1', metadata: { seen: true } }] }, o),
    { patched: 1 },
  ],
];

async function own(collection: Collection): Promise<unknown> {
  return (await collection.scan({ filter: 'NOT EXISTS rival', includeDeleted: true })).records;
}

describe.each([true, false])('with group commit: %s', (groupCommit) => {
  test.each(writes)('%s gives up against a steady writer, with nothing applied', async (_, write, answer) => {
    const { ours, theirs, lost, take, close } = await contest(groupCommit);
    const before = await own(theirs);
    take(Infinity);
    const key = { idempotencyKey: 'k' };
    const error = await failure(() => write(ours, key), {
      kind: 'conflict',
      code: 'contended',
      message: new RegExp(`each of ${limits.resolveTries} tries`),
    });
    expect(error.outcome).toBe('not_applied');
    expect(lost()).toBe(limits.resolveTries);
    expect(await own(theirs)).toEqual(before);
    take(0);
    // Under the same key: nothing of the first try is left.
    expect(await write(ours, key)).toMatchObject(answer);
    await close();
  });

  test.each(writes)('%s goes through where the others pause in time, once', async (_, write, answer) => {
    const { ours, theirs, lost, take, close } = await contest(groupCommit);
    take(limits.resolveTries - 1);
    expect(await write(ours)).toMatchObject({ ...answer, sequence: 1 + limits.resolveTries });
    expect(lost()).toBe(limits.resolveTries - 1);
    expect((await theirs.count()).sequence).toBe(1 + limits.resolveTries);
    await close();
  });

  test('of a repeat that names its first try nobody knows what became of it', async () => {
    const { ours, take, close } = await contest(groupCommit);
    take(Infinity);
    const error = await failure(
      () => ours.delete({ filter: 'own >= 1' }, { idempotencyKey: 'k', firstTail: 1 }),
      { kind: 'conflict', code: 'contended' },
    );
    expect(error.outcome).toBe('unknown');
    expect(error.details).toMatchObject({ idempotency_key: 'k', first_tail: 1 });
    await close();
  });

  test('an upsert needs no state, and is not bound by it', async () => {
    const { ours, take, close } = await contest(groupCommit);
    take(2 * limits.resolveTries);
    expect(await ours.upsert([{ id: 'x', vector: [1] }])).toMatchObject({ upserted: 1 });
    await close();
  });
});
