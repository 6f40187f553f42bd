/**
 * Calls of the engine in invocations that may make N requests. Strategy: each call, with N from 1 upwards until it succeeds, on a
 * fresh handler each time; the store inside counts. Whatever N is, no more than N requests are made, the call ends in its answer or
 * in the typed error, and what it says of its effect is so: what was not applied is not there, what is unknown a repeat decides.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { CairnError } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { workKey } from '../../core/log/index.js';
import type { Uid } from '../../core/base/ids.js';
import { accountingStore, meteringStore } from '../../core/store/index.js';
import type { AccountingStore, Invocation } from '../../core/store/index.js';
import { newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

const ROWS = 40;
const recordOf = (n: number) => ({ id: `r${n}`, vector: [n, 1, 2], metadata: { n } });

interface Handler {
  readonly db: Database;
  readonly invocation: Invocation;
  /** What reached the store. */
  readonly counted: AccountingStore;
}

/** Two segments, and a log that is due. */
async function prepared(): Promise<Bench> {
  const bench = newBench();
  const db = await bench.openAgain({ tier: 'edge' });
  await db.createCollection('c', { dimension: 3, metric: 'euclidean' });
  const collection = db.collection('c');
  for (let from = 0; from < ROWS; from += ROWS / 2) {
    await collection.upsert(Array.from({ length: ROWS / 2 }, (_, i) => recordOf(from + i)));
    await collection.compact({ minor: true });
  }
  await collection.delete({ ids: ['r1', 'r21'] });
  const rest = Array.from({ length: ROWS / 2 }, (_, i) => recordOf(ROWS + i));
  await collection.upsert([{ ...recordOf(2), metadata: { n: -2 } }, ...rest]);
  const [head] = (await bench.store.list('c/')).filter(({ key }) => key.endsWith('/head'));
  await bench.store.put(workKey(head!.key.slice(2, 34) as Uid), new Uint8Array(0), { if: 'any' });
  await db.close();
  return bench;
}

async function handlerOn(bench: Bench, limit: number): Promise<Handler> {
  const invocation = { limit, used: 0 };
  const counted = accountingStore(bench.store);
  const store = meteringStore(counted, { current: () => invocation });
  const db = await bench.openAgain({ store, tier: 'edge', shareRequests: false });
  return { db, invocation, counted };
}

async function everything(bench: Bench): Promise<readonly unknown[]> {
  const db = await bench.openAgain();
  const { records } = await db.collection('c').scan({ limit: 1_000, include: ['metadata', 'vector'] });
  await db.close();
  return records;
}

function mustBeExhausted(error: unknown): asserts error is CairnError {
  if (!(error instanceof CairnError)) throw error;
  const codes = [error.code, (error.cause as CairnError | undefined)?.code];
  expect(codes).toContain('subrequests_exhausted');
}

interface Tried {
  readonly bench: Bench;
  readonly limit: number;
  readonly error: CairnError | undefined;
}

/** Tries the call with one request more each time; answers how many it takes. */
async function untilItSucceeds(
  call: (db: Database) => Promise<unknown>,
  { onto, check }: { readonly onto?: Bench; readonly check: (tried: Tried) => Promise<void> },
): Promise<number> {
  for (let limit = 1; limit <= limits.invocationRequests; limit++) {
    const bench = onto ?? (await prepared());
    const { db, invocation, counted } = await handlerOn(bench, limit);
    const error = await call(db).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const made = counted.snapshot().requests;
    expect(invocation.used).toBeLessThanOrEqual(limit);
    expect(made).toBeLessThanOrEqual(invocation.used);
    if (error !== undefined) mustBeExhausted(error);
    await check({ bench, limit, error });
    if (error === undefined) return limit;
  }
  throw new Error('it never succeeds');
}

