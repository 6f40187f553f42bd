/**
 * Strategy: a collection whose segments lie in a memory store that stands in for a bucket and tells what was asked of it, and
 * databases that come and go on it with a warm cache in a real directory. Whatever the directory holds, answers are those of a
 * database without one; what a database may read there it does not ask the bucket for; and `usage` says from where it came.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open } from '../../core/index.js';
import type { Collection, Database, OpenOptions, QueryResult, RecordInput } from '../../core/index.js';
import { memoryStore, usageBetween } from '../../core/store/index.js';
import type { ByteRange, GetResult, ObjectStore } from '../../core/store/index.js';
import { failure, newBench, scratchDirectory, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';
import { MapCache } from '../store/map-cache.js';
import { SlowStore } from '../store/slow-store.js';

const ROWS = 3_000;
const DIMENSION = 16;

function vectorOf(i: number): number[] {
  return Array.from({ length: DIMENSION }, (_, d) => Math.sin(i * 13 + d * 7 + (i % 17)));
}

interface World extends Bench {
  /** Keys of segments, deletions and windows of which the bucket was asked for bytes. */
  readonly asked: string[];
  readonly directory: string;
  /** Spoils what the bucket answers from now on. */
  spoil: ((key: string, result: GetResult, range: ByteRange | undefined) => GetResult) | undefined;
  readonly openWarm: (options?: OpenOptions) => Promise<Database>;
}

function newWorld(): World {
  const asked: string[] = [];
  const bench = newBench((inner: ObjectStore) =>
    storeOver(inner, {
      get: async (key, options) => {
        if (/\/seg\/.*\.(?:seg|del|win)$/.test(key)) asked.push(key);
        const result = await inner.get(key, options);
        return world.spoil?.(key, result, options?.range) ?? result;
      },
    }),
  );
  const directory = scratchDirectory();
  const openWarm = (options: OpenOptions = {}): Promise<Database> =>
    bench.openAgain({ warmCache: { directory }, ...options });
  const world: World = { ...bench, asked, directory, spoil: undefined, openWarm };
  return world;
}

/** Two segments, one of them with deletions. */
async function fill(world: World, name: string): Promise<void> {
  const db = await world.openAgain();
  const c = await db.createCollection(name, { dimension: DIMENSION, metric: 'euclidean' });
  const rows = (from: number, to: number): RecordInput[] =>
    Array.from({ length: to - from }, (_, i) => ({
      id: `r${from + i}`,
      vector: vectorOf(from + i),
      metadata: { n: from + i, text: `${name} ${from + i}`.repeat(4) },
    }));
  await c.upsert(rows(0, ROWS));
  await c.compact();
  await c.upsert(rows(ROWS, ROWS + 100));
  await c.delete({ ids: ['r1', 'r2', 'r500'] });
  await c.compact();
  await db.close();
  world.asked.length = 0;
}

const queries = [
  { vector: vectorOf(7), k: 20 },
  { vector: vectorOf(1_234), k: 5, filter: { n: { $gte: 1_000 } }, include: ['metadata.n', 'vector'] },
  { vector: vectorOf(2), k: 3, filter: { text: { $contains: 'a 29' } } },
] as const;

async function askAll(c: Collection): Promise<{ answers: unknown; temperatures: string[] }> {
  const results: QueryResult[] = [];
  for (const query of queries) results.push(await c.query(query));
  const { records } = await c.fetch({ ids: ['r1', 'r3', 'r3050'] });
  const { records: scanned } = await c.scan({ limit: 7 });
  return {
    answers: [results.map(({ matches }) => matches), records, scanned],
    temperatures: results.map(({ usage }) => usage.temperature),
  };
}

async function askOnce(db: Database, name: string): Promise<Awaited<ReturnType<typeof askAll>>> {
  const asked = await askAll(db.collection(name));
  await db.close();
  return asked;
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((path) => join(directory, path))
    .filter((path) => statSync(path).isFile())
    .toSorted();
}

describe('a restart', () => {
  test('reads nothing from the bucket that the process before it has read, and answers the same', async () => {
    const world = newWorld();
    await fill(world, 'a');
    const { answers } = await askOnce(await world.openAgain(), 'a');
    const cold = await askOnce(await world.openWarm(), 'a');
    expect(cold).toMatchObject({ answers, temperatures: ['cold', expect.any(String), expect.any(String)] });
    expect(world.asked.length).toBeGreaterThan(3);
    world.asked.length = 0;
    const db = await world.openWarm();
    const first = await db.collection('a').query(queries[0]);
    expect(first.usage).toMatchObject({ temperature: 'warm', loaded: true });
    expect(first.usage.warmReads).toBeGreaterThan(2);
    expect(first.usage.warmBytes).toBeGreaterThan(ROWS * DIMENSION);
    const again = await askAll(db.collection('a'));
    expect(again.answers).toEqual(answers);
    expect(again.temperatures[0]).toBe('hot');
    expect(world.asked).toEqual([]);
    const { warmReads, warmBytes, requests, bytesRead } = db.storeUsage();
    expect(warmBytes).toBeGreaterThanOrEqual(first.usage.warmBytes);
    expect(warmReads).toBeGreaterThanOrEqual(first.usage.warmReads);
    // Catalog, heads, probes and the root: none of it large.
    expect(bytesRead).toBeLessThan(40_000);
    expect(requests).toBeGreaterThan(0);
    await db.close();
  });

  test('counts no hit among its requests', async () => {
    const world = newWorld();
    await fill(world, 'a');
    await askOnce(await world.openWarm(), 'a');
    const db = await world.openWarm();
    const { usage } = await db.collection('a').query(queries[0]);
    // The entry of the catalog; head and list; probe and head.
    expect(usage.requests).toBeLessThanOrEqual(5);
    await db.close();
  });
});

