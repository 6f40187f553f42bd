/**
 * The root of a collection. Strategy: a cold query is asked on a store that tells which keys were read, once as the root was put
 * and once for each way in which it can be wrong; the answers are those of a store without one, always, and what the root
 * has no sound copy of is read from where it lies, and nothing else.
 */
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import type { Uid } from '../../core/base/ids.js';
import type { Collection, Database } from '../../core/index.js';
import { headKey, openRoot, rootKey, sealRoot } from '../../core/log/index.js';
import type { PartCopy } from '../../core/log/index.js';
import { openHead } from '../../core/log/head-codec.js';
import type { Head } from '../../core/log/head.js';
import { encodeDeletions, openDeletions } from '../../core/segment/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { digests } from '../log/fixture.js';
import { failure, fenceSleep, newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

const DIMENSION = 4;
const QUERY = { vector: [3, 1, 0, 2], k: 7 };

const recordsFrom = (
  from: number,
  count: number,
): { id: string; vector: number[]; metadata: { n: number } }[] =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return { id: `r${n}`, vector: [n % 7, n % 5, n % 3, n % 11], metadata: { n } };
  });

interface World extends Bench {
  readonly db: Database;
  readonly c: Collection;
  readonly uid: Uid;
}

async function uidOf({ store }: Bench, skip: readonly Uid[] = []): Promise<Uid> {
  const heads = (await store.list('c/')).filter(({ key }) => key.endsWith('/head'));
  return heads.map(({ key }) => key.split('/')[1] as Uid).find((uid) => !skip.includes(uid))!;
}

async function emptyWorld(): Promise<World> {
  const bench = newBench();
  const db = await bench.openAgain({ tier: 'server', sleep: fenceSleep(bench.clock) });
  const c = await db.createCollection('c', { dimension: DIMENSION, metric: 'euclidean' });
  return { ...bench, db, c, uid: await uidOf(bench) };
}

/** A segment, another over it, deletions and a window. */
async function twoSegments(): Promise<World> {
  const world = await emptyWorld();
  await world.c.upsert(recordsFrom(0, 60));
  await world.c.compact({ minor: true });
  await world.c.upsert(recordsFrom(50, 20));
  await world.c.compact({ minor: true });
  return world;
}

async function bytesOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const got = await store.get(key);
  if (got.status !== 'found') throw new Error(`no ${key}`);
  return got.bytes;
}

const headOf = async ({ store, uid }: World): Promise<Head> =>
  openHead(digests, uid, await bytesOf(store, headKey(uid)));

const copiesIn = async ({ store, uid }: World): Promise<readonly PartCopy[]> => [
  ...openRoot(digests, uid, await bytesOf(store, rootKey(uid))).values(),
];

/** Whatever is put there, its envelope is sound. */
async function putCopies({ store, uid }: World, copies: readonly PartCopy[]): Promise<void> {
  await store.put(rootKey(uid), sealRoot(digests, uid, copies), { if: 'any' });
}

const isStored = async ({ store, uid }: World, root: Uint8Array): Promise<boolean> =>
  Buffer.from(root).equals(await bytesOf(store, rootKey(uid)));

interface Asked {
  readonly answer: unknown;
  /** Objects that the head names, as far as they were read whole or from their tails, without the prefix. */
  readonly named: readonly string[];
  readonly rootReads: number;
  readonly roundTrips: number;
}

const NOT_THERE = { status: 'absent' } as const;

