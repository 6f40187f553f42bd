/**
 * Strategy: many calls at once on one database, names that come to stand for other collections, stores that do not answer,
 * and a database that is closed while it works. Every call ends, in an answer that is true or in a typed error, and
 * what was acknowledged is there afterwards.
 */
import { expect, test } from 'vitest';
import { CairnError, open } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import type { ObjectStore, PutResult } from '../../core/store/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { failure, newBench, scratchDirectory, storeOver } from './fixture.js';

const two = { dimension: 2, metric: 'euclidean' } as const;

test('200 upserts and 200 queries at once', async () => {
  const { openAgain } = newBench();
  const db = await openAgain();
  const c = await db.createCollection('c', two);
  const ask = async (i: number): Promise<void> => {
    const { matches, sequence } = await c.query({ vector: [i, 1], k: 200, include: ['metadata', 'vector'] });
    expect(sequence).toBeLessThanOrEqual(200);
    // Each record is one that was written: never half of one and half of another.
    for (const { vector, metadata } of matches) expect(vector).toEqual([metadata!['i'], 1]);
  };
  const queries: Promise<void>[] = [];
  const writes = Array.from({ length: 200 }, async (_, i) => {
    const written = c.upsert([{ id: `r${i % 150}`, vector: [i, 1], metadata: { i } }]);
    queries.push(ask(i));
    const { sequence } = await written;
    const { records, sequence: seen } = await c.fetch({ ids: [`r${i % 150}`] });
    expect(seen).toBeGreaterThanOrEqual(sequence);
    expect(records).toHaveLength(1);
  });
  await Promise.all(writes);
  await Promise.all(queries);
  expect((await c.count()).count).toBe(150);
  // The writes that waited for the first slot shared the second.
  expect((await c.stats()).log.slots).toBeLessThan(20);
  await db.close();
});

test('whether two writes share a slot does not change what they mean', async () => {
  const { openAgain } = newBench();
  const db = await openAgain();
  const c = await db.createCollection('c', two);
  await c.upsert([{ id: 'hidden', vector: [1, 1] }]);
  await c.delete({ ids: ['hidden'], soft: true });
  // The first write has a slot of its own; those that come while it is written share the next.
  const write = (id: string): Promise<unknown> =>
    c.write({ upsert: [{ id, vector: [2, 2] }], ifSequence: 2 }).then(({ sequence }) => sequence);
  const ends = await Promise.allSettled([
    c.upsert([{ id: 'first', vector: [1, 1] }]),
    c.delete({ ids: ['nothing'] }),
    c.delete({ ids: ['nothing', 'hidden'], soft: true }),
    write('nothing'),
    write('hidden'),
    c.delete({ ids: ['other'] }),
    c.upsert([{ id: 'other', vector: [1, 1] }]),
    write('other'),
  ]);
  expect(ends.slice(3, 5)).toEqual([
    { status: 'fulfilled', value: 4 },
    { status: 'fulfilled', value: 4 },
  ]);
  expect(ends[7]).toMatchObject({ status: 'rejected', reason: { code: 'sequence_conflict' } });
  expect((await c.stats()).log.slots).toBe(4);
  await db.close();
});

test('closing waits for writes under way; what was acknowledged is there, what was not says so', async () => {
  for (const shareRequests of [true, false]) {
    const { openAgain } = newBench(slow);
    const db = await openAgain({ shareRequests });
    await db.createCollection('c', two);
    const c = db.collection('c');
    await c.count();
    const writes = Array.from({ length: 30 }, (_, i) => c.upsert([{ id: `r${i}`, vector: [i, i] }]));
    const reads = Array.from({ length: 5 }, () => c.count());
    await db.close();
    const ends = await Promise.allSettled(writes);
    expect(ends.map(({ status }) => status)).toEqual(ends.map(() => 'fulfilled'));
    expect((await Promise.allSettled(reads)).map(({ status }) => status)).toEqual(
      reads.map(() => 'fulfilled'),
    );
    const again = await openAgain();
    expect((await again.collection('c').count()).count).toBe(30);
    await again.close();
  }
});