describe('temperature without a cache', () => {
  test('cold, then hot, also where others have written meanwhile', async () => {
    const world = newWorld();
    await fill(world, 'a');
    const [db, other] = [await world.openAgain(), await world.openAgain()];
    const ask = async (): Promise<string> => (await db.collection('a').query(queries[0])).usage.temperature;
    expect(await ask()).toBe('cold');
    expect(await ask()).toBe('hot');
    await other.collection('a').upsert([{ id: 'new', vector: vectorOf(9) }]);
    await askAll(db.collection('a'));
    expect(await ask()).toBe('hot');
    await Promise.all([db.close(), other.close()]);
  });

  test('of a log alone: cold where it was loaded for the call, and as of what is folded', async () => {
    const world = newWorld();
    const db = await world.openAgain();
    const c = await db.createCollection('log', { dimension: 2 });
    await c.upsert([{ id: 'a', vector: [1, 2] }]);
    const { sequence } = await c.upsert([{ id: 'b', vector: [2, 1] }]);
    const fresh = await world.openAgain();
    const ask = async (asOf?: number): Promise<string> => {
      const seen = asOf === undefined ? {} : { asOf };
      return (await fresh.collection('log').query({ vector: [1, 1], ...seen })).usage.temperature;
    };
    expect([await ask(), await ask(), await ask(sequence - 1)]).toEqual(['cold', 'hot', 'hot']);
    await c.createSnapshot({ name: 'before', asOf: sequence - 1 });
    await c.compact();
    // Until the state has moved over the new segment it still holds that sequence.
    await ask();
    await ask();
    expect([await ask(sequence - 1), await ask(sequence - 1)]).toEqual(['cold', 'cold']);
    await Promise.all([db.close(), fresh.close()]);
  });
});

describe('a directory that was tampered with', () => {
  const flip = (bytes: Buffer): Buffer => {
    bytes[Math.floor(bytes.length * 0.7)]! ^= 4;
    return bytes;
  };
  const damages: readonly (readonly [string, (bytes: Buffer, others: readonly Buffer[]) => Buffer])[] = [
    ['a bit of each file', flip],
    ['the end of each file', (bytes) => bytes.subarray(0, bytes.length - 9)],
    ['all of each file', () => Buffer.alloc(0)],
    ['each file for the next one', (bytes, others) => others.find((other) => !other.equals(bytes))!],
  ];
  test.each(damages)('answers the same, from the bucket, and is put right: %s', async (_, damage) => {
    const world = newWorld();
    await fill(world, 'a');
    const { answers } = await askOnce(await world.openWarm(), 'a');
    const paths = filesIn(world.directory);
    const sound = paths.map((path) => readFileSync(path));
    expect(paths.length).toBeGreaterThan(3);
    for (const [i, path] of paths.entries())
      writeFileSync(path, damage(Buffer.from(sound[i]!), sound.slice(i + 1).concat(sound)));
    world.asked.length = 0;
    const damaged = await askOnce(await world.openWarm(), 'a');
    expect(damaged.answers).toEqual(answers);
    expect(damaged.temperatures[0]).toBe('cold');
    expect(world.asked.length).toBeGreaterThan(3);
    world.asked.length = 0;
    expect((await askOnce(await world.openWarm(), 'a')).answers).toEqual(answers);
    expect(world.asked).toEqual([]);
  });

  test('keeps no damage that came from the bucket', async () => {
    const world = newWorld();
    await fill(world, 'a');
    const { answers } = await askOnce(await world.openAgain(), 'a');
    for (const kind of ['.seg', '.del', '.win']) {
      const directory = scratchDirectory();
      const openThere = (): Promise<Database> => world.openWarm({ warmCache: { directory } });
      world.spoil = (key, result) => {
        // What is damaged would have a sound copy.
        if (key.endsWith('/root')) return { status: 'absent' };
        if (!key.endsWith(kind) || result.status !== 'found') return result;
        return { ...result, bytes: flip(Buffer.from(result.bytes)) };
      };
      const db = await openThere();
      await failure(async () => await askAll(db.collection('a')), {
        kind: 'corrupt',
        code: 'corrupt_object',
      });
      await db.close();
      expect(filesIn(directory).length).toBeGreaterThan(0);
      world.spoil = undefined;
      expect((await askOnce(await openThere(), 'a')).answers).toEqual(answers);
    }
  });
});

