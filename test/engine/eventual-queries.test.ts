/**
 * Queries that memory answers at once. Strategy: what an `eventual` query of a young state takes is watched, and that what a
 * strong one heeds is heeded here, too: copies of the input, closing, collections that are dropped, memory that is short.
 */
import { describe, expect, test } from 'vitest';
import type { Collection } from '../../core/index.js';
import { failure, newBench } from './fixture.js';

const asked = { vector: [1, 2], k: 2, include: [], consistency: 'eventual' } as const;

async function filled(): Promise<{ readonly bench: ReturnType<typeof newBench>; readonly c: Collection }> {
  const bench = newBench();
  const db = await bench.openAgain();
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  await c.upsert({ ids: ['a', 'b', 'c'], vectors: Float32Array.of(1, 2, 3, 4, 5, 6) });
  return { bench, c };
}

describe('an eventual query', () => {
  test('is answered in the step that it is asked in, while the state is young', async () => {
    const { bench, c } = await filled();
    const order: string[] = [];
    // An answer that is there takes two steps: of the query and of its request.
    let steps = 0;
    const query = c.query(asked).then(() => order.push('answer'));
    for (; steps < 10 && order.length === 0; steps++) await Promise.resolve();
    await query;
    expect(steps).toBeLessThan(6);
    // After ten seconds the store is asked.
    bench.clock.advance(10_000);
    const { usage } = await c.query(asked);
    expect(usage.requests).toBeGreaterThan(0);
    expect((await c.query(asked)).usage).toMatchObject({ requests: 0, loaded: false });
  });

  test('answers as a strong one does, of the log and of segments', async () => {
    const { c } = await filled();
    for (let round = 0; round < 2; round++) {
      const { matches, sequence } = await c.query({ ...asked, consistency: 'strong' });
      expect(await c.query(asked)).toMatchObject({ matches, sequence });
      expect(await c.queryMany([asked, { ...asked, k: 1 }])).toMatchObject([
        { matches },
        { matches: matches.slice(0, 1) },
      ]);
      await c.compact();
    }
  });

  test('does not see what becomes of the input', async () => {
    const { c } = await filled();
    await c.compact();
    const vector = Float32Array.of(1, 2);
    // Cold: the index and ids are read first.
    const answer = c.query({ ...asked, vector, k: 1 });
    vector.set([5, 6]);
    expect((await answer).matches).toMatchObject([{ id: 'a', score: 0 }]);
  });

  test('is refused where it is wrong, or the database is closed', async () => {
    const { bench, c } = await filled();
    await failure(() => c.query({ ...asked, k: 0 }), { kind: 'invalid', code: 'invalid_request' });
    await failure(() => c.query({ ...asked, vector: [1] }), { kind: 'invalid', code: 'wrong_dimension' });
    await failure(() => c.query({ ...asked, asOf: 9 }), { kind: 'invalid', code: 'sequence_out_of_range' });
    const { vector: _, ...rest } = asked;
    await failure(() => c.query({ ...rest, id: 'nobody' }), { kind: 'not_found', code: 'record_not_found' });
    const other = await bench.openAgain();
    const again = other.collection('papers');
    await again.query(asked);
    await other.close();
    await failure(() => again.query(asked), { kind: 'unavailable', code: 'closed' });
    expect((await c.query(asked)).matches).toHaveLength(2);
  });

  test('counts as use of a collection: another gives its memory up first', async () => {
    const bench = newBench();
    // Room for the logs of two.
    const db = await bench.openAgain({ memoryBudgetBytes: 3 * 2 ** 20 });
    const vectors = new Float32Array(200 * 512).fill(1);
    const ids = Array.from({ length: 200 }, (_, i) => `r${i}`);
    const query = { vector: vectors.subarray(0, 512), k: 1, include: [] } as const;
    const collections: Collection[] = [];
    for (let i = 0; i < 4; i++) {
      const c = await db.createCollection(`c${i}`, { dimension: 512 });
      await c.upsert({ ids, vectors });
      collections.push(c);
    }
    const loads = async (i: number, consistency: 'strong' | 'eventual'): Promise<boolean> =>
      (await collections[i]!.query({ ...query, consistency })).usage.loaded;
    await loads(0, 'strong');
    const others: boolean[] = [];
    for (const other of [1, 2, 3, 1, 2, 3]) {
      others.push(await loads(other, 'strong'));
      expect(await loads(0, 'eventual'), `beside ${other}`).toBe(false);
    }
    expect(others.slice(-3)).toEqual([true, true, true]);
  });
});