test('a first call that is still opening its collection is finished, too', async () => {
  const { openAgain } = newBench(slow);
  const maker = await openAgain();
  await maker.createCollection('c', two);
  const db = await openAgain();
  const write = db.collection('c').upsert([{ id: 'a', vector: [1, 1] }]);
  await db.close();
  expect(await write).toMatchObject({ upserted: 1 });
  expect((await maker.collection('c').count()).count).toBe(1);
  await maker.close();
});

test('after close every call says that the database is closed, and closing again is no error', async () => {
  for (const url of ['memory:', `file:${scratchDirectory()}`]) {
    const db = await open(url);
    const c = await db.createCollection('c', two);
    await db.close();
    const calls: (() => Promise<unknown>)[] = [
      () => c.count(),
      () => c.upsert([{ id: 'a', vector: [1, 1] }]),
      () => c.query({ vector: [1, 1] }),
      () => db.collection('c').stats(),
      () => db.createCollection('d', two),
      () => db.listCollections(),
      () => db.dropCollection('c'),
      () => db.collect(),
      () => db.ping(),
    ];
    for (const call of calls) {
      const error = await failure(call, { kind: 'unavailable', code: 'closed' });
      expect(error.message).toBe('the database was closed');
    }
    await db.close();
  }
});

test('a name that was dropped and made anew elsewhere is found again, with its new settings', async () => {
  const { openAgain } = newBench();
  const [here, there] = [await openAgain(), await openAgain()];
  const c = await here.createCollection('c', two);
  await c.upsert([{ id: 'old', vector: [1, 1] }]);
  const replace = async (dimension: number): Promise<void> => {
    await there.dropCollection('c');
    await there.createCollection('c', { ...two, dimension });
  };
  await replace(3);
  // The first call after it is a write that the old settings would refuse.
  expect(await c.upsert([{ id: 'new', vector: [1, 2, 3] }])).toMatchObject({ upserted: 1, sequence: 1 });
  await replace(2);
  expect((await c.query({ vector: [0, 0] })).matches).toEqual([]);
  await replace(3);
  expect((await c.query({ vector: [0, 0, 0] })).matches).toEqual([]);
  await replace(2);
  await failure(() => c.upsert([{ id: 'x', vector: [1] }]), {
    kind: 'invalid',
    code: 'wrong_dimension',
    message: /dimension is 2/,
  });
  expect(await c.upsert([{ id: 'x', vector: [1, 2] }])).toMatchObject({ sequence: 1 });
  await replace(3);
  // Checked at the call against the settings that were known then.
  const error = await failure(() => c.upsert([{ id: 'x', vector: [1, 2] }]), {
    kind: 'conflict',
    code: 'collection_replaced',
    message: /dimension 3/,
  });
  expect(error.outcome).toBe('not_applied');
  expect((await c.count()).count).toBe(0);
  await there.dropCollection('c');
  await there.createCollection('c', { dimension: 3 });
  await failure(() => c.upsert([{ id: 'x', vector: [0, 0, 0] }]), { kind: 'invalid', code: 'zero_vector' });
  expect(await c.upsert([{ id: 'x', vector: [0, 0, 1] }])).toMatchObject({ upserted: 1, sequence: 1 });
  await there.dropCollection('c');
  await failure(() => c.count(), { kind: 'not_found', code: 'collection_not_found' });
  await failure(() => c.upsert([{ id: 'x', vector: [1, 2] }]), {
    kind: 'not_found',
    code: 'collection_not_found',
  });
  await Promise.all([here.close(), there.close()]);
});

