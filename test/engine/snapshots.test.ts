/**
 * Snapshots and reads of the past. Strategy: one collection lives through rounds of writes, compactions and collections
 * by a clock of the test; after each round every state that must be kept is read by a process that was there all along
 * and by a new one, in every way there is to read, and compared with what a Map said when that state was the newest.
 */
import { describe, expect, test } from 'vitest';
import type { Collection, Database } from '../../core/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { failure, fenceSleep, newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

const HOUR_MS = 3_600_000;

interface Scene {
  readonly bench: Bench;
  readonly db: Database;
  readonly c: Collection;
  readonly model: Map<string, number>;
  readonly openAgain: () => Promise<Database>;
}

async function scene(): Promise<Scene> {
  const bench = newBench();
  const { clock } = bench;
  const sleep = fenceSleep(clock);
  const openAgain = (): Promise<Database> => bench.openAgain({ sleep });
  const db = await openAgain();
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  return { bench, db, c, model: new Map(), openAgain };
}

let round = 0;

/** Puts, replaces and deletes some; gives back the sequence. */
async function write({ c, model }: Scene): Promise<number> {
  round++;
  const records = Array.from({ length: 5 }, (_, i) => ({
    id: `r${(round * 3 + i) % 23}`,
    x: round * 100 + i,
  }));
  for (const { id, x } of records) model.set(id, x);
  const upsert = records.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { x } }));
  await c.upsert(upsert);
  const gone = `r${(round * 7) % 23}`;
  model.delete(gone);
  return (await c.delete({ ids: [gone] })).sequence;
}

async function compactAndCollect({ c, db, bench }: Scene): Promise<number> {
  await c.compact();
  bench.clock.advance(1_000);
  return (await db.collect()).objects;
}

