/**
 * Strategy: databases in one bucket of a fake of Google Cloud Storage, which know of each other only what is in it, see what the
 * others acknowledged: through writes, folds, merges, collection and lost answers. Whatever was acknowledged is there once.
 */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits, open } from '../../core/index.js';
import type { Collection, Database, OpenOptions } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { gcsUrl, makeBucket } from '../engines/gcs-fake/bucket.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { startFaultProxy } from '../engines/fault-proxy.js';

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

describe('a database in Google Cloud Storage', async () => {
  const fake = await startGcsFake();
  const bucket = makeBucket(fake);

  afterAll(() => fake.close());

  async function database(
    prefix: string,
    endpoint: string = fake.url,
    options: OpenOptions = {},
  ): Promise<Database> {
    const opened = await open(gcsUrl(bucket, endpoint, prefix), options);
    onTestFinished(() => opened.close());
    return opened;
  }

  it('writes, folds, merges, collects and answers the same throughout', { timeout: 240_000 }, async () => {
    // A collector's wait for readers that believe in an older floor: there are none here.
    const hasty: OpenOptions = {
      sleep: (ms, signal) => systemSleep(ms === limits.fenceMs ? 20 : ms, signal),
    };
    bucket.raggedPages = true;
    onTestFinished(() => void (bucket.raggedPages = false));
    const a = await database('life', fake.url, hasty);
    const b = await database('life');
    const mine = await a.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    const theirs = b.collection('c');
    for (let at = 0; at < ROWS; at += 500)
      await mine.upsert(Array.from({ length: 500 }, (_, row) => recordOf(at + row)));
    expect(await nearest(theirs, 1_234)).toBe('r1234');
    await mine.compact();
    expect((await mine.stats()).segments).toHaveLength(1);
    await theirs.delete({ filter: { even: true } });
    await theirs.upsert(Array.from({ length: 500 }, (_, row) => recordOf(ROWS + row)));
    await mine.compact();
    expect((await a.collect()).objects).toBeGreaterThan(5);
    const cold = (await database('life')).collection('c');
    for (const reader of [mine, theirs, cold]) {
      expect((await reader.count()).count).toBe(ROWS / 2 + 500);
      expect(await nearest(reader, 1_235)).toBe('r1235');
      expect(await nearest(reader, ROWS + 10)).toBe(`r${ROWS + 10}`);
      expect((await reader.count({ filter: { row: { $gte: ROWS } } })).count).toBe(500);
    }
    const { errors, collections } = await b.scrub();
    expect(errors + collections.reduce((sum, each) => sum + each.errors, 0)).toBe(0);
  });

  it('sends two requests for a write, and two for a strong query', async () => {
    const proxy = await startFaultProxy(fake.url);
    onTestFinished(() => proxy.close());
    const c = await (
      await database('costs', proxy.url)
    ).createCollection('c', {
      dimension: DIMENSION,
      metric: 'euclidean',
    });
    await c.upsert([recordOf(0)]);
    const seen = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = proxy.seen.length;
      await call();
      return proxy.seen.slice(before).map((line) => line.split(' ')[0]!);
    };
    expect(await seen(() => c.upsert([recordOf(1)]))).toEqual(['POST', 'GET']);
    expect(await seen(() => c.query({ vector: vectorOf(1), k: 1 }))).toEqual(['GET', 'GET']);
  });

  it(
    'acknowledges nothing twice and loses nothing, where answers get lost',
    { timeout: 240_000 },
    async () => {
      const proxies = await Promise.all([fake.url, fake.url].map((url) => startFaultProxy(url)));
      onTestFinished(async () => {
        for (const proxy of proxies) await proxy.close();
      });
      const databases: Database[] = [];
      for (const { url } of proxies) databases.push(await database('faults', url));
      await databases[0]!.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
      let passed = 0;
      for (const proxy of proxies) {
        proxy.use({
          before: () => (++passed % 13 === 0 ? 'drop' : undefined),
          after: (_, answer) => {
            if (++passed % 11 === 0) return 'drop';
            if (passed % 17 === 0) Object.assign(answer, { status: 500, body: Buffer.alloc(0), headers: {} });
            return undefined;
          },
        });
      }
      const sequences = await Promise.all(
        Array.from({ length: 40 }, async (_, row) => {
          const collection = databases[row % 2]!.collection('c');
          const { sequence } = await collection.upsert([recordOf(row)], { idempotencyKey: `write-${row}` });
          return sequence;
        }),
      );
      for (const proxy of proxies) proxy.use({});
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

  it('goes on where each name takes one write per second', { timeout: 240_000 }, async () => {
    const slow = await database('slow');
    const c = await slow.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    bucket.slowWrites = true;
    onTestFinished(() => void (bucket.slowWrites = false));
    await Promise.all(Array.from({ length: 30 }, (_, row) => c.upsert([recordOf(row)])));
    await c.compact();
    expect((await c.count()).count).toBe(30);
    expect((await c.stats()).segments).toHaveLength(1);
  });
});