test('a scrub reads the bucket, whatever the cache holds', async () => {
  const world = newWorld();
  await fill(world, 'a');
  await askOnce(await world.openWarm(), 'a');
  const db = await world.openWarm();
  const before = db.storeUsage();
  const { errorsTotal, requests, bytesRead } = await db.scrub();
  expect(errorsTotal).toBe(0);
  // All of it counts as what the bucket was asked for.
  expect(bytesRead).toBeGreaterThan(4 * ROWS * DIMENSION);
  expect(usageBetween(before, db.storeUsage())).toMatchObject({ requests, bytesRead, warmReads: 0 });
  // Only the tail, which the cache holds: what is read in one pass passes it anyway.
  world.spoil = (key, result, { offset, length } = { offset: 0, length: Infinity }) => {
    if (!key.endsWith('.seg') || result.status !== 'found' || offset + length < result.size) return result;
    const bytes = result.bytes.slice();
    bytes[bytes.length - 1]! ^= 1;
    return { ...result, bytes };
  };
  const { collections } = await db.scrub();
  expect(collections[0]!.findings.filter(({ severity }) => severity === 'error')).not.toEqual([]);
  await db.close();
});

test('answers of the cache make no read of the bucket look slow', async () => {
  const slow = new SlowStore(memoryStore({ clock: { wallMs: () => 1_000 } }));
  slow.waitOf = (at) => 20 + ((at * 7) % 5);
  const clock = { ...slow.clock, wallMs: () => 1_000 + slow.nowMs };
  const options = { store: slow, clock, sleep: slow.sleep };
  const wide = 256;
  const filling = await open('slow:', options);
  const c = await slow.runUntil(filling.createCollection('a', { dimension: wide }));
  const vectors = Float32Array.from({ length: ROWS * wide }, (_, i) => Math.sin(i));
  await slow.runUntil(c.upsert({ ids: Array.from({ length: ROWS }, (_, i) => `r${i}`), vectors }));
  await slow.runUntil(c.compact());
  await slow.runUntil(filling.close());
  // So little memory that pages are read again and again.
  const small = { warmCache: new MapCache(), hedgeReads: true, memoryBudgetBytes: 1024 * 1024 };
  const db = await open('slow:', { ...options, ...small });
  const pages = Array.from({ length: ROWS / 16 }, (_, page) => `r${16 * page}`);
  const before = slow.options.length;
  for (const [at, id] of pages.entries()) {
    const ids = [id, ...Array.from({ length: 10 }, (_, hit) => pages[(37 * hit + 5 * at) % (at + 1)]!)];
    for (const one of ids) await slow.runUntil(db.collection('a').fetch({ ids: [one] }));
  }
  const sent = slow.options.slice(before).filter((asked) => asked?.range !== undefined);
  const once = new Set(sent.map((asked) => `${asked!.range!.offset} ${asked!.range!.length}`)).size;
  expect(db.storeUsage().warmReads).toBeGreaterThan(30 * once);
  expect(once).toBeGreaterThan(20);
  expect(sent.length - once).toBeLessThanOrEqual(once / 10);
  await slow.runUntil(db.close());
});

test('collections and stores that share a directory see each their own', async () => {
  const [one, other] = [newWorld(), newWorld()];
  const warmCache = { directory: one.directory };
  await fill(one, 'a');
  await fill(one, 'b');
  await fill(other, 'a');
  const expected = await Promise.all([
    askOnce(await one.openAgain(), 'a'),
    askOnce(await one.openAgain(), 'b'),
    askOnce(await other.openAgain(), 'a'),
  ]);
  for (let round = 0; round < 2; round++) {
    const found = [
      await askOnce(await one.openWarm(), 'a'),
      await askOnce(await one.openWarm(), 'b'),
      await askOnce(await other.openWarm({ warmCache }), 'a'),
    ];
    expect(found.map(({ answers }) => answers)).toEqual(expected.map(({ answers }) => answers));
  }
  // One folder for each collection of each store; stores of one description, as these are, differ by the uids of theirs.
  const folders = readdirSync(join(one.directory, 'cairn-warm')).filter((name) => name !== 'tmp');
  expect(folders.flatMap((store) => readdirSync(join(one.directory, 'cairn-warm', store)))).toHaveLength(3);
});

test('is refused where it is of no use, and where it is none', async () => {
  const directory = scratchDirectory();
  for (const url of ['memory:', `file:${directory}`])
    await failure(() => open(url, { warmCache: { directory } }), {
      kind: 'invalid',
      code: 'warm_cache_unfit',
    });
  const world = newWorld();
  for (const warmCache of [{}, { directory: '' }, { directory: 7 }, 'here', { directory, size: 1 }])
    await failure(() => world.openWarm({ warmCache: warmCache as never }), {
      kind: 'invalid',
      code: expect.any(String) as never,
    });
  await failure(() => world.openWarm({ warmCache: { directory, bytes: 1 } }), {
    kind: 'invalid',
    code: 'invalid_request',
  });
});
