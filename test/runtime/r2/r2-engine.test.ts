/**
 * Strategy: databases in one bucket of R2, each with a binding of its own, see what the others acknowledged: through writes,
 * folds, merges, collection, reopening and lost answers. Whatever was acknowledged is there once.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits, open } from '../../../core/index.js';
import type { Collection, Database, OpenOptions } from '../../../core/index.js';
import { openR2Store } from '../../../core/r2.js';
import { systemSleep } from '../../../core/system-ports.js';
import { hasRuntimes } from '../install.js';
import { startR2 } from './bucket.js';
import type { LocalR2 } from './bucket.js';
import { SpoiltBucket } from './spoilt-bucket.js';

const DIMENSION = 16;
/** More than are searched without a graph. */
const ROWS = 2_500;

function vectorOf(row: number): number[] {
  return Array.from({ length: DIMENSION }, (_, at) => (((row * DIMENSION + at) * 7_919) % 100_003) - 50_000);
}

const recordOf = (row: number) => ({
  id: `r${row}`,
  vector: vectorOf(row),
  metadata: { row, even: row % 2 === 0 },
});

async function nearest(collection: Collection, row: number): Promise<string | undefined> {
  const { matches } = await collection.query({ vector: vectorOf(row), k: 1 });
  return matches[0]?.id;
}

describe.skipIf(!hasRuntimes())('a database in R2', () => {
  let r2: LocalR2;

  beforeAll(async () => {
    r2 = await startR2();
  });
  afterAll(() => r2.close());

  async function database(
    prefix: string,
    options: OpenOptions = {},
    bucket: SpoiltBucket = new SpoiltBucket(r2.bind()),
  ): Promise<Database> {
    const store = await openR2Store(bucket, { prefix, selfTest: false });
    const opened = await open('r2:BUCKET', { ...options, store });
    onTestFinished(() => opened.close());
    return opened;
  }

  it('writes, folds, merges, collects and answers the same throughout', { timeout: 240_000 }, async () => {
    // A collector's wait for readers that believe in an older floor: there are none here.
    const hasty: OpenOptions = {
      sleep: (ms, signal) => systemSleep(ms === limits.fenceMs ? 20 : ms, signal),
    };
    const a = await database('life', hasty);
    const b = await database('life');
    const mine = await a.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    const theirs = b.collection('c');
    for (let at = 0; at < ROWS; at += 500)
      await mine.upsert(Array.from({ length: 500 }, (_, row) => recordOf(at + row)));
    expect(await nearest(theirs, 1_234)).toBe('r1234');
    await mine.compact();
    expect((await mine.stats()).segments).toHaveLength(1);
    for (const row of [0, 1_234, ROWS - 1]) expect(await nearest(theirs, row)).toBe(`r${row}`);
    await theirs.delete({ filter: { even: true } });
    await theirs.upsert(Array.from({ length: 500 }, (_, row) => recordOf(ROWS + row)));
    expect((await mine.count()).count).toBe(ROWS / 2 + 500);
    await mine.compact();
    expect((await a.collect()).objects).toBeGreaterThan(5);
    const cold = (await database('life')).collection('c');
    for (const reader of [mine, theirs, cold]) {
      expect((await reader.count()).count).toBe(ROWS / 2 + 500);
      expect(await nearest(reader, 1_235)).toBe('r1235');
      expect(await nearest(reader, ROWS + 10)).toBe(`r${ROWS + 10}`);
    }
    const { errors, collections } = await b.scrub();
    expect(errors + collections.reduce((sum, each) => sum + each.errors, 0)).toBe(0);
  });

  it('sends two requests for a write, and two for a strong query', async () => {
    const bucket = new SpoiltBucket(r2.bind());
    const db = await database('costs', {}, bucket);
    const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    await c.upsert([recordOf(0)]);
    const seen = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = bucket.seen.length;
      await call();
      return bucket.seen.slice(before);
    };
    expect(await seen(() => c.upsert([recordOf(1)]))).toEqual(['put', 'get']);
    expect(await seen(() => c.query({ vector: vectorOf(1), k: 1 }))).toEqual(['get', 'get']);
  });

  it(
    'acknowledges nothing twice and loses nothing, where answers get lost',
    { timeout: 240_000 },
    async () => {
      const buckets = [new SpoiltBucket(r2.bind()), new SpoiltBucket(r2.bind())];
      const databases: Database[] = [];
      for (const bucket of buckets) databases.push(await database('faults', {}, bucket));
      await databases[0]!.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
      let passed = 0;
      const every = (n: number, message: string) => (): void => {
        if (++passed % n === 0) throw new Error(message);
      };
      for (const bucket of buckets)
        bucket.use({
          before: every(13, 'put: Reduce your rate of requests for the same object. (10058)'),
          after: every(11, 'Network connection lost.'),
        });
      const sequences = await Promise.all(
        Array.from({ length: 40 }, async (_, row) => {
          const collection = databases[row % 2]!.collection('c');
          const { sequence } = await collection.upsert([recordOf(row)], { idempotencyKey: `write-${row}` });
          return sequence;
        }),
      );
      for (const bucket of buckets) bucket.use({});
      for (const each of databases) {
        const { records } = await each.collection('c').scan({ limit: 100 });
        expect(records.map(({ id }) => id).toSorted()).toEqual(
          Array.from({ length: 40 }, (_, row) => `r${row}`).toSorted(),
        );
        const again = await each.collection('c').upsert([recordOf(7)], { idempotencyKey: 'write-7' });
        expect(again.sequence).toBe(sequences[7]);
      }
    },
  );
});
