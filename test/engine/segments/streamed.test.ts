/**
 * Strategy: a handler whose memory is too small for a collection's index is asked beside one that has room. Of segments that are
 * scanned anyway both answer alike, to the bit; of segments with graphs the stream is near the exact answer. What a handler tells of
 * it has to be so, and loads that stand in each other's way have to wait, or be streamed.
 */
import { describe, expect, test, vi } from 'vitest';
import { limits } from '../../../core/base/limits.js';
import type { Collection, Database, QueryInput, Sleep } from '../../../core/index.js';
import { SegmentReader } from '../../../core/segment/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { systemSleep } from '../../../core/system-ports.js';
import { clustered } from '../../index/fixture.js';
import { newBench, storeOver } from '../fixture.js';
import type { Bench } from '../fixture.js';
import { fold } from './fixture.js';

const DIMENSION = 64;
const ROWS = 24_000;
const MiB = 1024 * 1024;
/** The index takes 4 MiB with what a search of it needs. */
const SMALL = 3 * MiB;
const ROOMY = 64 * MiB;

interface Filled {
  readonly metric?: 'cosine' | 'euclidean' | 'dot' | 'manhattan';
  readonly graph?: boolean;
  readonly vectors?: Float32Array;
}

async function fill(
  bench: Bench,
  name: string,
  { metric = 'euclidean', graph = false, vectors }: Filled,
): Promise<void> {
  const db = await bench.openAgain();
  const c = await db.createCollection(name, { dimension: DIMENSION, metric });
  const all = vectors ?? clustered(ROWS, DIMENSION, 3);
  const perBatch = 8_000;
  for (let at = 0; at < all.length / DIMENSION; at += perBatch) {
    const part = all.subarray(at * DIMENSION, (at + perBatch) * DIMENSION);
    const ids = Array.from({ length: part.length / DIMENSION }, (_, i) => `r${at + i}`);
    await c.upsert({ ids, vectors: part, metadata: ids.map((_, i) => ({ n: i % 100 })) });
  }
  if (name === 'c') await fold({ ...bench, graph });
  else await c.compact();
  await c.delete({ ids: Array.from({ length: 300 }, (_, i) => `r${i * 7}`) });
  await c.delete({ ids: ['r5', 'r6'], soft: true });
  await c.upsert([{ id: 'late', vector: all.slice(0, DIMENSION), metadata: { n: 1 } }]);
  await db.close();
}

async function expectStreamed(c: Collection, asked: QueryInput): Promise<void> {
  const { explain, usage } = await c.explain(asked);
  const segment = explain.segments[0]!;
  expect(segment.plan).toBe('stream');
  expect(segment.rowsVisited).toBeGreaterThanOrEqual(segment.matches);
  expect(segment.rowsVisited + explain.memtable.rowsVisited).toBe(usage.rowsScanned);
  expect(usage.temperature).toBe('cold');
  const { segments, segmentsStreamed } = await c.stats();
  expect(segmentsStreamed).toBe(1);
  expect(segments.map(({ loaded }) => loaded)).toEqual([false]);
}

describe('a segment that is scanned is answered alike by a handler that has no room for it', () => {
  test.each([
    ['euclidean', 1],
    ['cosine', 1],
    ['dot', 1],
    ['manhattan', 1],
    // Few values: many rows are equally far, and whole numbers are in their codes.
    ['euclidean', 0],
  ] as const)('%s, digits %i', async (metric, digits) => {
    const round = (values: Float32Array): Float32Array => (digits > 0 ? values : values.map(Math.round));
    const bench = newBench();
    await fill(bench, 'c', { metric, vectors: round(clustered(ROWS, DIMENSION, 3)) });
    const [large, small] = await Promise.all([
      bench.openAgain({ memoryBudgetBytes: ROOMY }),
      bench.openAgain({ memoryBudgetBytes: SMALL }),
    ]);
    const of = (db: Database): Collection => db.collection('c');
    const vector = round(clustered(1, DIMENSION, 8));
    const queries: QueryInput[] = [
      { vector, k: 10 },
      { vector, k: 1, include: ['vector'] },
      { vector, k: 10_000, include: [] },
      { vector, k: 200, filter: 'n < 30' },
      { vector, k: 10, filter: { n: 7 } },
      { vector, k: 10, includeDeleted: true },
      { id: 'r78', k: 20 },
    ];
    for (const asked of queries) {
      const [wanted, streamed] = [await of(large).query(asked), await of(small).query(asked)];
      expect(streamed.matches).toEqual(wanted.matches);
      expect(streamed.matches.length).toBe(asked.k);
      expect(streamed.usage.rowsScanned).toBe(wanted.usage.rowsScanned);
    }
    const many = await of(small).queryMany(queries.slice(3));
    const wanted = await of(large).queryMany(queries.slice(3));
    expect(many.map(({ matches }) => matches)).toEqual(wanted.map(({ matches }) => matches));
    await expectStreamed(of(small), { vector, k: 10 });
    expect((await of(large).stats()).segmentsStreamed).toBe(0);
    expect((await of(small).recall({ queries: 5 })).recall).toBeGreaterThan(0.99);
    await Promise.all([large.close(), small.close()]);
  });
});