test('queries answer while the collection is loaded again and again', async () => {
  const { openAgain } = newBench(slow);
  const [here, there] = [await openAgain(), await openAgain()];
  await here.createCollection('c', two);
  const churning = { done: false };
  const churn = (async () => {
    for (let i = 0; i < 12; i++) {
      await there.dropCollection('c');
      const made = await there.createCollection('c', two);
      await made.upsert([
        { id: 'a', vector: [i, 0] },
        { id: 'b', vector: [i, 1] },
      ]);
    }
    churning.done = true;
  })();
  const c = here.collection('c');
  const ask = async (): Promise<void> => {
    while (!churning.done) {
      try {
        const { matches } = await c.query({ vector: [0, 0], include: ['vector'] });
        // One write made both: none, or the two of one round.
        if (matches.length > 0) expect(matches.map(({ vector }) => vector![1])).toEqual([0, 1]);
        expect(new Set(matches.map(({ vector }) => vector![0])).size).toBeLessThanOrEqual(1);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'not_found', code: 'collection_not_found' });
      }
    }
  };
  await Promise.all([churn, ask(), ask(), ask()]);
  expect((await c.query({ vector: [0, 0] })).matches).toHaveLength(2);
  await Promise.all([here.close(), there.close()]);
});

test('a store that does not answer ends reads and writes at their time limits', async () => {
  let stuck = false;
  const { openAgain } = newBench((store) => hanging(store, () => stuck));
  const db = await openAgain();
  const c = await db.createCollection('c', two);
  await c.upsert([{ id: 'a', vector: [1, 1] }]);
  stuck = true;
  const limit = { timeoutMs: 30 };
  await failure(() => c.count(limit), { kind: 'unavailable', code: 'timeout', message: /within 30 ms/ });
  await failure(() => c.query({ vector: [1, 1], ...limit }), { kind: 'unavailable', code: 'timeout' });
  const error = await failure(
    () => c.upsert([{ id: 'b', vector: [1, 1] }], { ...limit, idempotencyKey: 'k' }),
    {
      kind: 'unavailable',
      code: 'outcome_unknown',
      message: /idempotency key k/,
    },
  );
  expect(error.outcome).toBe('unknown');
  expect(error.details).toMatchObject({ idempotency_key: 'k', first_tail: 1 });
});

test('a store that never answered ends first calls, too, and closing waits no longer than they', async () => {
  const stuck = { since: 'nothing' };
  const { openAgain } = newBench((store) => hanging(store, (key) => key.includes(stuck.since)));
  const maker = await openAgain();
  await maker.createCollection('c', two);
  for (const where of ['catalog/', '/head']) {
    stuck.since = where;
    const db = await openAgain();
    const c = db.collection('c');
    const limit = { timeoutMs: 30 };
    const row = [{ id: 'a', vector: [1, 1] }];
    const write = c.upsert(row, limit);
    const read = c.count(limit);
    const error = await failure(() => write, {
      kind: 'unavailable',
      code: 'timeout',
      message: /within 30 ms/,
    });
    expect(error.outcome).toBe('not_applied');
    await failure(() => read, { kind: 'unavailable', code: 'timeout' });
    await db.close();
  }
  stuck.since = 'nothing';
  expect(await maker.collection('c').count()).toEqual({ count: 0, sequence: 0 });
  await maker.close();
});

test('creating and dropping that take too long may have taken effect, and say so', async () => {
  let stuck = false;
  const { openAgain } = newBench((store) => hanging(store, (key) => stuck && key.endsWith('/head')));
  const db = await openAgain({ sleep: (ms, signal) => systemSleep(ms / 1_000, signal) });
  await db.createCollection('c', two);
  stuck = true;
  const late = { kind: 'unavailable', code: 'timeout' } as const;
  expect((await failure(() => db.createCollection('d', two), late)).outcome).toBe('unknown');
  expect((await failure(() => db.dropCollection('c'), late)).outcome).toBe('unknown');
  expect((await failure(() => db.listCollections(), late)).outcome).toBeUndefined();
  await db.close();
});

test('a put whose answer is lost is resolved, and counted once', async () => {
  let lose = false;
  const { openAgain } = newBench((store) =>
    storeOver(store, {
      put: async (key, bytes, options): Promise<PutResult> => {
        const result = await store.put(key, bytes, options);
        if (!lose || !key.includes('/log/')) return result;
        lose = false;
        return { status: 'unknown', cause: new Error('the answer was lost') };
      },
    }),
  );
  const db = await openAgain();
  const c = await db.createCollection('c', two);
  lose = true;
  expect(await c.upsert([{ id: 'a', vector: [1, 1] }])).toEqual({ upserted: 1, sequence: 1 });
  expect((await c.stats()).log.slots).toBe(1);
  await db.close();
});

