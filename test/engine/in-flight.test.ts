/**
 * How many requests a handler has in flight, over everything that it does: on the edge tier never more than its connections, on
 * the server tier as many as one load may have. What they bring.
 */
import { describe, expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import type { Tier } from '../../core/base/limits.js';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';

/** So wide that an index of few rows, without a graph, is read in several pieces. */
const DIMENSION = 3_000;
const FOLDS = 3;
const AT_ONCE = 700;
const FOLD_ROWS = 1_400;
const FOLDED = FOLDS * FOLD_ROWS;
const SLOTS = 2 * limits.replayParallel;

class CountingFlights {
  most = 0;
  #flying = 0;
  readonly store: ObjectStore;

  constructor(inner: ObjectStore) {
    const counted = async <T>(request: () => Promise<T>): Promise<T> => {
      this.most = Math.max(this.most, ++this.#flying);
      try {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return await request();
      } finally {
        this.#flying -= 1;
      }
    };
    this.store = {
      description: 'counting',
      get: (...asked) => counted(() => inner.get(...asked)),
      put: (...asked) => counted(() => inner.put(...asked)),
      list: (...asked) => counted(() => inner.list(...asked)),
      delete: (...asked) => counted(() => inner.delete(...asked)),
      upload: async (key) => {
        const upload = await inner.upload(key);
        return {
          write: (bytes) => counted(() => upload.write(bytes)),
          finish: () => counted(() => upload.finish()),
          abort: () => upload.abort(),
        };
      },
      close: async () => {},
    };
  }
}

const vectorOf = (row: number): Float32Array =>
  Float32Array.from({ length: DIMENSION }, (_, d) => ((row * 31 + d * (row % 97)) % 211) - 105);

async function upsert(database: Database, from: number, to: number): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  await database
    .collection('c')
    .upsert(
      rows.map((row) => ({ id: `r${row}`, vector: vectorOf(row), metadata: { row, text: 'x'.repeat(400) } })),
    );
}

/** Several segments that are read in pieces, and slots above them. */
async function fill(store: ObjectStore): Promise<void> {
  const database = await open('memory:', { store });
  await database.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  for (let fold = 0; fold < FOLDS; fold++) {
    for (let from = 0; from < FOLD_ROWS; from += AT_ONCE)
      await upsert(database, fold * FOLD_ROWS + from, fold * FOLD_ROWS + from + AT_ONCE);
    await database.collection('c').compact({ minor: true });
  }
  for (let slot = 0; slot < SLOTS; slot++) await upsert(database, FOLDED + slot, FOLDED + slot + 1);
  const { segments, log } = await database.collection('c').stats();
  expect(segments).toHaveLength(FOLDS);
  expect(log.slots).toBe(SLOTS);
  await database.close();
}

/** Cold open, query, and what reads folded records in other ways. */
async function useAll(store: ObjectStore, tier: Tier, shareRequests: boolean): Promise<number> {
  const flights = new CountingFlights(store);
  const database = await open('counting:', { store: flights.store, tier, shareRequests });
  const c = database.collection('c');
  const { matches } = await c.query({ vector: vectorOf(3), k: 50, include: ['metadata', 'vector'] });
  expect(matches).toHaveLength(50);
  await c.query({ vector: vectorOf(5), k: 50, filter: { row: { $lt: 3_000 } } });
  await c.query({ vector: vectorOf(5), k: 50, exact: true });
  await Promise.all([3, 4, 5].map((row) => c.query({ vector: vectorOf(row * 99), k: 100 })));
  const ids = Array.from({ length: 400 }, (_, i) => `r${i * 10}`);
  expect((await c.fetch({ ids })).records).toHaveLength(400);
  expect((await c.count({ filter: { row: { $gte: 3_000 } } })).count).toBe(FOLDED - 3_000 + SLOTS);
  await c.scan({ limit: 1_000 });
  await c.delete({ ids: ids.slice(0, 10) });
  await c.compact({ minor: true });
  await database.close();
  return flights.most;
}

describe('requests in flight', () => {
  it('are never more than the edge tier has connections, whatever is done', async () => {
    for (const shareRequests of [true, false]) {
      const store = memoryStore({ clock: { wallMs: () => Date.now() } });
      await fill(store);
      const most = await useAll(store, 'edge', shareRequests);
      expect(most).toBe(tierLimits.edge.requestsParallel);
    }
  }, 120_000);

  it('are more on the server tier', async () => {
    const store = memoryStore({ clock: { wallMs: () => Date.now() } });
    await fill(store);
    expect(await useAll(store, 'server', true)).toBeGreaterThan(tierLimits.edge.requestsParallel);
  }, 120_000);

  it('bring the ids beside the index on the server tier: its first query has no wave for them', async () => {
    const store = memoryStore({ clock: { wallMs: () => Date.now() } });
    const filling = await open('memory:', { store });
    await filling.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    await upsert(filling, 0, AT_ONCE);
    await filling.collection('c').compact({ minor: true });
    await filling.close();
    const roundTrips = async (tier: Tier): Promise<number> => {
      const database = await open('memory:', { store, tier });
      await database.collection('c').query({ vector: vectorOf(3), k: 10, include: [] });
      const usage = database.storeUsage();
      await database.close();
      return usage.roundTrips;
    };
    // Name; head, list and root; index. Rows of whole numbers need no raw vectors.
    expect(await roundTrips('server')).toBe(3);
    expect(await roundTrips('edge')).toBe(4);
  });
});