describe('in an invocation of N requests', () => {
  it('a query answers whole or not at all', async () => {
    const bench = await prepared();
    const answers: unknown[] = [];
    const query = async (db: Database): Promise<void> => {
      const { matches } = await db.collection('c').query({ vector: [7, 1, 2], k: 3, include: ['metadata'] });
      answers.push(matches.map(({ id }) => id));
    };
    const needed = await untilItSucceeds(query, { onto: bench, check: () => Promise.resolve() });
    expect(answers).toEqual([['r7', 'r6', 'r8']]);
    expect(needed).toBeGreaterThan(limits.invocationReserve);
  });

  it('an upsert that was not applied is not there, and one that is not known of is decided by a repeat', async () => {
    const options = { idempotencyKey: 'one' };
    const before = await everything(await prepared());
    const upsert = (db: Database): Promise<unknown> => db.collection('c').upsert([recordOf(100)], options);
    const needed = await untilItSucceeds(upsert, {
      check: async ({ bench, error }) => {
        const there = (await everything(bench)).length - before.length;
        if (error === undefined) expect(there).toBe(1);
        else if (error.outcome !== 'unknown') expect(there).toBe(0);
        const db = await bench.openAgain();
        const firstTail = error?.details['first_tail'] as number | undefined;
        await db
          .collection('c')
          .upsert([recordOf(100)], { ...options, ...(firstTail === undefined ? {} : { firstTail }) });
        await db.close();
        expect((await everything(bench)).length - before.length).toBe(1);
      },
    });
    expect(needed).toBeGreaterThan(limits.invocationPutReserve);
  });

  it('an upsert that was put is looked for with the last of them', async () => {
    const options = { idempotencyKey: 'one' };
    const unknowns = new Set<unknown>();
    // The put lands, and nobody hears of it.
    const deaf = (bench: Bench): Bench => {
      const store = storeOver(bench.store, {
        put: async (key, bytes, condition) => {
          const result = await bench.store.put(key, bytes, condition);
          return key.includes('/log/') ? { status: 'unknown', cause: undefined } : result;
        },
      });
      return { ...bench, store };
    };
    for (let limit = 1; limit < 30; limit++) {
      const bench = await prepared();
      const { db, invocation } = await handlerOn(deaf(bench), limit);
      const error: unknown = await db
        .collection('c')
        .upsert([recordOf(100)], options)
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
      expect(invocation.used).toBeLessThanOrEqual(limit);
      const there = (await everything(bench)).some((record) => (record as { id: string }).id === 'r100');
      if (error === undefined) expect(there).toBe(true);
      else {
        mustBeExhausted(error);
        unknowns.add(error.outcome);
        if (error.outcome !== 'unknown') expect(there).toBe(false);
      }
    }
    // With what a put leaves there is always one to look for it.
    expect([...unknowns]).not.toContain('unknown');
  });

  it('an upsert of which no put is answered ends with the requests, not at its deadline', async () => {
    const bench = await prepared();
    const store = storeOver(bench.store, {
      put: async (key, bytes, condition) =>
        key.includes('/log/')
          ? { status: 'unknown', cause: undefined }
          : await bench.store.put(key, bytes, condition),
    });
    const { db, invocation } = await handlerOn({ ...bench, store }, 28);
    const options = { timeoutMs: limits.timeoutMs };
    const error: unknown = await db
      .collection('c')
      .upsert([recordOf(100)], options)
      .catch((thrown: unknown) => thrown);
    mustBeExhausted(error);
    expect(error).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' });
    expect(invocation.used).toBeLessThanOrEqual(28);
  }, 60_000);

  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['a create', (db) => db.createCollection('d', { dimension: 3, metric: 'euclidean' })],
    ['a drop', (db) => db.dropCollection('c')],
  ])('%s that is said not to be applied is not, whichever of its puts nobody answers', async (_, call) => {
    const names = async (bench: Bench): Promise<readonly string[]> => {
      const db = await bench.openAgain();
      const { collections } = await db.listCollections();
      await db.close();
      return collections.map(({ name }) => name);
    };
    for (let unanswered = 0; unanswered < 5; unanswered++) {
      let puts = 0;
      const deaf = (bench: Bench): Bench => {
        const store = storeOver(bench.store, {
          put: async (key, bytes, condition) => {
            const result = await bench.store.put(key, bytes, condition);
            return ++puts === unanswered ? { status: 'unknown', cause: undefined } : result;
          },
        });
        return { ...bench, store };
      };
      for (let limit = 1, ended = false; !ended; limit++) {
        puts = 0;
        const bench = newBench();
        const first = await bench.openAgain({ tier: 'edge' });
        await first.createCollection('c', { dimension: 3, metric: 'euclidean' });
        await first.close();
        const { db } = await handlerOn(deaf(bench), limit);
        const error: unknown = await call(db).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        ended = error === undefined;
        if (error === undefined) continue;
        mustBeExhausted(error);
        if (error.outcome !== 'unknown') expect(await names(bench)).toEqual(['c']);
      }
    }
  });

  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['a compaction', (db) => db.collection('c').compact()],
    [
      'maintenance',
      async (db) => {
        const { segmentsMerged, failures } = await db.maintain({ wait: false });
        expect(failures).toEqual([]);
        if (segmentsMerged === 0)
          throw new CairnError('unavailable', 'subrequests_exhausted', 'said as more');
      },
    ],
  ])(
    '%s loses nothing',
    async (_, call) => {
      const before = await everything(await prepared());
      let listed = 0;
      const needed = await untilItSucceeds(call, {
        check: async ({ bench, error }) => {
          expect(await everything(bench)).toEqual(before);
          if (error === undefined) return;
          const db = await bench.openAgain();
          const { segments } = await db.collection('c').describe();
          if (segments > 1) {
            const { segmentsMerged } = await db.collection('c').compact();
            // A job that could not be taken out blocks the next for a while.
            if (segmentsMerged === 0) {
              listed++;
              bench.clock.advance(limits.deadJobMs);
              expect((await db.collection('c').compact()).segmentsMerged).toBe(2);
            }
          }
          await db.close();
          expect(await everything(bench)).toEqual(before);
        },
      });
      expect(needed).toBeLessThan(100);
      // Most are ended by what does not touch the last ones.
      expect(listed).toBeLessThan(needed / 4);
    },
    60_000,
  );
});

describe('two invocations of one handler at once', () => {
  it('are charged for their own requests, and the end of one is not that of the other', async () => {
    const bench = await prepared();
    const current = new AsyncLocalStorage<Invocation>();
    const counted = accountingStore(bench.store);
    const store = meteringStore(counted, { current: () => current.getStore() });
    const db = await bench.openAgain({ store, tier: 'edge', shareRequests: false });
    const invoke = async (
      limit: number,
      call: () => Promise<unknown>,
    ): Promise<readonly [Invocation, unknown]> => {
      const invocation = { limit, used: 0 };
      const error = await current.run(invocation, () =>
        call().then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      );
      return [invocation, error];
    };
    const query = (): Promise<unknown> => db.collection('c').query({ vector: [7, 1, 2], k: 3 });
    const ends = await Promise.all([
      invoke(1_000, query),
      invoke(2, query),
      invoke(1_000, () => db.collection('c').upsert([recordOf(100)])),
    ]);
    const [[long, fine], [short, broken], [write, written]] = ends;
    expect([fine, written]).toEqual([undefined, undefined]);
    mustBeExhausted(broken);
    expect(short.used).toBe(2);
    expect(long.used).toBeGreaterThan(2);
    expect(write.used).toBeGreaterThan(2);
    expect(long.used + short.used + write.used).toBe(counted.snapshot().requests);
    await db.close();
  });
});