/** The first query of a process. */
async function ask(
  world: World,
  root: (read: ReturnType<ObjectStore['get']>) => ReturnType<ObjectStore['get']> = (read) => read,
): Promise<Asked> {
  const { segments } = await headOf(world);
  const tails = new Map(segments.map(({ key, bytes, tailBytes }) => [key, bytes - tailBytes]));
  const named: string[] = [];
  let rootReads = 0;
  const store = storeOver(world.store, {
    get: (key, options) => {
      const read = (): ReturnType<ObjectStore['get']> => world.store.get(key, options);
      if (key === rootKey(world.uid)) {
        rootReads++;
        return root(read());
      }
      const whole = /\.(del|win)$/.test(key) || options?.range?.offset === tails.get(key);
      if (whole && key.includes('/seg/')) named.push(key);
      return read();
    },
  });
  const db = await world.openAgain({ store, tier: 'server' });
  const { matches, sequence } = await db.collection('c').query(QUERY);
  const { count } = await db.collection('c').count();
  const { roundTrips } = db.storeUsage();
  await db.close();
  return { answer: { matches, sequence, count }, named: named.toSorted(), rootReads, roundTrips };
}

const withoutRoot = (world: World): Promise<Asked> => ask(world, async () => NOT_THERE);

function namedBy({ segments, window }: Head): string[] {
  const deletions = segments.flatMap((segment) => segment.deletions?.key ?? []);
  return [...segments.map(({ key }) => key), ...deletions, window!.key].toSorted();
}

describe('a cold query', () => {
  test('takes the name, then head, list and root together, then what it searches', async () => {
    const world = await twoSegments();
    const head = await headOf(world);
    expect(head.segments).toHaveLength(2);
    expect(namedBy(head)).toHaveLength(4);
    const without = await withoutRoot(world);
    expect(without.named).toEqual(namedBy(head));
    const { answer, named, rootReads, roundTrips } = await ask(world);
    expect(named).toEqual([]);
    expect(rootReads).toBe(1);
    expect(answer).toEqual(without.answer);
    expect(roundTrips).toBe(without.roundTrips - 1);
  });

  test('asks for the root before the head has arrived', async () => {
    const world = await twoSegments();
    let asked = (): void => {};
    const rootAsked = new Promise<void>((resolve) => (asked = resolve));
    const store = storeOver(world.store, {
      get: async (key, options) => {
        if (key === rootKey(world.uid)) asked();
        if (key === headKey(world.uid)) await rootAsked;
        return await world.store.get(key, options);
      },
    });
    const db = await world.openAgain({ store });
    expect((await db.collection('c').query(QUERY)).matches).toHaveLength(QUERY.k);
    await db.close();
  });

  test('does not wait for the root of a collection without segments', async () => {
    const world = await emptyWorld();
    await world.c.upsert(recordsFrom(0, 3));
    expect((await ask(world, () => new Promise(() => {}))).answer).toMatchObject({ count: 3 });
    expect(await world.store.get(rootKey(world.uid))).toMatchObject(NOT_THERE);
  });

  test('asks for it once: a state that is loaded again finds its segments open', async () => {
    const world = await twoSegments();
    let reads = 0;
    const store = storeOver(world.store, {
      get: (key, options) => {
        if (key === rootKey(world.uid)) reads++;
        return world.store.get(key, options);
      },
    });
    const db = await world.openAgain({ store });
    await db.collection('c').query(QUERY);
    // A slot that goes back to another state makes every process load anew.
    const { sequence } = await world.c.createSnapshot({ name: 's' });
    await world.c.upsert(recordsFrom(100, 1));
    await world.c.restoreTo({ snapshot: 's' });
    expect((await db.collection('c').query(QUERY)).sequence).toBeGreaterThan(sequence);
    expect(reads).toBe(1);
    await db.close();
  });
});

