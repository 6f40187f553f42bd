/**
 * Branches. Strategy: parents, branches and branches of branches live through rounds of writes, restores, compactions,
 * collections and drops in orders drawn from a seed, each beside a Map; after each step all that live are what their
 * Maps say, to a process that was there and to a new one. In the end all but one are dropped, and the store holds
 * nothing that that one does not name.
 */
import { describe, expect, test } from 'vitest';
import type { Collection, Database } from '../../core/index.js';
import { accountingStore } from '../../core/store/index.js';
import { failure, fenceSleep, newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

type State = ReadonlyMap<string, number>;

interface Scene {
  readonly bench: Bench;
  readonly db: Database;
  readonly openAgain: () => Promise<Database>;
  /** The newest state of each collection that lives. */
  readonly states: Map<string, State>;
}

async function scene(): Promise<Scene> {
  const bench = newBench(accountingStore);
  const sleep = fenceSleep(bench.clock);
  const openAgain = (): Promise<Database> => bench.openAgain({ sleep });
  const db = await openAgain();
  await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  return { bench, db, openAgain, states: new Map([['papers', new Map()]]) };
}

let stamp = 0;

async function write({ db, bench, states }: Scene, name: string): Promise<number> {
  const c = db.collection(name);
  const next = new Map(states.get(name));
  const rows = Array.from({ length: 4 }, (_, i) => ({ id: `r${(stamp * 5 + i * 3) % 17}`, x: ++stamp }));
  for (const { id, x } of rows) next.set(id, x);
  await c.upsert(rows.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { x } })));
  const gone = `r${(stamp * 7) % 17}`;
  next.delete(gone);
  const hidden = `r${(stamp * 11) % 17}`;
  const { sequence } = await c.delete({ ids: [gone] });
  if (next.delete(hidden)) await c.delete({ ids: [hidden], soft: true });
  bench.clock.advance(1_000);
  states.set(name, next);
  return sequence;
}

async function branch({ db, states }: Scene, from: string, name: string): Promise<void> {
  await db.collection(from).branch(name);
  states.set(name, states.get(from)!);
}

async function drop({ db, states }: Scene, name: string): Promise<void> {
  await db.dropCollection(name);
  states.delete(name);
}

async function mustBe(c: Collection, expected: State): Promise<void> {
  const { records } = await c.scan({ limit: 1_000, include: ['vector', 'metadata'] });
  expect(new Map(records.map(({ id, vector }) => [id, vector![0]]))).toEqual(expected);
  expect((await c.count()).count).toBe(expected.size);
  const nearest = [...expected].toSorted((a, b) => a[1] - b[1])[0];
  const { matches } = await c.query({ vector: [0, 1], k: 1 });
  expect(matches[0]?.id).toBe(nearest?.[0]);
}

async function allAreRight({ db, openAgain, states }: Scene): Promise<void> {
  const other = await openAgain();
  for (const [name, state] of states) {
    await mustBe(db.collection(name), state);
    await mustBe(other.collection(name), state);
  }
  await other.close();
}

async function mustBeSound({ db }: Scene): Promise<void> {
  const { findings, collections } = await db.scrub();
  const all = [...findings, ...collections.flatMap((one) => one.findings)];
  expect(all.filter(({ severity }) => severity === 'error')).toEqual([]);
}

