/**
 * Compactions that are done elsewhere. Strategy: two databases on one store, of which one has the other compact for it, as
 * a server has its thread; and compactors that fail, wait or only count.
 *
 * Held: the answer and the errors are the other's own, nobody's memory is evicted for them; what was compacted is what the
 * next call sees; a writer's fold goes the same way, is done here where that fails, and never makes a write fail.
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/index.js';
import type { CompactionRequest, Compactor, CompactResult, Database } from '../../core/index.js';
import { tierLimits } from '../../core/base/limits.js';
import { failure, newBench, storeOver } from './fixture.js';

const RESULT = {
  foldedSlots: 0,
  segmentsWritten: 0,
  segmentsMerged: 0,
  rowsIn: 0,
  rowsWritten: 0,
  rowsDropped: 0,
  bytesWritten: 0,
  sequence: 0,
  more: false,
  tooLarge: false,
};

/** A database that has `compactor` do its compactions, and another one on the same store. */
async function pair(compactor: (other: Database) => Compactor): Promise<readonly [Database, Database]> {
  const bench = newBench();
  const other = await bench.openAgain();
  const database = await bench.openAgain({ compactor: compactor(other) });
  await database.createCollection('papers', { dimension: 2, metric: 'euclidean', tier: 'edge' });
  return [database, other];
}

const byOther =
  (other: Database): Compactor =>
  ({ collection, ...options }) =>
    other.collection(collection).compact(options);

async function upsert(database: Database, count: number): Promise<void> {
  const papers = database.collection('papers');
  for (let i = 0; i < count; i++) await papers.upsert([{ id: `r${i}`, vector: [i, 1] }]);
}

/** So long that writers want it folded. */
const DUE = tierLimits.edge.foldAt.slots;

describe('compact', () => {
  it('is done by the other, and the next call sees what came of it', async () => {
    const [database] = await pair(byOther);
    await upsert(database, 3);
    const papers = database.collection('papers');
    const done = await papers.compact();
    expect(done).toMatchObject({ foldedSlots: 3, segmentsWritten: 1, rowsWritten: 3, sequence: 3 });
    // Eventual: not a word with the store, and on the segment all the same.
    const { segments, log } = await papers.stats({ consistency: 'eventual' });
    expect([segments.length, log.slots]).toEqual([1, 0]);
    expect(await papers.count()).toMatchObject({ count: 3 });
  });

  it('folds the log alone where no more is asked for', async () => {
    const [database] = await pair(byOther);
    const papers = database.collection('papers');
    for (let i = 0; i < 2; i++) {
      await upsert(database, 2);
      expect(await papers.compact({ minor: true })).toMatchObject({ foldedSlots: 2, segmentsMerged: 0 });
    }
    expect((await papers.stats()).segments).toHaveLength(2);
    expect(await papers.compact()).toMatchObject({ segmentsMerged: 2 });
    expect((await papers.stats()).segments).toHaveLength(1);
  });

  it('fails as it failed there, once, and nothing here gives way for it', async () => {
    let calls = 0;
    const [database] = await pair(() => () => {
      calls++;
      return Promise.reject(new CairnError('unavailable', 'memory_budget_exceeded', 'no room there'));
    });
    await upsert(database, 1);
    await failure(() => database.collection('papers').compact(), {
      kind: 'unavailable',
      code: 'memory_budget_exceeded',
    });
    expect(calls).toBe(1);
  });

  it('of a collection that is not there is refused there', async () => {
    const [database] = await pair(byOther);
    const call = () => database.collection('nobody').compact();
    const error = await failure(call, { kind: 'not_found', code: 'collection_not_found' });
    expect(error.details).toEqual({ collection: 'nobody' });
  });

  it('is called off by its signal, and by closing', async () => {
    const [database] = await pair(() => untilAborted);
    const cancelled = { kind: 'unavailable', code: 'compaction_cancelled' } as const;
    const caller = new AbortController();
    const called = database.collection('papers').compact({ signal: caller.signal });
    caller.abort();
    await failure(() => called, cancelled);
    const other = database.collection('papers').compact();
    const closed = database.close();
    await failure(() => other, cancelled);
    expect(await closed).toBeUndefined();
  });
});

const untilAborted: Compactor = ({ signal }) =>
  new Promise((_, reject) => {
    const end = (): void => reject(new CairnError('unavailable', 'compaction_cancelled', 'called off'));
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });

describe('the fold of a writer', () => {
  it('is asked of the other, once at a time', async () => {
    const asked: CompactionRequest[] = [];
    let finish = (): void => undefined;
    const [database] = await pair(() => (request) => {
      asked.push(request);
      return new Promise((resolve) => (finish = () => resolve(RESULT)));
    });
    await upsert(database, DUE + 5);
    expect(asked).toMatchObject([{ collection: 'papers', minor: true }]);
    finish();
    await database.close();
  });

  it('leaves the log short where the other folds', async () => {
    const [database] = await pair(byOther);
    await upsert(database, 2 * tierLimits.edge.logSlots);
    const { log, segments } = await database.collection('papers').stats();
    expect(log.slots).toBeLessThan(tierLimits.edge.logSlots);
    expect(segments.length).toBeGreaterThan(0);
    await database.close();
  });

  it('is done here where the other cannot', async () => {
    let calls = 0;
    const [database] = await pair(() => () => {
      calls++;
      return Promise.reject(new CairnError('unavailable', 'compactor_lost', 'it has ended'));
    });
    await upsert(database, 2 * tierLimits.edge.logSlots);
    expect(calls).toBeGreaterThan(0);
    expect((await database.collection('papers').stats()).segments.length).toBeGreaterThan(0);
    await database.close();
  });

  it('is left alone where the other is being stopped', async () => {
    let calls = 0;
    const [database] = await pair(() => () => {
      calls++;
      return Promise.reject(new CairnError('unavailable', 'compaction_cancelled', 'called off'));
    });
    await upsert(database, DUE + 50);
    expect(calls).toBeGreaterThan(1);
    expect((await database.collection('papers').stats()).segments).toHaveLength(0);
    await database.close();
  });
});

describe('compactions of one process', () => {
  it('of one collection come one after another: none answers before all is done', async () => {
    const database = await newBench().openAgain();
    const papers = await database.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    await upsert(database, 10);
    const order: number[] = [];
    const call = (number: number) => papers.compact().then((done) => (order.push(number), done));
    const results = await Promise.all([call(1), call(2)]);
    expect(order).toEqual([1, 2]);
    expect(results.map(({ foldedSlots }) => foldedSlots)).toEqual([10, 0]);
  });

  it('go on after one that failed', async () => {
    const database = await newBench().openAgain();
    const papers = await database.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    await upsert(database, 10);
    const ended = papers.compact({ signal: AbortSignal.abort() });
    const next = papers.compact();
    await failure(() => ended, { kind: 'unavailable', code: 'compaction_cancelled' });
    expect(await next).toMatchObject({ foldedSlots: 10 });
  });

  it('look again where a minor fold was first', async () => {
    // It comes when a whole one has seen the log and has not listed its job.
    let inBetween: (() => Promise<unknown>) | undefined;
    const bench = newBench((store) =>
      storeOver(store, {
        put: async (key, bytes, options) => {
          const first = key.startsWith('work/') ? inBetween : undefined;
          if (first !== undefined) {
            inBetween = undefined;
            await first();
          }
          return await store.put(key, bytes, options);
        },
      }),
    );
    const database = await bench.openAgain();
    const papers = await database.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    for (let round = 0; round < 3; round++) {
      await upsert(database, 4);
      if (round < 2) await papers.compact({ minor: true });
    }
    inBetween = () => papers.compact({ minor: true });
    expect(await papers.compact()).toMatchObject({ segmentsMerged: 3 });
    const { segments, log } = await papers.stats();
    expect([segments.length, log.slots]).toEqual([1, 0]);
  });

  it('call a minor fold off that is under way', async () => {
    let whole: Promise<CompactResult> | undefined;
    const bench = newBench((store) => ({
      description: store.description,
      get: (key, options) => store.get(key, options),
      // The fold has begun to write: the whole compaction is asked for now.
      upload: (key) => {
        whole ??= papers.compact();
        return store.upload(key);
      },
      list: (prefix, options) => store.list(prefix, options),
      delete: (keys) => store.delete(keys),
      close: () => store.close(),
      put: (key, bytes, options) => store.put(key, bytes, options),
    }));
    const database = await bench.openAgain();
    const papers = await database.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    await upsert(database, 10);
    await failure(() => papers.compact({ minor: true }), {
      kind: 'unavailable',
      code: 'compaction_cancelled',
    });
    expect(await whole).toMatchObject({ foldedSlots: 10, segmentsMerged: 0, rowsWritten: 10 });
  });
});