test('a segment with a graph is near the exact answer, with a filter and without', async () => {
  const bench = newBench();
  await fill(bench, 'c', { graph: true });
  const db = await bench.openAgain({ memoryBudgetBytes: SMALL, shareRequests: false });
  const c = db.collection('c');
  for (const filter of [undefined, 'n < 40', 'n = 3']) {
    let found = 0;
    for (let q = 0; q < 5; q++) {
      const asked = {
        vector: clustered(1, DIMENSION, 20 + q),
        k: 10,
        ...(filter === undefined ? {} : { filter }),
      };
      await expectStreamed(c, asked);
      const { matches } = await c.query(asked);
      const truth = (await c.query({ ...asked, exact: true })).matches.map(({ id }) => id);
      found += matches.filter(({ id }) => truth.includes(id)).length;
    }
    expect(found).toBeGreaterThanOrEqual(49);
  }
  await db.close();
});

/** A store whose ranges of one collection's segments wait for `end`. */
function holding(store: ObjectStore, end: Promise<void>): { readonly store: ObjectStore; held: string } {
  const made = {
    held: 'none',
    store: storeOver(store, {
      get: async (key, options) => {
        if (key.startsWith(made.held) && options?.into !== undefined) await end;
        return await store.get(key, options);
      },
    }),
  };
  return made;
}

test("an index that only lacks the memory of another collection's log is loaded all the same", async () => {
  const bench = newBench();
  await fill(bench, 'c', {});
  const db = await bench.openAgain({ memoryBudgetBytes: 6 * MiB });
  const other = await db.createCollection('other', { dimension: DIMENSION, metric: 'dot' });
  const vectors = clustered(6_000, DIMENSION, 4);
  await other.upsert({ ids: Array.from({ length: 6_000 }, (_, i) => `${i}`), vectors });
  const { explain } = await db.collection('c').explain({ vector: clustered(1, DIMENSION, 20), k: 10 });
  expect(explain.segments[0]!.plan).toBe('scan');
  expect(await other.count()).toMatchObject({ count: 6_000 });
  // While both are in memory it is not known to be too large.
  expect((await db.collection('c').stats()).segmentsStreamed).toBe(0);
  await db.close();
});

test('an index that leaves no room for the vectors of its candidates is streamed', async () => {
  const bench = newBench();
  await fill(bench, 'c', {});
  // An index of 4 MiB, scratch and the log fit; one more memory of 256 KiB does not.
  const db = await bench.openAgain({ memoryBudgetBytes: 5_100_000 });
  await expectStreamed(db.collection('c'), { vector: clustered(1, DIMENSION, 20), k: 10 });
  await db.close();
});

test('candidates of a deep search are read by parts', async () => {
  const bench = newBench();
  await fill(bench, 'c', {});
  const db = await bench.openAgain({ memoryBudgetBytes: SMALL });
  const read = vi.spyOn(SegmentReader.prototype, 'vectors');
  const { matches } = await db
    .collection('c')
    .query({ vector: clustered(1, DIMENSION, 20), k: 5_000, include: [] });
  expect(matches).toHaveLength(5_000);
  const counts = read.mock.calls.map(([rows]) => rows.length);
  read.mockRestore();
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20_000);
  expect(Math.max(...counts)).toBeLessThanOrEqual(limits.rerankReadBytes / limits.pageBytes);
  await db.close();
});

