/**
 * Restore in place. Strategy: one collection lives through rounds of writes, restores, compactions and collections by a
 * clock of the test, in orders drawn from a seed, beside a list of what a Map said at each sequence; all that is kept
 * is read again and again by a process that was there all along and by a new one.
 */
import { describe, expect, test } from 'vitest';
import type { Collection, Database } from '../../core/index.js';
import { failure, fenceSleep, newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';

interface Scene {
  readonly bench: Bench;
  readonly db: Database;
  readonly c: Collection;
  /** What was there at each sequence. */
  readonly states: Map<number, ReadonlyMap<string, number>>;
  readonly openAgain: () => Promise<Database>;
}

async function scene(retentionHours = 0): Promise<Scene> {
  const bench = newBench();
  const sleep = fenceSleep(bench.clock);
  const openAgain = (): Promise<Database> => bench.openAgain({ sleep });
  const db = await openAgain();
  const c = await db.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  if (retentionHours > 0) await c.update({ retentionHours });
  return { bench, db, c, states: new Map([[0, new Map<string, number>()]]), openAgain };
}

const newest = ({ states }: Scene): number => Math.max(...states.keys());

let stamp = 0;

async function write(made: Scene): Promise<number> {
  const { c, states } = made;
  const next = new Map(states.get(newest(made)));
  const rows = Array.from({ length: 3 }, (_, i) => ({ id: `r${(stamp * 5 + i * 3) % 17}`, x: ++stamp }));
  for (const { id, x } of rows) next.set(id, x);
  const { sequence } = await c.upsert(rows.map(({ id, x }) => ({ id, vector: [x, 1], metadata: { x } })));
  states.set(sequence, next);
  const gone = `r${(stamp * 7) % 17}`;
  const after = new Map(next);
  after.delete(gone);
  const deleted = await c.delete({ ids: [gone] });
  states.set(deleted.sequence, after);
  made.bench.clock.advance(1_000);
  return deleted.sequence;
}

async function restore(made: Scene, seq: number): Promise<number> {
  const { sequence, restored } = await made.c.restoreTo({ asOf: seq });
  expect(restored).toBe(seq);
  made.states.set(sequence, made.states.get(seq)!);
  return sequence;
}

async function mustBe(c: Collection, expected: ReadonlyMap<string, number>, asOf?: number): Promise<void> {
  const at = asOf === undefined ? {} : { asOf };
  const { records } = await c.scan({ ...at, limit: 1_000, include: ['vector', 'metadata'] });
  expect(new Map(records.map(({ id, vector }) => [id, vector![0]]))).toEqual(expected);
  const ids = [...Array(17).keys()].map((i) => `r${i}`);
  const fetched = await c.fetch({ ...at, ids, include: ['metadata'] });
  expect(new Map(fetched.records.map(({ id, metadata }) => [id, metadata!['x']]))).toEqual(expected);
  expect((await c.count(at)).count).toBe(expected.size);
  if (expected.size === 0) return;
  const nearest = [...expected].toSorted((a, b) => a[1] - b[1])[0]!;
  const { matches } = await c.query({ ...at, vector: [0, 1], k: 1 });
  expect(matches[0]!.id).toBe(nearest[0]);
}

async function mustBeSeenByAll(made: Scene): Promise<void> {
  const expected = made.states.get(newest(made))!;
  await mustBe(made.c, expected);
  const other = await made.openAgain();
  await mustBe(other.collection('papers'), expected);
  await other.close();
}

describe('a restore in place', () => {
  test('brings back what was there, and is followed by what comes after it', async () => {
    const made = await scene();
    const first = await write(made);
    await write(made);
    await restore(made, first);
    await mustBeSeenByAll(made);
    await write(made);
    await mustBeSeenByAll(made);
    await made.c.compact();
    await mustBeSeenByAll(made);
    await write(made);
    await mustBeSeenByAll(made);
    await made.c.compact();
    await made.db.collect();
    await mustBeSeenByAll(made);
  });

  test('brings back what lies in segments that were merged since, with the rows that were deleted in them', async () => {
    const made = await scene(1_000);
    for (let i = 0; i < 3; i++) await write(made);
    await made.c.compact();
    const kept = await write(made);
    for (let i = 0; i < 3; i++) await write(made);
    await made.c.compact();
    await made.db.collect();
    await restore(made, kept);
    await mustBeSeenByAll(made);
    await write(made);
    await mustBeSeenByAll(made);
    await made.c.compact();
    await mustBeSeenByAll(made);
    await made.db.collect();
    await mustBeSeenByAll(made);
    for (const [seq, state] of made.states) await mustBe(made.c, state, seq);
  });

  test('goes back behind restores, folded or not', async () => {
    const made = await scene(1_000);
    const a = await write(made);
    const b = await write(made);
    const c = await restore(made, a);
    const d = await write(made);
    await restore(made, b);
    await mustBeSeenByAll(made);
    await restore(made, d);
    await mustBeSeenByAll(made);
    await restore(made, c);
    await mustBeSeenByAll(made);
    for (const [seq, state] of made.states) await mustBe(made.c, state, seq);
    await made.c.compact();
    for (const [seq, state] of made.states) await mustBe(made.c, state, seq);
    await restore(made, d);
    await made.db.collect();
    for (const [seq, state] of made.states) await mustBe(made.c, state, seq);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'to any state that is kept, in any order: seed %i',
    async (seed) => {
      const made = await scene(seed % 2 === 0 ? 1_000 : 0);
      let word = seed * 2_654_435_761;
      const below = (n: number): number => {
        word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((word / 2 ** 32) * n);
      };
      const snapshots = new Map<string, number>();
      for (let step = 0; step < 60; step++) {
        const dice = below(10);
        if (dice < 4) await write(made);
        else if (dice < 5) await made.c.compact();
        else if (dice < 6) await made.db.collect();
        else if (dice < 7) {
          const name = `s${step}`;
          snapshots.set(name, (await made.c.createSnapshot({ name })).sequence);
        } else if (dice < 8 && snapshots.size > 0) {
          const [name, seq] = [...snapshots][below(snapshots.size)]!;
          const { sequence, restored } = await made.c.restoreTo({ snapshot: name });
          expect(restored).toBe(seq);
          made.states.set(sequence, made.states.get(seq)!);
        } else if (seed % 2 === 0) await restore(made, [...made.states.keys()][below(made.states.size)]!);
        else await restore(made, newest(made));
        await mustBe(made.c, made.states.get(newest(made))!);
        for (const seq of snapshots.values()) await mustBe(made.c, made.states.get(seq)!, seq);
      }
      await mustBeSeenByAll(made);
      if (seed % 2 === 0) for (const [seq, state] of made.states) await mustBe(made.c, state, seq);
      const { findings, collections } = await made.db.scrub();
      expect(
        [...findings, ...collections.flatMap((one) => one.findings)].filter(
          (one) => one.severity === 'error',
        ),
      ).toEqual([]);
    },
    60_000,
  );

  test('repeated under its key has one effect', async () => {
    const made = await scene();
    const first = await write(made);
    await write(made);
    const options = { idempotencyKey: 'once' };
    const { sequence } = await made.c.restoreTo({ asOf: first }, options);
    const later = await made.c.upsert([{ id: 'later', vector: [1, 1] }]);
    expect(await made.c.restoreTo({ asOf: first }, options)).toEqual({ sequence });
    expect((await made.c.describe()).sequence).toBe(later.sequence);
    await failure(() => made.c.restoreTo({ asOf: first + 1 }, options), {
      kind: 'conflict',
      code: 'idempotency_key_reused',
    });
  });

  test('is refused for what is not kept, has not come, or is not named', async () => {
    const made = await scene();
    const first = await write(made);
    await write(made);
    await made.c.compact();
    await made.db.collect();
    const outOfRange = { kind: 'invalid', code: 'sequence_out_of_range' } as const;
    await failure(() => made.c.restoreTo({ asOf: first }), { ...outOfRange, message: /no longer kept/ });
    await failure(() => made.c.restoreTo({ asOf: 1_000 }), { ...outOfRange, message: /not happened yet/ });
    await failure(() => made.c.restoreTo({ snapshot: 'none' }), {
      kind: 'not_found',
      code: 'snapshot_not_found',
    });
    await failure(() => made.c.restoreTo({} as never), { kind: 'invalid', code: 'invalid_request' });
    await failure(() => made.c.restoreTo({ asOf: 1, snapshot: 'x' }), {
      kind: 'invalid',
      code: 'invalid_request',
    });
    await mustBeSeenByAll(made);
  });

  test('counts as a change of every record for conditions', async () => {
    const made = await scene();
    await made.c.upsert([{ id: 'a', vector: [1, 1] }]);
    const { sequence: seen } = await made.c.upsert([{ id: 'a', vector: [2, 1] }]);
    await made.c.restoreTo({ asOf: 1 });
    const upsert = [{ id: 'a', vector: [3, 1] }];
    const stale = { kind: 'conflict', code: 'sequence_conflict' } as const;
    await failure(() => made.c.write({ upsert, ifSequence: seen }), stale);
    await made.c.compact();
    await failure(() => made.c.write({ upsert, ifSequence: seen }), stale);
    expect(await made.c.write({ upsert, ifSequence: seen + 1 })).toMatchObject({ upserted: 1 });
  });

  test('is not undone by a merge that was planned before it', async () => {
    let held: (() => void) | undefined;
    let reached: () => void = () => {};
    const bench = newBench((store) =>
      storeOver(store, {
        put: async (key, bytes, options) => {
          if (key.startsWith('work/') && held === undefined && isHolding) {
            await new Promise<void>((resolve) => {
              held = resolve;
              reached();
            });
          }
          return await store.put(key, bytes, options);
        },
      }),
    );
    let isHolding = false;
    const slow = await bench.openAgain();
    const c = await slow.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
    await c.upsert(ids.map((id, i) => ({ id, vector: [i, 1] })));
    await c.compact();
    await c.createSnapshot({ name: 'all' });
    await c.delete({ ids: ids.slice(0, 10) });
    await c.compact({ minor: true });
    // Half of the segment is dead: it is to be written anew, and nothing is folded with it.
    const planned = new Promise<void>((resolve) => (reached = resolve));
    isHolding = true;
    const merge = c.compact();
    await planned;
    const other = await bench.openAgain();
    await other.collection('papers').restoreTo({ snapshot: 'all' });
    await other.collection('papers').compact({ minor: true });
    held!();
    await merge;
    expect((await c.count()).count).toBe(20);
    expect((await other.collection('papers').count()).count).toBe(20);
  });
});