/** The state as of a sequence, by every way to read. */
async function mustSee(c: Collection, asOf: number, expected: ReadonlyMap<string, number>): Promise<void> {
  const sorted = [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { records, sequence } = await c.scan({ asOf, limit: 1_000 });
  expect(records.map(({ id, metadata }) => [id, metadata!['x']])).toEqual(sorted);
  expect(sequence).toBe(asOf);
  expect(await c.count({ asOf })).toEqual({ count: sorted.length, sequence: asOf });
  const ids = [...Array(23).keys()].map((i) => `r${i}`);
  const fetched = await c.fetch({ asOf, ids, include: ['vector'] });
  expect(new Map(fetched.records.map(({ id, vector }) => [id, vector![0]]))).toEqual(expected);
  const { matches, sequence: of } = await c.query({ asOf, vector: [0, 1], k: 3, filter: { x: { $gte: 0 } } });
  const nearest = sorted.toSorted((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 3);
  expect(matches.map(({ id, metadata }) => [id, metadata!['x']])).toEqual(nearest);
  expect(of).toBe(asOf);
  const [id] = sorted[0]!;
  const [byId] = (await c.query({ asOf, id, k: 1 })).matches;
  expect(byId!.id).toBe(id);
}

async function objects({ bench }: Scene): Promise<readonly string[]> {
  return (await bench.store.list('c/')).map(({ key }) => key);
}

describe('a snapshot', () => {
  test('keeps its state, and no other, through writes, folds, merges and collections', async () => {
    const made = await scene();
    const { c, model } = made;
    const kept = new Map<number, ReadonlyMap<string, number>>();
    const passed: number[] = [];
    for (let step = 0; step < 12; step++) {
      // Some states are in the log alone, some have a part of it folded, some are folded whole.
      if (step % 3 === 1) await c.compact();
      const sequence = await write(made);
      if (step % 3 === 2) await c.compact();
      if (step % 2 === 0) {
        expect(await c.createSnapshot({ name: `s${step}` })).toMatchObject({ name: `s${step}`, sequence });
        kept.set(sequence, new Map(model));
      } else passed.push(sequence);
      await write(made);
      await compactAndCollect(made);
      const fresh = await made.openAgain();
      for (const [asOf, expected] of kept) {
        await mustSee(c, asOf, expected);
        await mustSee(fresh.collection('papers'), asOf, expected);
      }
      await fresh.close();
    }
    const refused = { kind: 'invalid', code: 'sequence_out_of_range', message: /no longer kept/ } as const;
    for (const asOf of passed) await failure(() => c.count({ asOf }), refused);
    expect(await c.listSnapshots()).toEqual(
      [...kept.keys()].map((sequence, i) => ({
        ...{ name: `s${2 * i}`, sequence, bytes: expect.any(Number) as number },
        createdAt: expect.stringMatching(/^2026-/) as string,
      })),
    );
  });

  test('goes with what it alone kept', async () => {
    const made = await scene();
    const { c } = made;
    await write(made);
    await compactAndCollect(made);
    const before = (await objects(made)).length;
    await write(made);
    await c.createSnapshot({ name: 'one' });
    const { sequence } = await c.createSnapshot();
    await write(made);
    await compactAndCollect(made);
    await compactAndCollect(made);
    expect((await objects(made)).length).toBeGreaterThan(before);
    await c.deleteSnapshot('one');
    await compactAndCollect(made);
    // Another keeps the same.
    expect(await c.count({ asOf: sequence })).toMatchObject({ sequence });
    await c.deleteSnapshot(`at-${sequence}`);
    await compactAndCollect(made);
    expect((await objects(made)).length).toBe(before);
    await failure(() => c.count({ asOf: sequence }), { kind: 'invalid', code: 'sequence_out_of_range' });
    const gone = { kind: 'not_found', code: 'snapshot_not_found' } as const;
    await failure(() => c.deleteSnapshot('one'), gone);
    expect(await c.listSnapshots()).toEqual([]);
  });

  test('of an older sequence is taken while that is kept', async () => {
    const made = await scene();
    const { c, model } = made;
    const old = await write(made);
    const seen = new Map(model);
    await write(made);
    await c.compact();
    await write(made);
    // Folded, and not collected yet.
    expect(await c.createSnapshot({ name: 'old', asOf: old })).toMatchObject({ sequence: old });
    await compactAndCollect(made);
    await compactAndCollect(made);
    await mustSee(c, old, seen);
    // What one keeps another may keep, too.
    expect(await c.createSnapshot({ name: 'older', asOf: 1 })).toMatchObject({ sequence: 1 });
    await c.deleteSnapshot('old');
    await compactAndCollect(made);
    expect(await c.count({ asOf: 1 })).toEqual({ count: 5, sequence: 1 });
    const late = {
      kind: 'invalid',
      code: 'sequence_out_of_range',
      message: /as_of 3 is no longer kept/,
    } as const;
    await failure(() => c.createSnapshot({ asOf: 3 }), late);
    const early = {
      kind: 'invalid',
      code: 'sequence_out_of_range',
      message: /has not happened yet/,
    } as const;
    await failure(() => c.createSnapshot({ asOf: 1_000 }), early);
  });

  test('has a name of its own', async () => {
    const made = await scene();
    const { c } = made;
    const asOf = await write(made);
    const first = await c.createSnapshot({ name: 'one', asOf });
    expect(await c.createSnapshot({ name: 'one', asOf })).toEqual(first);
    await write(made);
    const taken = {
      kind: 'conflict',
      code: 'snapshot_exists',
      message: /snapshot one exists already/,
    } as const;
    await failure(() => c.createSnapshot({ name: 'one' }), taken);
    await failure(() => c.createSnapshot({ name: 'a/b' }), { kind: 'invalid', code: 'invalid_name' });
    await failure(() => c.createSnapshot({ nam: 'x' } as never), {
      kind: 'invalid',
      code: 'unknown_field',
    });
    expect(await c.listSnapshots()).toHaveLength(1);
  });

  test('of an empty collection is empty', async () => {
    const made = await scene();
    expect(await made.c.createSnapshot({ name: 'empty' })).toMatchObject({ sequence: 0, bytes: 0 });
    await write(made);
    await compactAndCollect(made);
    expect(await made.c.count({ asOf: 0 })).toEqual({ count: 0, sequence: 0 });
  });

  test('goes with a collection that is dropped', async () => {
    const made = await scene();
    await write(made);
    await made.c.createSnapshot({ name: 'one' });
    await made.db.dropCollection('papers');
    await made.db.collect();
    // The tombstone.
    expect(await objects(made)).toHaveLength(1);
  });
});

describe('queries in one request', () => {
  test('may be of several states', async () => {
    const made = await scene();
    const { c, model } = made;
    const old = await write(made);
    const then = model.size;
    await c.createSnapshot({ name: 'old' });
    await write(made);
    await write(made);
    await compactAndCollect(made);
    const query = { vector: [0, 1], k: 100, include: [] };
    const answers = await c.queryMany([query, { ...query, asOf: old }, query]);
    expect(answers.map(({ matches }) => matches.length)).toEqual([model.size, then, model.size]);
    expect(answers.map(({ sequence }) => sequence)).toEqual([old + 4, old, old + 4]);
    const bad = { kind: 'invalid', code: 'sequence_out_of_range' } as const;
    await failure(() => c.queryMany([query, { ...query, asOf: 1_000 }]), bad);
  });
});

describe('retention', () => {
  test('keeps what was the newest state within its hours', async () => {
    const made = await scene();
    const { c, bench, model } = made;
    expect((await c.describe()).retentionHours).toBe(0);
    expect(await c.update({ retentionHours: 24 })).toMatchObject({ name: 'papers', retentionHours: 24 });
    const states: {
      readonly sequence: number;
      readonly seen: ReadonlyMap<string, number>;
      readonly ms: number;
    }[] = [];
    for (let step = 0; step < 20; step++) {
      const sequence = await write(made);
      states.push({ sequence, seen: new Map(model), ms: bench.clock.wallMs() });
      bench.clock.advance(2 * HOUR_MS);
      await compactAndCollect(made);
    }
    const nowMs = bench.clock.wallMs();
    for (const { sequence, seen, ms } of states) {
      if (nowMs - ms < 24 * HOUR_MS) await mustSee(c, sequence, seen);
      else if (nowMs - ms > 30 * HOUR_MS)
        await failure(() => c.count({ asOf: sequence }), { kind: 'invalid', code: 'sequence_out_of_range' });
    }
    const before = (await objects(made)).length;
    await c.update({ retentionHours: 0 });
    await compactAndCollect(made);
    expect((await objects(made)).length).toBeLessThan(before / 2);
    const last = states.at(-1)!;
    await failure(() => c.count({ asOf: last.sequence - 1 }), {
      kind: 'invalid',
      code: 'sequence_out_of_range',
    });
    await mustSee(c, last.sequence, last.seen);
  });

  test('is a whole number of hours, up to 366 days', async () => {
    const { c } = await scene();
    for (const [retentionHours, code] of [
      [-1, 'invalid_request'],
      [8_785, 'limit_exceeded'],
      [1.5, 'invalid_request'],
      [NaN, 'invalid_request'],
      ['24', 'invalid_request'],
    ] as const)
      await failure(() => c.update({ retentionHours: retentionHours as number }), { kind: 'invalid', code });
    await failure(() => c.update({} as never), { kind: 'invalid', code: 'invalid_request' });
    expect((await c.describe()).retentionHours).toBe(0);
  });
});

describe('a state that should be kept', () => {
  async function damaged(pick: (key: string) => boolean): Promise<Scene & { readonly asOf: number }> {
    const made = await scene();
    await write(made);
    await made.c.compact();
    const asOf = await write(made);
    await made.c.createSnapshot({ name: 'one' });
    await write(made);
    await compactAndCollect(made);
    await compactAndCollect(made);
    const keys = (await objects(made)).filter(pick);
    expect(keys.length).toBeGreaterThan(0);
    await made.bench.store.delete(keys);
    return { ...made, asOf };
  }

  test.each([
    ['a copy of a head', (key: string) => key.includes('/heads/')],
    ['slots', (key: string) => key.includes('/log/')],
    ['windows', (key: string) => key.endsWith('.win')],
    ['segments', (key: string) => key.endsWith('.seg')],
  ])('is corrupt where it lacks %s', async (_, pick) => {
    const { openAgain, asOf } = await damaged(pick);
    const fresh = await openAgain();
    await expect(fresh.collection('papers').count({ asOf, consistency: 'eventual' })).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'corrupt_object',
    });
  });
});

test('what reads of the past cost: constant requests, however long the history is', async () => {
  let reads = 0;
  const counted = (store: ObjectStore): ObjectStore =>
    storeOver(store, {
      get: (key, options) => {
        reads++;
        return store.get(key, options);
      },
    });
  const bench = newBench(counted);
  const sleep = fenceSleep(bench.clock);
  const db = await bench.openAgain({ sleep });
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  const made: Scene = { bench, db, c, model: new Map(), openAgain: () => bench.openAgain({ sleep }) };
  await c.update({ retentionHours: 24 });
  const [first] = [await write(made)];
  await c.createSnapshot({ name: 'first' });
  const costs: number[] = [];
  for (let step = 0; step < 6; step++) {
    for (let more = 0; more < 4; more++) {
      await write(made);
      await c.compact();
    }
    const before = reads;
    await c.count({ asOf: first, consistency: 'eventual' });
    costs.push(reads - before);
  }
  expect(new Set(costs.slice(1)).size).toBe(1);
});