describe('a root that is not what it should be', () => {
  const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = bytes.slice();
    copy[at]! ^= 1;
    return copy;
  };

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['with a flipped bit in its header', (bytes) => flipped(bytes, 30)],
    ['with a flipped bit in its entries', (bytes) => flipped(bytes, 90)],
    ['with a flipped bit in a copy', (bytes) => flipped(bytes, bytes.length - 200)],
    ['with a flipped bit in its table', (bytes) => flipped(bytes, bytes.length - 10)],
    ['that was cut', (bytes) => bytes.slice(0, 1_000)],
    ['that is empty', () => new Uint8Array(0)],
    ['with more behind it', (bytes) => Uint8Array.of(...bytes, 0)],
    [
      'that is far too large',
      (bytes) => Uint8Array.from({ length: 2 * limits.rootBytes }, (_, i) => bytes[i] ?? 0),
    ],
  ])('%s changes nothing', async (_, damage) => {
    const world = await twoSegments();
    const without = await withoutRoot(world);
    const key = rootKey(world.uid);
    await world.store.put(key, damage(await bytesOf(world.store, key)), { if: 'any' });
    expect(await ask(world)).toEqual({ ...without, rootReads: 1 });
  });

  test.each<[string, () => ReturnType<ObjectStore['get']>]>([
    ['fails', () => Promise.reject(new Error('the store is on fire'))],
    ['is answered with nothing', async () => ({ ...NOT_THERE, status: 'unchanged' }) as const],
  ])('whose read %s changes nothing', async (_, read) => {
    const world = await twoSegments();
    const without = await withoutRoot(world);
    expect(await ask(world, read)).toEqual(without);
  });

  test('of another collection, copied here, is not used', async () => {
    const world = await twoSegments();
    const other = await world.db.createCollection('other', { dimension: DIMENSION, metric: 'euclidean' });
    await other.upsert(recordsFrom(0, 60));
    await other.compact({ minor: true });
    const foreign = await bytesOf(world.store, rootKey(await uidOf(world, [world.uid])));
    await world.store.put(rootKey(world.uid), foreign, { if: 'any' });
    const without = await withoutRoot(world);
    expect(await ask(world)).toEqual(without);
  });

  test('with a copy of each kind that says another thing, in a sound envelope, is used for the others', async () => {
    const world = await twoSegments();
    const { answer } = await withoutRoot(world);
    const sound = await copiesIn(world);
    const kinds = new Set<string>();
    for (const hostile of sound) {
      kinds.add(hostile.key.slice(-4));
      for (const bytes of [
        flipped(hostile.bytes, 0),
        flipped(hostile.bytes, hostile.bytes.length - 100),
        flipped(hostile.bytes, hostile.bytes.length - 20),
        hostile.bytes.slice(8),
        new Uint8Array(hostile.bytes.length),
        new Uint8Array(0),
        sound.find(({ key }) => key !== hostile.key)!.bytes,
      ]) {
        await putCopies(
          world,
          sound.map((copy) => (copy === hostile ? { ...hostile, bytes } : copy)),
        );
        expect(await ask(world)).toMatchObject({ answer, named: [hostile.key] });
      }
      // As a segment of this name that had another footer.
      await putCopies(
        world,
        sound.map((copy) => (copy === hostile ? { ...hostile, sha256: '0'.repeat(64) } : copy)),
      );
      expect(await ask(world)).toMatchObject({ answer, named: [hostile.key] });
    }
    expect([...kinds].toSorted()).toEqual(['.del', '.seg', '.win']);
  });

  test('with sound deletions that are not those of the head is used for the others', async () => {
    const world = await twoSegments();
    const { answer } = await withoutRoot(world);
    const copies = await copiesIn(world);
    const ofHead = copies.find(({ key }) => key.endsWith('.del'))!;
    const { rows, ...deletions } = openDeletions(digests, ofHead.key, ofHead.bytes, 60);
    const bytes = encodeDeletions(digests, ofHead.key, { ...deletions, rows, dead: deletions.dead.fill(15) });
    await putCopies(
      world,
      copies.map((copy) => (copy === ofHead ? { ...copy, bytes } : copy)),
    );
    expect(await ask(world)).toMatchObject({ answer, named: [ofHead.key] });
  });

  test('that lacks some copies is used for the others', async () => {
    const world = await twoSegments();
    const { answer } = await withoutRoot(world);
    const sound = await copiesIn(world);
    for (const missing of sound) {
      await putCopies(
        world,
        sound.filter((copy) => copy !== missing),
      );
      expect(await ask(world)).toMatchObject({ answer, named: [missing.key] });
    }
  });

  test('of an older head is used for what this one still names', async () => {
    const world = await twoSegments();
    const key = rootKey(world.uid);
    const stale = await bytesOf(world.store, key);
    await world.c.upsert(recordsFrom(200, 10));
    await world.c.compact({ minor: true });
    const [kept] = await headOf(world).then(({ segments }) => segments);
    await world.store.put(key, stale, { if: 'any' });
    const without = await withoutRoot(world);
    const asked = await ask(world);
    expect(asked.answer).toEqual(without.answer);
    expect(asked.named).not.toContain(kept!.key);
    expect(asked.named.length).toBeGreaterThan(0);
    // All of it was replaced by one.
    await world.c.upsert(recordsFrom(300, 2_000));
    await world.c.compact();
    await world.store.put(key, stale, { if: 'any' });
    const replaced = await ask(world);
    expect(await headOf(world)).toMatchObject({ segments: [expect.anything()] });
    expect(replaced).toEqual(await withoutRoot(world));
  });
});