describe('two collections of which the memory holds one at a time', () => {
  /** An index takes 4 MiB, and what else there is 2.5. */
  const BUDGET = 7 * MiB;

  async function filled(): Promise<Bench> {
    const bench = newBench();
    await fill(bench, 'a', { vectors: clustered(9_000, DIMENSION, 3) });
    await fill(bench, 'b', { vectors: clustered(9_000, DIMENSION, 4) });
    return bench;
  }

  test('are both loaded for requests at the same time, one after the other', async () => {
    const bench = await filled();
    for (const shareRequests of [true, false]) {
      const db = await bench.openAgain({ memoryBudgetBytes: BUDGET, shareRequests });
      const asked = { vector: clustered(1, DIMENSION, 20), k: 10 };
      const explained = await Promise.all(
        ['a', 'b', 'a', 'b'].map((name) => db.collection(name).explain(asked)),
      );
      for (const { explain } of explained) expect(explain.segments[0]!.plan).not.toBe('stream');
      for (const name of ['a', 'b']) expect((await db.collection(name).stats()).segmentsStreamed).toBe(0);
      await db.close();
    }
  });

  test('of which one load does not end: the other is streamed after its waits', async () => {
    const bench = await filled();
    let end!: () => void;
    const held = holding(bench.store, new Promise<void>((resolve) => (end = resolve)));
    // What waits for room looks again at once.
    const sleep: Sleep = (ms, signal) => systemSleep(ms === limits.indexRoomWaitMs ? 0 : ms, signal);
    const db = await bench.openAgain({ store: held.store, memoryBudgetBytes: BUDGET, sleep });
    const asked = { vector: clustered(1, DIMENSION, 20), k: 10, consistency: 'eventual' } as const;
    const [segment] = (await db.collection('a').stats()).segments;
    held.held = segment!.key;
    const waiting = db.collection('a').query(asked);
    const { explain } = await db.collection('b').explain(asked);
    expect(explain.segments[0]!.plan).toBe('stream');
    end();
    const { matches } = await waiting;
    expect((await db.collection('b').explain(asked)).explain.segments[0]!.plan).not.toBe('stream');
    expect(matches).toEqual((await db.collection('a').query(asked)).matches);
    await db.close();
  });
});

test('memory of streams that their host has cut off is taken back, and who goes on all the same is told', async () => {
  const bench = newBench();
  await fill(bench, 'c', {});
  let end!: () => void;
  const held = holding(bench.store, new Promise<void>((resolve) => (end = resolve)));
  const sleep: Sleep = (ms, signal) => systemSleep(ms === limits.indexRoomWaitMs ? 0 : ms, signal);
  const options = { memoryBudgetBytes: SMALL, shareRequests: false, sleep };
  const db = await bench.openAgain({ ...options, store: held.store });
  const c = db.collection('c');
  const asked = { vector: clustered(1, DIMENSION, 20), k: 10, consistency: 'eventual' } as const;
  const { matches } = await c.query(asked);
  held.held = (await c.stats()).segments[0]!.key;
  const inRoom = db.memoryUsage().arenaBytes;
  const cut: Promise<unknown>[] = [];
  // As many as there is room for.
  for (let before = -1; before < db.memoryUsage().arenaBytes && cut.length < 10;) {
    before = db.memoryUsage().arenaBytes;
    const query = c.query(asked);
    query.catch(() => {});
    cut.push(query);
    await systemSleep(20);
  }
  expect(db.memoryUsage().arenaBytes).toBeGreaterThan(inRoom);
  held.held = 'none';
  bench.clock.advance(limits.streamLostMs + 1);
  expect((await c.query(asked)).matches).toEqual(matches);
  end();
  await expect(cut[0]).rejects.toMatchObject({ kind: 'unavailable', code: 'read_contended' });
  await Promise.allSettled(cut);
  expect(db.memoryUsage().arenaBytes).toBe(inRoom);
  await db.close();
});
