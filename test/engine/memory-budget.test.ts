/**
 * Strategy: more collections than the memory budget holds at once. Each must answer whenever it is asked, at the price
 * of loading again; one that cannot fit alone is a typed error, and what was written stays written.
 */
import { expect, test } from 'vitest';
import { open } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';
import { systemClock } from '../../core/system-ports.js';

const MiB = 1024 * 1024;

function vectors(rows: number, dimension: number, seed: number): Float32Array {
  return Float32Array.from({ length: rows * dimension }, (_, i) => Math.sin(seed + i));
}

test('collections used longest ago give their memory to the one that is asked', async () => {
  const db = await open('memory:', { memoryBudgetBytes: 4 * MiB });
  const dimension = 256;
  const names = Array.from({ length: 6 }, (_, i) => `c${i}`);
  for (const [seed, name] of names.entries()) {
    const collection = await db.createCollection(name, { dimension, metric: 'euclidean' });
    await collection.upsert({ ids: ['a', ...idsOf(900)], vectors: vectors(901, dimension, seed) });
  }
  for (const round of [1, 2]) {
    for (const [seed, name] of names.entries()) {
      const { matches } = await db
        .collection(name)
        .query({ vector: vectors(1, dimension, seed), k: 1, include: [] });
      expect(matches, `round ${round}, ${name}`).toEqual([{ id: 'a', score: 0 }]);
    }
  }
  await db.close();
});

test('a collection that does not fit alone says so, and what was acknowledged is in the store', async () => {
  const store = memoryStore({ clock: systemClock });
  const small = await open('memory:', { store, memoryBudgetBytes: 3 * MiB });
  const collection = await small.createCollection('big', { dimension: 1024, metric: 'dot' });
  let acknowledged = 0;
  let failure: unknown;
  for (let batch = 0; batch < 8 && failure === undefined; batch++) {
    const ids = idsOf(200).map((id) => `${batch}-${id}`);
    try {
      await collection.upsert({ ids, vectors: vectors(200, 1024, batch) });
      acknowledged += 200;
    } catch (error) {
      failure = error;
    }
  }
  expect(failure).toMatchObject({ kind: 'unavailable', code: 'memory_budget_exceeded' });
  expect(acknowledged).toBeGreaterThan(200);
  const large = await open('memory:', { store });
  await expect(large.collection('big').count()).resolves.toMatchObject({ count: acknowledged });
  await Promise.all([small.close(), large.close()]);
});

test('ids for which there is no room push out no pages that are in use', async () => {
  const store = memoryStore({ clock: systemClock });
  const filling = await open('memory:', { store });
  const rows = 1_000;
  const long = Array.from({ length: rows }, (_, i) => `${i} `.repeat(100).slice(0, 480));
  for (const [name, ids, dimension] of [
    ['hot', idsOf(rows), 128],
    ['long', long, 2],
  ] as const) {
    const collection = await filling.createCollection(name, { dimension, metric: 'euclidean' });
    await collection.upsert({ ids, vectors: vectors(rows, dimension, 1) });
    await collection.compact();
  }
  await filling.close();
  // Pages of 0.5 MiB are hot, all ids take as much, and the cache has room for less than both.
  const db = await open('memory:', { store, memoryBudgetBytes: 3 * MiB });
  const readHot = async (): Promise<number> => {
    const before = db.storeUsage().bytesRead;
    expect((await db.collection('hot').fetch({ ids: idsOf(rows) })).records).toHaveLength(rows);
    return db.storeUsage().bytesRead - before;
  };
  expect(await readHot()).toBeGreaterThan(4 * 128 * rows);
  expect(await readHot()).toBe(0);
  await db.collection('long').query({ vector: [1, 1], k: 1, include: [] });
  expect(await readHot()).toBe(0);
  await db.close();
});

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `r${i}`);
}
