/**
 * Strategy: handlers of the edge tier with budgets that hold an index, and that do not, are asked whatever takes memory, over a store
 * of which every answer takes its time. What they say that they held is never above the
 * budget, is the sum of its parts, and goes back to nothing on its way.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { tierLimits } from '../../core/base/limits.js';
import type { Database } from '../../core/index.js';
import { nearSubspace } from '../index/fixture.js';
import { newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

const DIMENSION = 256;
const ROWS = 20_000;
const K = 10;
const space = { dimension: DIMENSION, rank: 20, noise: 0.4, seed: 3 };
let bench: Bench;

beforeAll(async () => {
  bench = newBench();
  const db = await bench.openAgain({ tier: 'server' });
  const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  const rows = nearSubspace(ROWS, space);
  for (let at = 0; at < ROWS; at += 2_000) {
    const ids = Array.from({ length: 2_000 }, (_, i) => `${at + i}`);
    const vectors = rows.subarray(at * DIMENSION, (at + 2_000) * DIMENSION);
    await c.upsert({ ids, vectors, metadata: ids.map((_, i) => ({ n: i % 100 })) });
  }
  await c.compact();
  await db.close();
});

/** Every answer takes a turn of the event loop, so that what is asked at once is on its way at once. */
function slow(given: Bench): Bench['store'] {
  return storeOver(given.store, {
    get: async (key, options) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return await given.store.get(key, options);
    },
  });
}

function expectSound(db: Database): void {
  const usage = db.memoryUsage();
  const { arenaBytes, idleArenaBytes, pageCacheBytes, filterCacheBytes, tailBytes, inFlightBytes } = usage;
  const parts = arenaBytes + idleArenaBytes + pageCacheBytes + filterCacheBytes + tailBytes + inFlightBytes;
  expect(usage.totalBytes).toBe(parts);
  expect(usage.peakBytes).toBeGreaterThanOrEqual(usage.totalBytes);
  expect(usage.peakBytes).toBeLessThanOrEqual(usage.budgetBytes);
}

describe('the memory of a handler of the edge tier is within its budget', () => {
  test.each([
    ['that holds the index', 96_000_000, 0, true],
    ['that holds the index, for each request by itself', 96_000_000, 0, false],
    ['that is too small for it', 10_000_000, 1, true],
    ['that is too small for it, for each request by itself', 10_000_000, 1, false],
  ])('%s', async (_, memoryBudgetBytes, streamed, shareRequests) => {
    const db = await bench.openAgain({ store: slow(bench), memoryBudgetBytes, tier: 'edge', shareRequests });
    const c = db.collection('c');
    let found = 0;
    const queries = Array.from({ length: 20 }, (__, q) => nearSubspace(1, space, 50 + q));
    for (const vector of queries) {
      const { matches } = await c.query({ vector, k: K, include: [] });
      const truth = new Set((await c.query({ vector, k: K, exact: true })).matches.map(({ id }) => id));
      found += matches.filter(({ id }) => truth.has(id)).length;
      expectSound(db);
    }
    expect(found / queries.length / K).toBeGreaterThanOrEqual(0.95);
    expect((await c.stats()).segmentsStreamed).toBe(streamed);
    await c.query({ vector: queries[0]!, k: 2_000, include: ['vector'], filter: 'n < 60' });
    await c.queryMany(queries.slice(0, 5).map((vector) => ({ vector, k: K, filter: 'n < 30' })));
    expectSound(db);
    expect(db.memoryUsage()).toMatchObject({ inFlightBytes: 0, budgetBytes: memoryBudgetBytes });
    expect(db.memoryUsage().tailBytes).toBeGreaterThan(0);
    await db.close();
    expect(db.memoryUsage()).toMatchObject({ pageCacheBytes: 0, tailBytes: 0, inFlightBytes: 0 });
  });

  test.each([10_000_000, 24_000_000, 96_000_000])(
    'of requests that share nothing and need one index at once, with %d bytes',
    async (memoryBudgetBytes) => {
      const db = await bench.openAgain({
        store: slow(bench),
        memoryBudgetBytes,
        tier: 'edge',
        shareRequests: false,
      });
      const c = db.collection('c');
      // From here on all that they lack is the index.
      await c.fetch({ ids: ['1'] });
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, q) =>
          c.query({ vector: nearSubspace(1, space, 50 + q), k: K, consistency: 'eventual' }),
        ),
      );
      expect(answers.map(({ matches }) => matches.length)).toEqual(Array.from({ length: 12 }, () => K));
      expectSound(db);
      await db.close();
    },
  );

  test('what is on its way counts, and what is kept gives way to it', async () => {
    let most = 0;
    let atOnce = 0;
    const counting = storeOver(bench.store, {
      get: async (key, options) => {
        // A stream arrives in its arena, and that counts already.
        const bytes = options?.into === undefined ? (options?.range?.length ?? 0) : 0;
        atOnce += bytes;
        await new Promise((resolve) => setTimeout(resolve, 1));
        most = Math.max(most, atOnce);
        expect(db.memoryUsage().inFlightBytes).toBe(atOnce);
        const got = await bench.store.get(key, options);
        atOnce -= bytes;
        return got;
      },
    });
    const db = await bench.openAgain({ store: counting, memoryBudgetBytes: 10_000_000, tier: 'edge' });
    const vector = nearSubspace(1, space, 50);
    await db.collection('c').query({ vector, k: K });
    await db.collection('c').query({ vector, k: K, exact: true });
    expect(most).toBeGreaterThan(4_000_000);
    expect(most).toBeLessThan(tierLimits.edge.readRoomBytes);
    await db.close();
  });
});
