/**
 * Strategy: at one request of a check after the other, everything that can happen to a collection happens at once: writes,
 * folds, merges, collection twice over, a drop and a new collection of the name. Whatever the check has read by then, it finds
 * no error. And the other way round: what is really lost is found also where all of that happens.
 */
import { describe, expect, it } from 'vitest';
import type { Database, ScrubResult } from '../../../core/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { fillPapers, newWorld, recordsOf } from './scene.js';
import type { World } from './scene.js';

/** Calls `meanwhile` before its n-th request. */
function interrupted(
  inner: ObjectStore,
  n: number,
  meanwhile: () => Promise<void>,
): ObjectStore & { requests: number } {
  const before = async (): Promise<void> => {
    if (store.requests++ === n) await meanwhile();
  };
  const store: ObjectStore & { requests: number } = {
    requests: 0,
    description: inner.description,
    async get(key, options) {
      await before();
      return await inner.get(key, options);
    },
    async list(prefix, options) {
      await before();
      return await inner.list(prefix, options);
    },
    put: (key, bytes, options) => inner.put(key, bytes, options),
    upload: (key) => inner.upload(key),
    delete: (keys) => inner.delete(keys),
    close: () => Promise.resolve(),
  };
  return store;
}

const errorsOf = ({ findings, collections }: ScrubResult): readonly string[] =>
  [...findings, ...collections.flatMap((one) => one.findings)]
    .filter(({ severity }) => severity === 'error')
    .map(({ code, key, message }) => `${code} ${key}: ${message}`);

async function filled(): Promise<World & { readonly db: Database }> {
  const world = newWorld();
  const db = await world.openAgain();
  const papers = await db.createCollection('papers', { dimension: 8 });
  await fillPapers(papers, 60);
  await papers.upsert(recordsOf('r', 0, 5) as never);
  await papers.delete({ ids: ['r0002'] });
  return { ...world, db };
}

async function everything(db: Database): Promise<void> {
  const papers = db.collection('papers');
  await papers.upsert(recordsOf('m', 0, 70) as never);
  await papers.compact();
  await papers.compact();
  await db.collect();
  await papers.delete({ ids: ['m0001', 'p0003'] });
  await papers.compact();
  await db.collect();
  await db.collect();
  await papers.upsert(recordsOf('n', 0, 2) as never);
}

async function scrubWhile(
  meanwhile: (db: Database) => Promise<void>,
  n: number,
): Promise<{ requests: number; result: ScrubResult }> {
  const { store, openAgain, db } = await filled();
  const between = interrupted(store, n, () => meanwhile(db));
  const checker = await openAgain({ store: between });
  const result = await checker.scrub();
  await Promise.all([checker.close(), db.close()]);
  return { requests: between.requests, result };
}

describe('a check beside writers', () => {
  it.each([
    ['written, folded, merged and collected', everything],
    [
      'written and folded, and nothing collected',
      async (db: Database) => {
        await db.collection('papers').upsert(recordsOf('m', 0, 70) as never);
        await db.collection('papers').compact();
      },
    ],
    [
      'dropped, collected and made anew',
      async (db: Database) => {
        await db.dropCollection('papers');
        await db.collect();
        const papers = await db.createCollection('papers', { dimension: 4 });
        await papers.upsert([{ id: 'a', vector: [1, 2, 3, 4] }]);
      },
    ],
  ])(
    'finds no error where at any request all is %s',
    async (_, meanwhile) => {
      let n = 0;
      for (let requests = 1; n < requests; n++) {
        const done = await scrubWhile(meanwhile, n);
        expect(errorsOf(done.result), `at request ${n}`).toEqual([]);
        requests = done.requests;
      }
      expect(n).toBeGreaterThan(25);
    },
    300_000,
  );

  it('finds what is lost though all that happens', async () => {
    const { store, openAgain, db } = await filled();
    await db.collect();
    const [slot] = await store
      .list('c/')
      .then((all) => all.filter(({ key }) => key.includes('/log/')).slice(1));
    const between = interrupted(store, 8, async () => {
      await db.collection('papers').upsert(recordsOf('n', 0, 2) as never);
    });
    await store.delete([slot!.key]);
    const checker = await openAgain({ store: between });
    expect(errorsOf(await checker.scrub())).toEqual([expect.stringContaining(`slot_missing ${slot!.key}`)]);
    await Promise.all([checker.close(), db.close()]);
  });
});

describe('bytes that are damaged on their way', () => {
  /** Flips a bit of the first answer to each request. */
  function noisy(inner: ObjectStore): ObjectStore {
    const asked = new Set<string>();
    return {
      ...interrupted(inner, -1, () => Promise.resolve()),
      async get(key, options) {
        const got = await inner.get(key, options);
        const request = `${key} ${options?.range?.offset ?? ''}`;
        if (got.status !== 'found' || got.bytes.length === 0 || asked.has(request)) return got;
        asked.add(request);
        got.bytes[got.bytes.length >> 1]! ^= 1;
        return got;
      },
    };
  }

  it('are no findings, as they are sound the second time', async () => {
    const { store, openAgain, db } = await filled();
    const checker = await openAgain({ store: noisy(store) });
    const result = await checker.scrub();
    expect(errorsOf(result)).toEqual([]);
    expect(result.collections[0]!.checked.objects).toBeGreaterThan(10);
    await Promise.all([checker.close(), db.close()]);
  });
});

describe('a check of a store that was used for long', () => {
  it('finds nothing after many writes, folds, merges, soft deletes and collections', async () => {
    const { clock, openAgain, db } = await filled();
    const papers = db.collection('papers');
    for (let round = 0; round < 12; round++) {
      await papers.upsert(recordsOf('x', round * 15, 30) as never);
      await papers.delete({ filter: { n: { $lt: round } }, soft: round % 2 === 0 });
      await papers.patch({
        records: [{ id: `x${String(round * 15).padStart(4, '0')}`, metadata: { round } }],
      });
      if (round % 2 === 1) await papers.compact();
      if (round % 4 === 3) await db.collect();
      clock.advance(86_400_000 * 9);
    }
    const other = await openAgain();
    const result = await other.scrub();
    expect(errorsOf(result)).toEqual([]);
    const [collection] = result.collections;
    const { stored, checked, garbage, pending } = collection!;
    expect(checked.objects + garbage.objects + pending.objects).toBe(stored.objects);
    await Promise.all([other.close(), db.close()]);
  });
});