describe('a branch', () => {
  test('begins with what its parent was, and neither sees what becomes of the other', async () => {
    const made = await scene();
    await write(made, 'papers');
    await made.db.collection('papers').compact();
    await write(made, 'papers');
    await branch(made, 'papers', 'draft');
    await allAreRight(made);
    await write(made, 'papers');
    await write(made, 'draft');
    await allAreRight(made);
    for (const name of made.states.keys()) await made.db.collection(name).compact();
    await made.db.collect();
    await allAreRight(made);
    await mustBeSound(made);
  });

  test('outlives its parent', async () => {
    const made = await scene();
    await write(made, 'papers');
    await made.db.collection('papers').compact();
    await write(made, 'papers');
    await branch(made, 'papers', 'draft');
    await branch(made, 'draft', 'copy');
    await drop(made, 'papers');
    await drop(made, 'draft');
    for (let i = 0; i < 3; i++) await made.db.collect();
    await allAreRight(made);
    await mustBeSound(made);
    await write(made, 'copy');
    await made.db.collection('copy').compact();
    await allAreRight(made);
  });

  test('of a state that a snapshot keeps, of one that a restore brought back, and of an empty collection', async () => {
    const made = await scene();
    const { db, states } = made;
    await db.collection('papers').branch('empty');
    states.set('empty', new Map());
    await write(made, 'papers');
    const kept = states.get('papers')!;
    await db.collection('papers').createSnapshot({ name: 'kept' });
    await write(made, 'papers');
    await db.collection('papers').compact();
    await write(made, 'papers');
    await db.collect();
    await db.collection('papers').branch('old', { snapshot: 'kept' });
    states.set('old', kept);
    await db.collection('papers').restoreTo({ snapshot: 'kept' });
    states.set('papers', kept);
    await branch(made, 'papers', 'back');
    await allAreRight(made);
    for (const name of states.keys()) await write(made, name);
    for (const name of states.keys()) await db.collection(name).compact();
    await db.collect();
    await allAreRight(made);
    await mustBeSound(made);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'in any order of what may happen: seed %i',
    async (seed) => {
      const made = await scene();
      const { db, bench, states } = made;
      let word = seed * 2_654_435_761;
      const below = (n: number): number => {
        word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((word / 2 ** 32) * n);
      };
      const pick = (): string => [...states.keys()][below(states.size)]!;
      const snapshots: { readonly of: string; readonly name: string; readonly state: State }[] = [];
      for (let step = 0; step < 60; step++) {
        const dice = below(20);
        const name = pick();
        const c = db.collection(name);
        if (dice < 8) await write(made, name);
        else if (dice < 11) await c.compact();
        else if (dice < 13) await db.collect();
        else if (dice < 16 && states.size < 6) await branch(made, name, `b${step}`);
        else if (dice < 17 && states.size > 1) await drop(made, name);
        else if (dice < 18) {
          await c.createSnapshot({ name: `s${step}` });
          snapshots.push({ of: name, name: `s${step}`, state: states.get(name)! });
        } else if (dice < 19) await c.update({ retentionHours: below(2) });
        else {
          const own = snapshots.filter((one) => one.of === name).at(-1);
          if (own === undefined) continue;
          await c.restoreTo({ snapshot: own.name });
          states.set(name, own.state);
        }
        await allAreRight(made);
      }
      await mustBeSound(made);
      const last = pick();
      for (const name of [...states.keys()]) if (name !== last) await drop(made, name);
      const c = db.collection(last);
      await c.update({ retentionHours: 0 });
      for (const { name } of await c.listSnapshots()) await c.deleteSnapshot(name);
      // So that a merge takes all of it.
      for (let i = 0; i < 20; i++) await write(made, last);
      await c.compact();
      for (let i = 0; i < 8; i++) {
        bench.clock.advance(3_600_000);
        await db.collect();
      }
      await allAreRight(made);
      await mustBeSound(made);
      const segments = (await c.stats()).segments.map(({ key }) => key);
      const keys = (await bench.store.list('c/')).map(({ key }) => key);
      expect(keys.filter((key) => key.endsWith('.seg')).toSorted()).toEqual(segments.toSorted());
      const prefix = segments[0]!.split('seg/')[0]!;
      if (segments.every((key) => key.startsWith(prefix)))
        expect(keys.filter((key) => !key.startsWith(prefix) && !key.endsWith('/head'))).toEqual([]);
    },
    60_000,
  );

  test('takes as many requests of ten thousand rows as of ten', async () => {
    const counts: number[] = [];
    for (const rows of [10, 10_000]) {
      const made = await scene();
      const c = made.db.collection('papers');
      await c.upsert(Array.from({ length: rows }, (_, i) => ({ id: `r${i}`, vector: [i, 1] })));
      await c.compact();
      const before = made.db.storeUsage();
      await c.branch('draft');
      const after = made.db.storeUsage();
      counts.push(after.requests - before.requests);
      expect(after.bytesWritten - before.bytesWritten).toBeLessThan(20_000);
      expect((await made.db.collection('draft').count()).count).toBe(rows);
    }
    expect(counts[1]).toBe(counts[0]);
  });

  test('is refused where the name is taken, or the state is not kept', async () => {
    const made = await scene();
    const { db } = made;
    await write(made, 'papers');
    await branch(made, 'papers', 'draft');
    const c = db.collection('papers');
    await failure(() => c.branch('draft'), { kind: 'conflict', code: 'collection_exists' });
    await failure(() => c.branch('papers'), { kind: 'conflict', code: 'collection_exists' });
    await failure(() => c.branch('x', { snapshot: 'none' }), {
      kind: 'not_found',
      code: 'snapshot_not_found',
    });
    await failure(() => c.branch('x', { asOf: 99 }), { kind: 'invalid', code: 'sequence_out_of_range' });
    await failure(() => c.branch('a/b'), { kind: 'invalid', code: 'invalid_name' });
    await failure(() => db.collection('none').branch('x'), {
      kind: 'not_found',
      code: 'collection_not_found',
    });
    await drop(made, 'draft');
    await branch(made, 'papers', 'draft');
    await allAreRight(made);
    expect((await db.listCollections()).collections.map(({ name }) => name)).toEqual(['draft', 'papers']);
  });

  test('that nobody finished is given up after a day, and leaves nothing', async () => {
    const made = await scene();
    const { db, bench } = made;
    await write(made, 'papers');
    await db.collection('papers').compact();
    await write(made, 'papers');
    // Dies before it puts the head: everything else of the branch is there.
    const dying = await bench.openAgain({
      store: storeOver(bench.store, {
        put: async (key, bytes, options) => {
          if (key.endsWith('/head') && options.if === 'absent') throw new Error('it dies');
          return await bench.store.put(key, bytes, options);
        },
      }),
    });
    await expect(dying.collection('papers').branch('draft')).rejects.toThrow('it dies');
    await mustBeSound(made);
    const strangers = async (): Promise<number> => {
      const own = (await db.collection('papers').stats()).segments[0]!.key.split('seg/')[0]!;
      return (await bench.store.list('c/')).filter(({ key }) => !key.startsWith(own)).length;
    };
    expect(await strangers()).toBeGreaterThan(0);
    await db.collect();
    expect(await strangers()).toBeGreaterThan(1);
    bench.clock.advance(25 * 3_600_000);
    for (let i = 0; i < 3; i++) await db.collect();
    // Its tombstone.
    expect(await strangers()).toBe(1);
    await allAreRight(made);
    await mustBeSound(made);
  });
});
