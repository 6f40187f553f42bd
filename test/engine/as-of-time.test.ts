/**
 * States by time. Strategy: one commit a second by a clock of the test, with folds and collections anywhere among them,
 * and then every half second is asked for, by a process that was there all along and by a new one: it is the state of
 * the last commit that is not younger.
 */
import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../core/base/dates.js';
import { limits } from '../../core/base/limits.js';
import type { Collection, Database } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';
import { failure, newBench } from './fixture.js';
import type { Bench } from './fixture.js';

interface Scene {
  readonly bench: Bench;
  readonly db: Database;
  readonly c: Collection;
  readonly openAgain: () => Promise<Database>;
  /** By sequence, from 1 on. */
  readonly committedMs: number[];
}

async function scene(retentionHours: number): Promise<Scene> {
  const bench = newBench();
  const openAgain = (): Promise<Database> =>
    bench.openAgain({
      sleep: async (ms, signal) => {
        if (ms === limits.fenceMs) bench.clock.advance(ms);
        else await systemSleep(ms, signal);
      },
    });
  const db = await openAgain();
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  await c.update({ retentionHours });
  bench.clock.advance(1_000);
  return { bench, db, c, openAgain, committedMs: [] };
}

/** The record of commit n is `n`, so that a count is a sequence. */
async function commit({ bench, c, committedMs }: Scene): Promise<void> {
  committedMs.push(bench.clock.wallMs());
  const id = String(committedMs.length);
  expect((await c.upsert([{ id, vector: [1, 1] }])).sequence).toBe(committedMs.length);
  bench.clock.advance(1_000);
}

const dateOf = (ms: number): string => new Date(ms).toISOString();
const outOfRange = { kind: 'invalid', code: 'sequence_out_of_range' } as const;

async function mustBeTold({ c, openAgain, committedMs }: Scene): Promise<void> {
  const fresh = await openAgain();
  for (const collection of [c, fresh.collection('papers')]) {
    for (const [i, ms] of committedMs.entries()) {
      for (const [at, count] of [
        [ms - 500, i],
        [ms, i + 1],
        [ms + 500, i + 1],
      ] as const)
        expect(await collection.count({ asOf: dateOf(at) }), dateOf(at)).toEqual({ count, sequence: count });
    }
  }
  await fresh.close();
}

describe('a time', () => {
  test('is the last commit that is not younger, wherever the slots lie', async () => {
    const made = await scene(1);
    for (let i = 0; i < 9; i++) {
      await commit(made);
      if (i % 3 === 1) await made.c.compact();
      if (i === 6) await made.db.collect();
    }
    await mustBeTold(made);
  });

  test('means the same in every spelling, and to every call', async () => {
    const made = await scene(1);
    for (let i = 0; i < 3; i++) await commit(made);
    await made.c.compact();
    const { c, committedMs } = made;
    const second = committedMs[1]!;
    for (const asOf of [dateOf(second), dateOf(second + 7_200_000).replace('Z', '+02:00')]) {
      expect((await c.scan({ asOf })).records.map(({ id }) => id)).toEqual(['1', '2']);
      expect((await c.fetch({ asOf, ids: ['2', '3'] })).records.map(({ id }) => id)).toEqual(['2']);
      expect((await c.query({ asOf, vector: [1, 1] })).sequence).toBe(2);
      expect((await c.queryMany([{ asOf, vector: [1, 1] }, { vector: [1, 1] }])).map(({ sequence }) => sequence)) // prettier-ignore
        .toEqual([2, 3]);
    }
    const asOf = dateOf(second);
    expect(await c.createSnapshot({ asOf })).toMatchObject({ name: 'at-2', sequence: 2 });
    expect(await c.branch('other', { asOf })).toEqual({ name: 'other', sequence: 2 });
    expect(await c.restoreTo({ asOf })).toEqual({ sequence: 4, restored: 2 });
    expect((await c.count()).count).toBe(2);
  });

  test('goes by labels, which never go back with a clock', async () => {
    const made = await scene(1);
    const { bench, c, committedMs } = made;
    await commit(made);
    bench.clock.advance(-200_000);
    const before = bench.clock.wallMs();
    await c.upsert([{ id: 'late', vector: [1, 1] }]);
    // Nobody was told of the second one at the time of the first, but that is where it stands.
    expect((await c.count({ asOf: dateOf(committedMs[0]!) })).sequence).toBe(1);
    expect((await c.count({ asOf: dateOf(committedMs[0]! + 1) })).sequence).toBe(2);
    await failure(() => c.count({ asOf: dateOf(before - HOUR_MS) }), outOfRange);
  });

  test('after a branch was made is one of its own, and before that there is none', async () => {
    const made = await scene(1);
    await commit(made);
    await commit(made);
    const { bench, c, db, committedMs } = made;
    await c.compact();
    await c.branch('other');
    const other = db.collection('other');
    bench.clock.advance(1_000);
    const ms = bench.clock.wallMs();
    await other.upsert([{ id: 'own', vector: [1, 1] }]);
    expect(await other.count({ asOf: dateOf(ms - 500) })).toEqual({ count: 2, sequence: 2 });
    expect(await other.count({ asOf: dateOf(ms) })).toEqual({ count: 3, sequence: 3 });
    await failure(() => other.count({ asOf: dateOf(committedMs[0]!) }), outOfRange);
    expect(await c.count({ asOf: dateOf(ms) })).toEqual({ count: 2, sequence: 2 });
  });

  test('that is to come, before the collection, or longer ago than is kept is refused', async () => {
    const made = await scene(1);
    await commit(made);
    await commit(made);
    const { bench, c, db, committedMs } = made;
    const now = bench.clock.wallMs();
    expect((await c.count({ asOf: dateOf(now + limits.writerClockSkewMs) })).sequence).toBe(2);
    await failure(() => c.count({ asOf: dateOf(now + limits.writerClockSkewMs + 1) }), {
      ...outOfRange,
      message: /is still to come/,
    });
    await failure(() => c.count({ asOf: dateOf(committedMs[0]! - 5_000) }), {
      ...outOfRange,
      message: /before the collection was made/,
    });
    await c.createSnapshot({ name: 'first', asOf: 1 });
    await c.compact();
    bench.clock.advance(2 * HOUR_MS);
    await commit(made);
    await c.compact();
    bench.clock.advance(2 * HOUR_MS);
    await db.collect();
    const gone = { ...outOfRange, message: /longer ago than superseded states are kept/ };
    for (const call of [
      () => c.count({ asOf: dateOf(committedMs[0]!) }),
      () => c.createSnapshot({ asOf: dateOf(committedMs[0]!) }),
      () => c.restoreTo({ asOf: dateOf(committedMs[0]!) }),
      () => c.branch('other', { asOf: dateOf(committedMs[0]!) }),
    ])
      await failure(call, gone);
    // A snapshot is read by its sequence.
    expect(await c.count({ asOf: 1 })).toEqual({ count: 1, sequence: 1 });
    expect((await c.count({ asOf: dateOf(bench.clock.wallMs()) })).sequence).toBe(3);
  });
});
