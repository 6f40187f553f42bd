/**
 * Strategy: databases in one container of the emulator see what the others acknowledged: through writes, folds, collection, a restart,
 * lost answers and a server. Whatever was acknowledged is there once.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, mustCall } from '../../bench/http-client.mjs';
import { startServer } from '../../bench/server-process.mjs';
import { limits, open } from '../../core/index.js';
import type { Collection, Database, OpenOptions } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { azureUrl, azurite, azuriteOrigin, makeContainer } from '../engines/azurite/container.js';
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

describe.skipIf(azurite === undefined)('a database in Azure Blob Storage', () => {
  let container: string;

  beforeAll(async () => {
    container = await makeContainer('engine');
  });

  async function database(prefix: string, origin: string, options: OpenOptions = {}): Promise<Database> {
    const opened = await open(azureUrl(container, origin, prefix), options);
    onTestFinished(() => opened.close());
    return opened;
  }

  it('writes, folds, collects and answers the same throughout', { timeout: 240_000 }, async () => {
    // A collector's wait for readers that believe in an older floor: there are none here.
    const hasty: OpenOptions = {
      sleep: (ms, signal) => systemSleep(ms === limits.fenceMs ? 20 : ms, signal),
    };
    const a = await database('life', azuriteOrigin(), hasty);
    const b = await database('life', azuriteOrigin());
    const mine = await a.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    const theirs = b.collection('c');
    for (let at = 0; at < ROWS; at += 500)
      await mine.upsert(Array.from({ length: 500 }, (_, row) => recordOf(at + row)));
    expect(await nearest(theirs, 1_234)).toBe('r1234');
    await mine.compact();
    for (const row of [0, 1_234, ROWS - 1]) expect(await nearest(theirs, row)).toBe(`r${row}`);
    await theirs.delete({ filter: { even: true } });
    await theirs.upsert(Array.from({ length: 500 }, (_, row) => recordOf(ROWS + row)));
    await mine.compact();
    expect((await a.collect()).objects).toBeGreaterThan(5);
    const cold = (await database('life', azuriteOrigin())).collection('c');
    for (const reader of [mine, theirs, cold]) {
      expect((await reader.count()).count).toBe(ROWS / 2 + 500);
      expect(await nearest(reader, 1_235)).toBe('r1235');
      expect(await nearest(reader, ROWS + 10)).toBe(`r${ROWS + 10}`);
    }
    const { errors, collections } = await b.scrub();
    expect(errors + collections.reduce((sum, each) => sum + each.errors, 0)).toBe(0);
  });

  it('sends two requests for a write, and two for a strong query', async () => {
    const proxy = await startFaultProxy(azuriteOrigin());
    onTestFinished(() => proxy.close());
    const opened = await database('costs', proxy.url);
    const c = await opened.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
    await c.upsert([recordOf(0)]);
    const seen = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = proxy.seen.length;
      await call();
      return proxy.seen.slice(before).map((line) => line.split(' ')[0]!);
    };
    expect(await seen(() => c.upsert([recordOf(1)]))).toEqual(['PUT', 'GET']);
    expect(await seen(() => c.query({ vector: vectorOf(1), k: 1 }))).toEqual(['GET', 'GET']);
  });

  it(
    'acknowledges nothing twice and loses nothing, where answers get lost',
    { timeout: 240_000 },
    async () => {
      const proxies = await Promise.all([1, 2].map(() => startFaultProxy(azuriteOrigin())));
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

  describe('served', () => {
    let server: Awaited<ReturnType<typeof startServer>>;

    beforeAll(async () => {
      server = await startServer({ store: azureUrl(container, azuriteOrigin(), 'served') });
    });
    afterAll(async () => {
      await server?.stop();
    });

    it('by the command, to HTTP and to whoever else opens it', async () => {
      const client = connect(server.url);
      onTestFinished(() => client.close());
      await mustCall(client, 'PUT', '/v1/collections/c', { dimension: DIMENSION, metric: 'euclidean' });
      await mustCall(client, 'POST', '/v1/collections/c/upsert', { records: [recordOf(1), recordOf(2)] });
      const here = await database('served', azuriteOrigin());
      expect(await nearest(here.collection('c'), 2)).toBe('r2');
    });
  });
});