describe('a segment that is missing, and whose tail the root has', () => {
  test.each<[string, (c: Collection) => Promise<unknown>]>([
    ['a query', (c) => c.query({ ...QUERY, include: ['metadata'] })],
    ['a patch', (c) => c.patch({ records: [{ id: 'r3', metadata: { n: -1 } }] })],
    ['a fold that has to mark its rows', (c) => c.compact({ minor: true })],
    ['a merge', (c) => c.compact()],
  ])('is told by %s as what it is', async (_, call) => {
    const world = await twoSegments();
    await world.c.upsert(recordsFrom(0, 5));
    await world.db.close();
    const { key } = (await headOf(world)).segments[0]!;
    await world.store.delete([key]);
    const db = await world.openAgain({ tier: 'server' });
    const before = db.storeUsage().requests;
    const error = await failure(() => call(db.collection('c')), { kind: 'corrupt', code: 'corrupt_object' });
    expect(error.details).toMatchObject({ key });
    expect(db.storeUsage().requests - before).toBeLessThan(40);
    await db.close();
  });
});

describe('a compaction', () => {
  test('puts copies of all that the new head names, and reads only what it has not', async () => {
    const world = await twoSegments();
    const shown = async (): Promise<string[]> => (await copiesIn(world)).map(({ key }) => key).toSorted();
    expect(await shown()).toEqual(namedBy(await headOf(world)));
    const ranges: string[] = [];
    const store = storeOver(world.store, {
      get: (key, options) => {
        if (options?.range !== undefined) ranges.push(key);
        return world.store.get(key, options);
      },
    });
    await world.c.upsert(recordsFrom(400, 1));
    const before = await headOf(world);
    const db = await world.openAgain({ store, tier: 'server' });
    await db.collection('c').query(QUERY);
    ranges.length = 0;
    await db.collection('c').compact({ minor: true });
    const head = await headOf(world);
    const [made] = head.segments.filter(({ key }) => before.segments.every((old) => old.key !== key));
    expect(await shown()).toEqual(namedBy(head));
    // The root, and the tail of the segment that was made: once for the root, once as this process goes on to the new head.
    expect(ranges.filter((key) => key === rootKey(world.uid))).toHaveLength(1);
    expect(ranges.filter((key) => key === made!.key)).toHaveLength(2);
    expect(ranges.filter((key) => before.segments.some((old) => old.key === key))).toEqual([]);
    expect((await ask(world)).named).toEqual([]);
    await db.close();
  });

  test('makes a root where there is none, and over one that is damaged', async () => {
    const world = await twoSegments();
    for (const spoil of [
      () => world.store.delete([rootKey(world.uid)]),
      () => world.store.put(rootKey(world.uid), new Uint8Array(100), { if: 'any' }),
    ]) {
      await spoil();
      await world.c.upsert(recordsFrom(500, 1));
      await world.c.compact({ minor: true });
      expect((await ask(world)).named).toEqual([]);
    }
  });

  test.each(['get', 'put'] as const)('is done where the %s of the root fails', async (method) => {
    const world = await twoSegments();
    const before = await bytesOf(world.store, rootKey(world.uid));
    const store = storeOver(world.store, {
      [method]: (key: string, ...rest: unknown[]) =>
        key === rootKey(world.uid)
          ? Promise.reject(new Error('the store is on fire'))
          : (world.store[method] as (...all: unknown[]) => unknown)(key, ...rest),
    });
    const db = await world.openAgain({ store });
    await db.collection('c').upsert(recordsFrom(600, 5));
    expect(await db.collection('c').compact({ minor: true })).toMatchObject({ foldedSlots: 1 });
    await db.close();
    expect(await isStored(world, before)).toBe(true);
    expect((await headOf(world)).segments).toHaveLength(3);
    expect((await ask(world)).answer).toEqual((await withoutRoot(world)).answer);
  });

  test('puts one without copies of a head without segments, where there was another', async () => {
    const world = await emptyWorld();
    await world.c.upsert(recordsFrom(0, 60));
    await world.c.compact({ minor: true });
    await world.c.delete({ filter: { n: { $gte: 0 } } });
    // All rows are dead, and the segment is there.
    await world.c.compact({ minor: true });
    expect((await headOf(world)).segments).toMatchObject([{ rows: 60, live: 0 }]);
    expect((await world.store.get(rootKey(world.uid))).status).toBe('found');
    await world.c.compact();
    expect((await headOf(world)).segments).toEqual([]);
    const root = await bytesOf(world.store, rootKey(world.uid));
    expect(root.length).toBeLessThan(100);
    // Nor is it waited for, though there is a window that it may have.
    expect((await headOf(world)).window).toBeDefined();
    expect((await ask(world, () => new Promise(() => {}))).answer).toMatchObject({ matches: [], count: 0 });
  });
});

