/**
 * Strategy: a listing of the log is kept waiting until a segment is asked for: a reader that waited for it first would ask for none.
 * There is no root, which would spare the reader the tail.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newBench, storeOver } from './fixture.js';

/** Then the reader has waited for the listing. */
const GIVEN_UP_MS = 5_000;

test('what a head names is read while the log is listed', async () => {
  const bench = newBench();
  const writer = await bench.openAgain({ tier: 'server' });
  const collection = await writer.createCollection('c', { dimension: 2, metric: 'euclidean' });
  await collection.upsert({ ids: ['a', 'b'], vectors: [Float32Array.of(1, 2), Float32Array.of(3, 4)] });
  await collection.compact();
  await collection.upsert({ ids: ['b'], vectors: [Float32Array.of(5, 6)] });
  await writer.close();

  const order: string[] = [];
  let segmentAsked = (): void => {};
  const asked = new Promise<void>((resolve) => (segmentAsked = resolve));
  const store = storeOver(bench.store, {
    get: async (key, options) => {
      if (key.endsWith('/root')) return { status: 'absent' };
      if (key.endsWith('.seg')) {
        order.push('segment');
        segmentAsked();
      }
      return await bench.store.get(key, options);
    },
    list: async (prefix, options) => {
      if (prefix.includes('/log/')) {
        await Promise.race([asked, sleep(GIVEN_UP_MS, undefined, { ref: false })]);
        order.push('listing');
      }
      return await bench.store.list(prefix, options);
    },
  });
  const reader = await bench.openAgain({ store });
  const { matches } = await reader.collection('c').query({ vector: [5, 5], k: 1 });
  expect(matches[0]!.id).toBe('b');
  expect(order.slice(0, 2)).toEqual(['segment', 'listing']);
  await reader.close();
});
