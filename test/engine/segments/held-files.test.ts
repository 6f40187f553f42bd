/**
 * Files of segments under reads that wait. Strategy: the first page that a read asks for waits at a gate, while another
 * database replaces the segment again and again and this one moves onto each of the new heads: more files without a user
 * than are kept open. Then the read goes on, through pages of the first of them.
 *
 * Held: a file that a read has begun with is not closed before the read is over, and is afterwards.
 */
import { describe, expect, it } from 'vitest';
import type { Collection, Database } from '../../../core/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { newBench } from '../fixture.js';

/** More than are kept without a user. */
const REPLACED = 24;
const IDS = ['a', 'b', 'c'];

/** Stops the first read of a part of a segment after `arm`. Its whole tail is read when it is opened, so that was before. */
class Gate {
  #armed = false;
  #open: (() => void) | undefined;

  arm(): void {
    this.#armed = true;
  }

  get waiting(): boolean {
    return this.#open !== undefined;
  }

  open(): void {
    this.#open!();
  }

  before(store: ObjectStore): ObjectStore {
    return {
      description: store.description,
      get: async (key, options) => {
        if (this.#armed && key.endsWith('.seg')) {
          this.#armed = false;
          await new Promise<void>((resolve) => (this.#open = resolve));
        }
        return await store.get(key, options);
      },
      put: (key, bytes, options) => store.put(key, bytes, options),
      upload: (key) => store.upload(key),
      list: (prefix, options) => store.list(prefix, options),
      delete: (keys) => store.delete(keys),
      close: () => store.close(),
    };
  }
}

const upsert = (collection: Collection, round: number) =>
  collection.upsert(
    IDS.map((id, i) => ({ id, vector: [round, i], metadata: { round, text: id.repeat(100) } })),
  );

async function keyOf(collection: Collection): Promise<string> {
  return (await collection.stats()).segments.map(({ key }) => key).join();
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What is read, and what it finds of the first round. */
const reads: readonly (readonly [string, (collection: Collection) => Promise<unknown>, unknown])[] = [
  [
    'a query',
    async (c) =>
      (await c.query({ vector: [0, 2], k: 2 })).matches.map(({ id, metadata }) => [id, metadata?.['round']]),
    [
      ['c', 0],
      ['b', 0],
    ],
  ],
  [
    'a query by the id of a record',
    async (c) => (await c.query({ id: 'c', k: 1 })).matches.map(({ id }) => id),
    ['c'],
  ],
  [
    'an exact query',
    async (c) => (await c.query({ vector: [0, 2], k: 1, exact: true })).matches.map(({ id }) => id),
    ['c'],
  ],
  [
    'a query with a filter',
    async (c) => (await c.query({ vector: [0, 2], k: 1, filter: 'round = 0' })).matches.map(({ id }) => id),
    ['c'],
  ],
  ['a fetch', async (c) => (await c.fetch({ ids: IDS })).records.map(({ vector }) => vector?.[0]), [0, 0, 0]],
  ['a count', async (c) => (await c.count({ filter: { round: 0 } })).count, 3],
  ['a scan', async (c) => (await c.scan()).records.map(({ metadata }) => metadata?.['round']), [0, 0, 0]],
  // It meets the newer slots when it wants to commit, and is resolved again.
  ['a patch', async (c) => (await c.patch({ records: [{ id: 'a', metadata: { seen: true } }] })).patched, 1],
];

describe('a file is not closed under', () => {
  it.each(reads)('%s', async (_, read, expected) => {
    const gate = new Gate();
    const bench = newBench();
    const other = await bench.openAgain();
    const here: Database = await bench.openAgain({ store: gate.before(bench.store) });
    const there = await other.createCollection('c', { dimension: 2, metric: 'euclidean' });
    await upsert(there, 0);
    await there.compact();
    const collection = here.collection('c');
    const keys = new Set([await keyOf(collection)]);
    gate.arm();
    const reading = read(collection);
    await until(() => gate.waiting);
    for (let round = 1; round <= REPLACED; round++) {
      await upsert(there, round);
      await there.compact();
      const key = await keyOf(there);
      await until(async () => (await keyOf(collection)) === key);
      keys.add(key);
    }
    expect(keys.size).toBe(1 + REPLACED);
    gate.open();
    expect(await reading).toEqual(expected);
    await here.close();
    await other.close();
  });
});
