/**
 * Strategy: many large writes at once, so that batches and slots are made in memory that held others a moment before;
 * kept small enough that it is used again all the time. What a fresh database reads from the store must be what was
 * written, to the bit, and so must what the writers' own database holds.
 */
import { expect, it } from 'vitest';
import { open } from '../../core/index.js';
import { memoryStore } from '../../core/store/index.js';

const DIMENSION = 128;

it('memory that is used again never shows in what is written', async () => {
  const store = memoryStore({ clock: { wallMs: () => 1_700_000_000_000 } });
  const writer = await open('memory:', { store });
  const collection = await writer.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  const expected = new Map<string, number[]>();
  const chain = async (lane: number): Promise<void> => {
    for (let turn = 0; turn < 12; turn++) {
      const rows = 150 + ((lane * 7 + turn * 53) % 300);
      const ids = Array.from({ length: rows }, (_, row) => `${lane}-${turn}-${'x'.repeat(row % 40)}${row}`);
      const vectors = Float32Array.from({ length: rows * DIMENSION }, (_, i) => lane * 1e6 + turn * 1e4 + i);
      ids.forEach((id, row) =>
        expected.set(id, [...vectors.subarray(row * DIMENSION, (row + 1) * DIMENSION)]),
      );
      const done = collection.upsert({ ids, vectors });
      // A caller may do this as soon as the call has returned.
      vectors.fill(-1);
      await done;
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map(chain));
  const reader = await open('memory:', { store });
  for (const database of [writer, reader]) {
    const found = new Map<string, number[]>();
    let cursor: string | undefined;
    do {
      const page = await database
        .collection('c')
        .scan({ limit: 10_000, include: ['vector'], ...(cursor === undefined ? {} : { cursor }) });
      for (const { id, vector } of page.records) found.set(id, [...vector!]);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found).toEqual(expected);
    await database.close();
  }
}, 60_000);