test('listing, dropping and making collections at once', async () => {
  const { openAgain } = newBench();
  const [a, b]: Database[] = [await openAgain(), await openAgain()];
  const names = Array.from({ length: 20 }, (_, i) => `n${String(i).padStart(2, '0')}`);
  const made = await Promise.all(
    names.flatMap((name) => [a!, b!].map((db) => db.createCollection(name, two))),
  );
  expect(made.filter(({ created }) => created)).toHaveLength(20);
  const pages: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await a!.listCollections({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(...page.collections.map(({ name }) => name));
    cursor = page.next;
    await b!.createCollection(`a${pages.length}`, two);
  } while (cursor !== undefined);
  expect(pages).toEqual(names);
  const drops = await Promise.allSettled(
    names.flatMap((name) => [a!, b!].map((db) => db.dropCollection(name))),
  );
  expect(drops.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(20);
  for (const drop of drops) {
    if (drop.status === 'rejected') expect(drop.reason).toMatchObject({ code: 'collection_not_found' });
  }
  expect((await b!.listCollections({ prefix: 'n' })).collections).toEqual([]);
  await Promise.all([a!.close(), b!.close()]);
});

test('store URLs and options that name nothing are refused', async () => {
  const wrong = [
    '',
    'memory',
    'memory:x',
    'file:',
    'b2://b',
    'azure://c',
    'http://x',
    '/tmp/x',
    5,
    null,
    undefined,
  ];
  for (const url of wrong) {
    await failure(() => open(url as string), {
      kind: 'invalid',
      code: 'invalid_store_url',
      message: /file:PATH/,
    });
  }
  for (const options of [
    null,
    'x',
    { memoryBudget: 5 },
    { tier: 'cloud' },
    { memoryBudgetBytes: -1 },
    { memoryBudgetBytes: '1' },
    { createStore: 'no' },
    { threads: 16 },
    { threads: -1 },
  ]) {
    await failure(() => open('memory:', options as never), {
      kind: 'invalid',
      code: expect.any(String) as string,
    });
  }
});

/** Answers after a few turns of the event loop, so that calls overlap. */
function slow(store: ObjectStore): ObjectStore {
  const later = async <T>(request: () => Promise<T>): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const result = await request();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return result;
  };
  return storeOver(store, {
    get: (key, options) => later(() => store.get(key, options)),
    put: (key, bytes, options) => later(() => store.put(key, bytes, options)),
    list: (prefix, options) => later(() => store.list(prefix, options)),
  });
}

function hanging(store: ObjectStore, isStuck: (key: string) => boolean): ObjectStore {
  const never = <T>(key: string, request: () => Promise<T>): Promise<T> =>
    isStuck(key) ? new Promise(() => {}) : request();
  return storeOver(store, {
    get: (key, options) => never(key, () => store.get(key, options)),
    put: (key, bytes, options) => never(key, () => store.put(key, bytes, options)),
  });
}

test('collections of one database share nothing but its memory', async () => {
  const { openAgain } = newBench();
  const db = await openAgain();
  const collections: Collection[] = await Promise.all(
    [1, 2, 3].map((dimension) => db.createCollection(`c${dimension}`, { dimension, metric: 'dot' })),
  );
  await Promise.all(
    collections.map((c, i) => c.upsert({ ids: ['same'], vectors: new Float32Array(i + 1).fill(i + 1) })),
  );
  const vectors = await Promise.all(collections.map((c) => c.fetch({ ids: ['same'] })));
  expect(vectors.map(({ records }) => records[0]!.vector)).toEqual([[1], [2, 2], [3, 3, 3]]);
  await collections[0]!.delete({ ids: ['same'] });
  expect((await collections[1]!.count()).count).toBe(1);
  await db.close();
  expect(new CairnError('internal', 'x', 'y')).toBeInstanceOf(Error);
});