describe('the root of a collection', () => {
  test('stays while that lives, and goes with it', async () => {
    const world = await twoSegments();
    await world.c.upsert(recordsFrom(700, 5));
    await world.c.compact();
    world.clock.advance(7 * 86_400_000);
    expect((await world.db.collect()).objects).toBeGreaterThan(0);
    expect((await ask(world)).named).toEqual([]);
    await world.db.dropCollection('c');
    await world.db.collect();
    expect((await world.store.list(`c/${world.uid}/`)).map(({ key }) => key)).toEqual([headKey(world.uid)]);
  });

  test('is known to a scrub, which tells of damage and finds no error in it', async () => {
    const world = await twoSegments();
    const sound = await world.db.scrub();
    expect(sound).toMatchObject({ errorsTotal: 0, noticesTotal: 0 });
    expect(sound.collections[0]!.checked).toEqual(sound.collections[0]!.stored);
    await world.store.put(rootKey(world.uid), new Uint8Array(100), { if: 'any' });
    const { collections, errorsTotal } = await world.db.scrub();
    expect(errorsTotal).toBe(0);
    expect(collections[0]!.findings).toMatchObject([{ code: 'root_unusable', key: rootKey(world.uid) }]);
  });

  test('that a branch gets by its own first fold has copies of what lies in its parent', async () => {
    const world = await twoSegments();
    await world.c.branch('other');
    const uid = await uidOf(world, [world.uid]);
    const other = world.db.collection('other');
    await other.upsert(recordsFrom(800, 5));
    await other.compact({ minor: true });
    const head = await headOf({ ...world, uid });
    const keys = (await copiesIn({ ...world, uid })).map(({ key }) => key).toSorted();
    expect(keys).toEqual(namedBy(head));
    expect(keys.some((key) => key.startsWith(`c/${world.uid}/`))).toBe(true);
  });
});
