/**
 * Maintenance at intervals within a process, and the hints that prod it. Held: writers put the hint when a trigger is
 * passed and not more often than its limit; closing does not wait for a whole run.
 */
import { describe, expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import { sequence } from '../../core/base/ids.js';
import { MaintenanceLoop } from '../../core/engine/maintenance-loop.js';
import { WorkHints } from '../../core/engine/work-hints.js';
import type { LogLength } from '../../core/engine/work-hints.js';
import { headKey, workKey } from '../../core/log/index.js';
import { open } from '../../core/index.js';
import { VirtualTime } from '../log/virtual-time.js';
import { digests } from '../log/fixture.js';
import { CatalogWorld } from './catalog-world.js';
import { failure } from './fixture.js';
import { LiveCollection } from './live-collection.js';
import { portableDeflate } from '../../core/segment/index.js';

describe('a hint', () => {
  async function scene(beside = true): Promise<{
    world: CatalogWorld;
    hints: WorkHints;
    prods: () => number;
    length: (slots: number, bytes: number, foldedSeq?: number) => LogLength;
    puts: () => number;
  }> {
    const world = new CatalogWorld();
    const a = world.process('a');
    const c = await LiveCollection.create(world, a);
    const { clock, sleep } = world.time;
    let prods = 0;
    const ports = { clock, sleep, random: world.chance, digests, deflate: portableDeflate };
    const hints = new WorkHints({ store: a.store, ports, uid: c.uid, onDue: () => prods++, beside });
    return {
      world,
      hints,
      prods: () => prods,
      length: (slots, bytes, foldedSeq = 0) => ({
        head: { head: { ...c.head, foldedSeq: sequence(foldedSeq) } },
        unfolded: { slots, bytes },
      }),
      puts: () => world.bucket.trace.filter(({ op, key }) => op === 'put' && key === workKey(c.uid)).length,
    };
  }

  const bytes = tierLimits.server.logBytes / limits.foldShare;

  it.each([
    ['slots', limits.foldSlots, 1],
    ['bytes', 1, bytes],
  ])('is put when there are so many %s, not before', async (_what, slots, size) => {
    const { world, hints, length, puts, prods } = await scene();
    await hints.hintWhenDue(undefined);
    await hints.hintWhenDue(length(Math.max(1, slots - 1), size - (size > 1 ? 1 : 0)));
    await world.run(world.time.sleep(10));
    expect(puts()).toBe(slots === 1 && size === 1 ? 1 : 0);
    await hints.hintWhenDue(length(slots, size));
    await world.run(world.time.sleep(10));
    expect([puts(), prods()]).toEqual([1, 1]);
  });

  it('is put for a few slots that this process has seen unfolded for long', async () => {
    const { world, hints, length, puts } = await scene();
    const later = async (ms: number, state: LogLength): Promise<number> => {
      world.time.jump(ms);
      await hints.hintWhenDue(state);
      await world.run(world.time.sleep(10));
      return puts();
    };
    expect(await later(0, length(1, 1))).toBe(0);
    expect(await later(limits.foldAgeMs - 1_000, length(2, 1))).toBe(0);
    // A fold took those: what is there now is younger.
    expect(await later(1_000, length(1, 1, 2))).toBe(0);
    expect(await later(limits.foldAgeMs, length(2, 1, 2))).toBe(1);
    expect(await later(0, length(0, 0, 2))).toBe(1);
  });

  it('is not put more often than its limit, and may fail', async () => {
    const { world, hints, length, puts, prods } = await scene();
    world.bucket.script = ({ op }) => (op === 'put' ? { put: 'not_applied' } : undefined);
    for (let i = 0; i < 5; i++) await hints.hintWhenDue(length(limits.foldSlots, 1));
    await world.run(world.time.sleep(limits.hintEveryMs - 1_000));
    await hints.hintWhenDue(length(limits.foldSlots, 1));
    expect([puts(), prods()]).toEqual([1, 0]);
    await world.run(world.time.sleep(1_000));
    await hints.hintWhenDue(length(limits.foldSlots, 1));
    await world.run(world.time.sleep(10));
    expect(puts()).toBe(2);
  });

  it('is waited for where an answered request leaves nothing behind', async () => {
    const seen = async (beside: boolean): Promise<number> => {
      const { world, hints, length, prods } = await scene(beside);
      await world.run(hints.hintWhenDue(length(limits.foldSlots, 1)));
      return prods();
    };
    expect([await seen(false), await seen(true)]).toEqual([1, 0]);
  });

  it('is put by a collection that is written to, and counted in no answer', async () => {
    const world = new CatalogWorld();
    const db = await world.database('a');
    const work = async (): Promise<string[]> => {
      const c = await db.createCollection('papers', { dimension: 2 });
      for (let i = 0; i < limits.foldSlots; i++) await c.upsert([{ id: `${i}`, vector: [1, i] }]);
      await world.time.sleep(100);
      await db.close();
      return await world.keys('work/');
    };
    expect(await world.run(work())).toHaveLength(1);
  });
});

describe('the loop', () => {
  it('runs at its interval and at once when woken, and goes on past a failure', async () => {
    const time = new VirtualTime();
    const runs: number[] = [];
    const run = async (): Promise<void> => {
      runs.push(time.nowMs);
      if (runs.length === 1) throw new Error('it failed');
      await time.sleep(10);
    };
    const loop = new MaintenanceLoop({ run, sleep: time.sleep, intervalMs: 1_000 });
    await time.run(time.sleep(1_500));
    loop.wake();
    await time.run(time.sleep(20));
    expect(runs).toEqual([1_000, 1_500]);
    await time.run(time.sleep(5));
    await time.run(loop.end());
    await time.run(time.sleep(5_000));
    expect(runs).toHaveLength(2);
  });

  it('makes another run at once where it is woken during one', async () => {
    const time = new VirtualTime();
    const runs: number[] = [];
    const run = async (): Promise<void> => {
      runs.push(time.nowMs);
      await time.sleep(100);
    };
    const loop = new MaintenanceLoop({ run, sleep: time.sleep, intervalMs: 1_000 });
    await time.run(time.sleep(1_050));
    loop.wake();
    await time.run(time.sleep(100));
    expect(runs).toEqual([1_000, 1_100]);
    await time.run(loop.end());
  });

  it('tells a run under way to end, and does not wait for one that does not hear', async () => {
    const time = new VirtualTime();
    let told = false;
    const run = async (signal: AbortSignal): Promise<void> => {
      signal.addEventListener('abort', () => (told = true));
      await time.sleep(1e9);
    };
    const loop = new MaintenanceLoop({ run, sleep: time.sleep, intervalMs: 10 });
    await time.run(time.sleep(50));
    await time.run(loop.end());
    expect(told).toBe(true);
    expect(time.nowMs).toBeLessThan(5_000);
  });
});

describe('a database', () => {
  it('that is opened with maintenance collects by itself, and closes in the middle of it', async () => {
    const world = new CatalogWorld();
    const options = { store: world.bucket.as('a'), clock: world.time.clock, sleep: world.time.sleep };
    const db = await open('memory:', { ...options, maintenance: { intervalMs: 500 } });
    const work = async (): Promise<string[]> => {
      await db.createCollection('papers', { dimension: 2 });
      await db.dropCollection('papers');
      await world.time.sleep(limits.fenceMs + 5_000);
      const left = await world.keys('c/');
      await db.createCollection('more', { dimension: 2 });
      await db.dropCollection('more');
      await world.time.sleep(1_000);
      await db.close();
      const requests = world.bucket.trace.length;
      await world.time.sleep(10_000);
      expect(world.bucket.trace).toHaveLength(requests);
      return left;
    };
    const left = await world.run(work());
    expect(left).toEqual([headKey(left[0]!.slice(2, 34) as never)]);
    expect(world.time.nowMs).toBeLessThan(2 * limits.fenceMs);
  });

  it('maintains when asked, and ends that at close or when told to', async () => {
    const world = new CatalogWorld();
    const db = await world.database('a');
    const work = async (): Promise<void> => {
      await db.createCollection('papers', { dimension: 2 });
      await db.dropCollection('papers');
      const stop = new AbortController();
      const told = db.maintain({ signal: stop.signal });
      await world.time.sleep(2_000);
      stop.abort();
      expect(await told).toMatchObject({ objects: 0, more: true });
      const closed = db.maintain();
      const collected = db.collect();
      await world.time.sleep(2_000);
      await db.close();
      expect(await closed).toMatchObject({ objects: 0, more: true });
      expect(await collected).toMatchObject({ objects: 0 });
      await failure(() => db.maintain(), { kind: 'unavailable', code: 'closed' });
    };
    await world.run(work());
    expect(world.time.nowMs).toBeLessThan(limits.fenceMs / 2);
  });

  it('refuses what is no option of it', async () => {
    const of = (maintenance: unknown) => () => open('memory:', { maintenance } as never);
    await failure(of({ intervallMs: 1 }), { kind: 'invalid', code: 'unknown_field' });
    await failure(of({ intervalMs: 1 }), { kind: 'invalid', code: 'invalid_request' });
    await failure(of(7), { kind: 'invalid', code: 'invalid_request' });
    const db = await open('memory:');
    expect(await db.maintain({ wait: false })).toMatchObject({ collections: 0, more: false });
    await failure(() => db.maintain({ wait: 1 } as never), { kind: 'invalid', code: 'invalid_request' });
    await db.close();
  });
});
