/**
 * The suite of the engine on the buckets of real stores: every adapter of a bucket runs it whole. Databases in one bucket, which know
 * of each other only what is in it, see what the others acknowledged: through writes, folds, merges, collection, restarts, lost
 * answers and a server. Whatever was acknowledged is there once.
 *
 * What one store alone does stands in that store's own file. Buckets are shared between the tests: each has a prefix of its own.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, mustCall } from '../../bench/http-client.mjs';
import { startServer } from '../../bench/server-process.mjs';
import { limits } from '../../core/index.js';
import type { Collection, Database, OpenOptions, QueryResult } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { scratchDirectory } from './fixture.js';

/** Which of two: gateways where the store has them, else clients that share nothing but the bucket. */
export type Way = 0 | 1;

/** What goes wrong on a way, asked once per request and answer. */
export interface Losses {
  /** The store never hears of it. */
  readonly request: () => boolean;
  /** What the store has done is not heard of, or it says that it could not. */
  readonly answer: () => 'lost' | 'failed' | undefined;
}

/** A way of its own to the bucket, by a name of its own: what goes by it is seen, and gets lost where that is asked for. */
export interface SpoiltWay {
  readonly open: OpenIn;
  /** Of the store's interface, one per request, the oldest first. */
  readonly methods: () => readonly string[];
  /** Without losses everything passes. */
  lose(losses?: Losses): void;
}

export type OpenIn = (prefix: string, options?: OpenOptions) => Promise<Database>;

export interface BucketHarness {
  readonly ways: Readonly<Record<Way, OpenIn>>;
  /** Gone once the test has ended. */
  readonly spoilt: (way: Way) => Promise<SpoiltWay>;
  /** How a slot is made and read: methods of the store's interface. */
  readonly methods: { readonly create: string; readonly read: string };
  /** For a server in a process of its own, where the bucket has a URL. */
  readonly urlOf?: (prefix: string) => string;
}

export const shape = { dimension: 16, metric: 'euclidean' } as const;

/** More than are searched without a graph. */
const ROWS = 2_500;
const BATCH = 500;
const WRITES = 40;
/** Of many seconds on a slow machine, most of them the engine's waits before it asks again. */
const SLOW = { timeout: 240_000 };

/** Far from each other. */
function vectorOf(row: number): number[] {
  const { dimension } = shape;
  return Array.from({ length: dimension }, (_, at) => (((row * dimension + at) * 7_919) % 100_003) - 50_000);
}

export const recordOf = (row: number) => ({
  id: `r${row}`,
  vector: vectorOf(row),
  metadata: { row, even: row % 2 === 0 },
});

const recordsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, at) => recordOf(first + at));

async function nearest(collection: Collection, row: number): Promise<string | undefined> {
  const { matches } = await collection.query({ vector: vectorOf(row), k: 1 });
  return matches[0]?.id;
}

/** Closed once the test has ended. */
export async function closing(opening: Promise<Database>): Promise<Database> {
  const opened = await opening;
  onTestFinished(() => opened.close());
  return opened;
}

/** `store` as it stands in the names of the tests. */
export function describeDatabaseIn(store: string, harness: BucketHarness): void {
  const { ways, spoilt, methods, urlOf } = harness;

  describe(`a database in ${store}`, () => {
    it('starts with what a process before it has kept in a warm directory', async () => {
      const warmCache = { directory: scratchDirectory() };
      const first = await closing(ways[0]('warm', { warmCache }));
      const collection = await first.createCollection('c', shape);
      await collection.upsert(recordsFrom(0, ROWS));
      await collection.compact();
      const ask = async (from: Database): Promise<QueryResult> =>
        await from.collection('c').query({ vector: vectorOf(1_234), k: 10 });
      // What a writer knows it does not read: this one does.
      const second = await closing(ways[0]('warm', { warmCache }));
      const { matches } = await ask(second);
      // Its entries are all there once it has closed.
      await second.close();
      const third = await closing(ways[0]('warm', { warmCache }));
      const warm = await ask(third);
      expect(warm.matches).toEqual(matches);
      expect(warm.usage).toMatchObject({ temperature: 'warm', loaded: true });
      expect(warm.usage.warmBytes).toBeGreaterThan(ROWS * shape.dimension);
      // Heads, and the root with its copy of a tail.
      expect(warm.usage.bytesRead).toBeLessThan(40_000);
      // Another store, as far as its name tells.
      const elsewhere = await closing((await spoilt(1)).open('warm', { warmCache }));
      expect((await ask(elsewhere)).usage).toMatchObject({ temperature: 'cold' });
    });

    it('writes, folds, merges, collects and answers the same throughout', SLOW, async () => {
      // A collector's wait for readers that believe in an older floor: there are none here.
      const hasty: OpenOptions = {
        sleep: (ms, signal) => systemSleep(ms === limits.fenceMs ? 20 : ms, signal),
      };
      const a = await closing(ways[0]('life', hasty));
      const b = await closing(ways[1]('life'));
      const mine = await a.createCollection('c', shape);
      const theirs = b.collection('c');
      for (let at = 0; at < ROWS; at += BATCH) await mine.upsert(recordsFrom(at, BATCH));
      expect(await nearest(theirs, 1_234)).toBe('r1234');
      await mine.compact();
      expect((await mine.stats()).segments).toHaveLength(1);
      for (const row of [0, 1_234, ROWS - 1]) expect(await nearest(theirs, row)).toBe(`r${row}`);
      await theirs.delete({ filter: { even: true } });
      await theirs.upsert(recordsFrom(ROWS, BATCH));
      expect((await mine.count()).count).toBe(ROWS / 2 + BATCH);
      await mine.compact();
      expect((await a.collect()).objects).toBeGreaterThan(5);
      const cold = (await closing(ways[1]('life'))).collection('c');
      for (const reader of [mine, theirs, cold]) {
        expect((await reader.count()).count).toBe(ROWS / 2 + BATCH);
        expect(await nearest(reader, 1_235)).toBe('r1235');
        expect(await nearest(reader, ROWS + 10)).toBe(`r${ROWS + 10}`);
        expect((await reader.count({ filter: { row: { $gte: ROWS } } })).count).toBe(BATCH);
      }
      const { errors, collections } = await b.scrub();
      expect(errors + collections.reduce((sum, each) => sum + each.errors, 0)).toBe(0);
    });

    it('sends two requests for a write, and two for a strong query', async () => {
      const way = await spoilt(0);
      const c = await (await closing(way.open('costs'))).createCollection('c', shape);
      await c.upsert([recordOf(0)]);
      const seen = async (call: () => Promise<unknown>): Promise<readonly string[]> => {
        const before = way.methods().length;
        await call();
        return way.methods().slice(before);
      };
      const { create, read } = methods;
      expect(await seen(() => c.upsert([recordOf(1)]))).toEqual([create, read]);
      expect(await seen(() => c.query({ vector: vectorOf(1), k: 1 }))).toEqual([read, read]);
    });

    it('acknowledges nothing twice and loses nothing, where answers get lost', SLOW, async () => {
      const spoiltWays = [await spoilt(0), await spoilt(1)];
      const databases: Database[] = [];
      for (const way of spoiltWays) databases.push(await closing(way.open('faults')));
      await databases[0]!.createCollection('c', shape);
      const { losses, lost } = lossesByCount();
      for (const way of spoiltWays) way.lose(losses);
      const sequences = await Promise.all(
        Array.from({ length: WRITES }, async (_, row) => {
          const collection = databases[row % 2]!.collection('c');
          const { sequence } = await collection.upsert([recordOf(row)], { idempotencyKey: `write-${row}` });
          return sequence;
        }),
      );
      for (const way of spoiltWays) way.lose();
      expect(lost()).toBeGreaterThan(WRITES / 8);
      for (const each of databases) {
        const { records } = await each.collection('c').scan({ limit: 100 });
        expect(records.map(({ id }) => id).toSorted()).toEqual(
          Array.from({ length: WRITES }, (_, row) => `r${row}`).toSorted(),
        );
        const again = await each.collection('c').upsert([recordOf(7)], { idempotencyKey: 'write-7' });
        expect(again.sequence).toBe(sequences[7]);
      }
    });

    const servable = urlOf === undefined ? [] : [urlOf];
    it.each(servable)('is served by the command, to HTTP and to whoever else opens it', async (of) => {
      const server = await startServer({ store: of('served') });
      onTestFinished(() => server.stop());
      const client = connect(server.url);
      onTestFinished(() => client.close());
      await mustCall(client, 'PUT', '/v1/collections/c', shape);
      await mustCall(client, 'POST', '/v1/collections/c/upsert', { records: recordsFrom(1, 2) });
      const here = await closing(ways[1]('served'));
      expect(await nearest(here.collection('c'), 2)).toBe('r2');
    });
  });
}

/** By whatever way: every 13th is lost before the store hears of it, every 11th after that, and every 17th has failed. */
function lossesByCount() {
  let passed = 0;
  let lost = 0;
  const count = <T>(end: T): T => {
    lost += 1;
    return end;
  };
  const losses: Losses = {
    request: () => ++passed % 13 === 0 && count(true),
    answer: () => {
      if (++passed % 11 === 0) return count('lost');
      return passed % 17 === 0 ? count('failed') : undefined;
    },
  };
  return { losses, lost: () => lost };
}
