/**
 * Collection of live collections. Strategy: heads, slots and outputs of jobs lie in the bucket as compactors and writers
 * leave them; what is still there after a run is compared as a whole. The wait is watched against the store's clock, and
 * the collector is made to fail at each of its requests in turn.
 *
 * Held here: the floor never goes back (6), the fence is durable before a delete and the highest slot stays (7), nothing
 * reachable from head and jobs is deleted (8), progress when faults stop (17).
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { headVersion, sequence } from '../../core/base/ids.js';
import { headKey, segmentKey, workKey } from '../../core/log/index.js';
import type { Job } from '../../core/log/index.js';
import { deletionsKey } from '../../core/log/layout.js';
import { raiseFence } from '../../core/engine/collector/index.js';
import { CatalogWorld } from './catalog-world.js';
import type { CatalogProcess } from './catalog-world.js';
import { LiveCollection, nonceOf } from './live-collection.js';

interface Scene {
  readonly world: CatalogWorld;
  readonly a: CatalogProcess;
  readonly c: LiveCollection;
}

async function scene(): Promise<Scene> {
  const world = new CatalogWorld();
  const a = world.process('a');
  return { world, a, c: await LiveCollection.create(world, a) };
}

/** Slots 1 to 5, of which 3 are folded by job 1. */
async function folded(): Promise<Scene> {
  const made = await scene();
  await made.c.slots(1, 5);
  await made.c.fold(3, '1');
  return made;
}

function jobOf(digit: string, inputs: readonly string[] = []): Job {
  return { nonce: nonceOf(digit), inputs, startedMs: 0 };
}

const collect = ({ world, a }: Scene): ReturnType<CatalogProcess['collector']['run']> =>
  world.run(a.collector.run());

describe('of a live collection the collector deletes', () => {
  it('folded slots, superseded heads and nothing else, and raises the floor to the fold', async () => {
    const made = await folded();
    const { c } = made;
    // Three slots, the copies of versions 1 and 2.
    expect(await collect(made)).toEqual({ objects: 5, bytes: expect.any(Number) as number, collections: 0 });
    expect(await c.keys()).toEqual(
      [c.slot(4), c.slot(5), c.head.segments[0]!.key, c.head.window!.key].sort(),
    );
    const head = await c.current();
    expect(head).toMatchObject({
      version: 3,
      gcFloor: 3,
      retainedFrom: { version: 3, seq: 3 },
      foldedSeq: 3,
    });
  });

  it('not the highest slot, where all are folded', async () => {
    const made = await scene();
    await made.c.slots(1, 4);
    await made.c.fold(4, '1');
    await collect(made);
    expect((await made.c.keys()).filter((key) => key.includes('/log/'))).toEqual([made.c.slot(4)]);
  });

  it('batches that no slot above the floor can refer to', async () => {
    const made = await scene();
    const { c } = made;
    const floor = limits.eligibleSlots + 10;
    await c.slots(floor - 1, floor + 2);
    await c.fold(floor, '1');
    const [gone, there] = [
      [c.batch(0), c.batch(10), c.inbox(9)],
      [c.batch(11), c.batch(floor), c.inbox(11)],
    ];
    for (const key of [...gone, ...there]) await c.put(key);
    await collect(made);
    const keys = await c.keys();
    expect(keys).toEqual(expect.arrayContaining(there));
    expect(keys.filter((key) => gone.includes(key))).toEqual([]);
  });

  it('outputs of jobs that are over and not named, and none of a job under way', async () => {
    const made = await folded();
    const { c } = made;
    const of = (digit: string): string[] => [
      segmentKey(c.uid, nonceOf(digit), 0),
      deletionsKey(c.uid, nonceOf(digit), 1),
    ];
    for (const key of [...of('1').slice(1), ...of('2'), ...of('3')]) await c.put(key);
    await c.swap({ jobs: [jobOf('3', [c.segment('1').key])] });
    await collect(made);
    const left = (await c.keys()).filter((key) => key.includes('/seg/'));
    // Of job 1 the segment and the window are named, its deletions are not.
    expect(left).toEqual([c.segment('1').key, c.head.window!.key, ...of('3')].sort());
    await c.swap({ jobs: [] });
    await collect(made);
    expect((await c.keys()).filter((key) => key.includes('/seg/'))).toEqual(
      [c.segment('1').key, c.head.window!.key].sort(),
    );
  });

  it('nothing that a pin keeps, until it is gone', async () => {
    const made = await scene();
    const { c } = made;
    await c.slots(1, 4);
    await c.fold(2, '1');
    const first = c.head;
    await c.slots(5, 8);
    await c.put(c.batch(0));
    // Slots 3 and 4 over the first fold.
    const [foldedSeq, seq] = [sequence(2), sequence(4)];
    const pin = { name: 'p', version: first.version, foldedSeq, seq, under: [], createdMs: 0, bytes: 10 };
    await c.swap({ pins: [pin] });
    await c.fold(8, '2');
    const of = (part: string) => async () => (await c.keys()).filter((key) => key.includes(part));
    const [slots, copies, outputs] = [of('/log/'), of('/heads/'), of('/seg/')];
    await collect(made);
    expect(await slots()).toEqual([c.slot(3), c.slot(4), c.slot(8)].sort());
    expect(await copies()).toEqual([c.copy(first.version)]);
    const both = [first, c.head].flatMap(({ segments, window }) => [segments[0]!.key, window!.key]);
    expect(await outputs()).toEqual(both.sort());
    expect(await c.keys()).toContain(c.batch(0));
    expect(await collect(made)).toMatchObject({ objects: 0 });
    await c.swap({ pins: [] });
    await collect(made);
    expect(await slots()).toEqual([c.slot(8)]);
    expect(await copies()).toEqual([]);
    expect(await outputs()).toEqual([c.head.segments[0]!.key, c.head.window!.key].sort());
  });

  it('no deletions that the head names', async () => {
    const made = await folded();
    const { c } = made;
    const key = deletionsKey(c.uid, nonceOf('2'), 0);
    await c.put(key);
    const sha256 = 'b'.repeat(64);
    await c.swap({
      segments: [{ ...c.segment('1'), live: 0, deletions: { key, sha256, dead: 1, hidden: 0 } }],
    });
    await collect(made);
    expect(await c.keys()).toContain(key);
  });

  it('nothing that it does not know', async () => {
    const made = await folded();
    const odd = [
      'other',
      'seg/x.seg',
      'seg/',
      'log/1',
      'heads/zz',
      `batch/${'f'.repeat(14)}`,
      'heads/x/y',
    ].map((name) => `c/${made.c.uid}/${name === 'seg/' ? 'segments' : name}`);
    for (const key of odd) await made.c.put(key);
    await collect(made);
    expect(await made.c.keys()).toEqual(expect.arrayContaining(odd));
  });

  it('nothing, and touches no head, where nothing is garbage', async () => {
    const made = await folded();
    await collect(made);
    const before = (await made.c.current()).version;
    const requests = made.world.bucket.trace.length;
    const at = made.world.time.nowMs;
    expect(await collect(made)).toMatchObject({ objects: 0 });
    expect((await made.c.current()).version).toBe(before);
    expect(made.world.bucket.trace.slice(requests).filter(({ op }) => op === 'put')).toEqual([]);
    expect(made.world.time.nowMs - at).toBeLessThan(limits.fenceMs);
  });
});

describe('the fence of a live collection', () => {
  it.each([false, true])('is read back D before the first delete (set by another: %s)', async (another) => {
    const made = await folded();
    const { world, c } = made;
    if (another) {
      const next = headVersion(c.head.version + 1);
      await c.swap({ gcFloor: sequence(3), retainedFrom: { version: next, seq: sequence(3) } });
      world.time.jump(10 * limits.fenceMs);
    }
    const { version } = await c.current();
    let [readAt, deletedAt, floorAtRead] = [0, 0, 0];
    world.bucket.script = async ({ op, key }) => {
      if (op === 'get' && key === headKey(c.uid) && deletedAt === 0) {
        // The last read before the delete is the second judgement: the one before it is the read-back.
        const { gcFloor } = await c.current();
        if (world.time.nowMs - readAt < limits.fenceMs) [readAt, floorAtRead] = [world.time.nowMs, gcFloor];
      }
      if (op === 'delete' && deletedAt === 0) deletedAt = world.time.nowMs;
      return undefined;
    };
    readAt = world.time.nowMs;
    await collect(made);
    expect(floorAtRead).toBe(3);
    // One that stands is not raised again: the copy that a swap makes is work for the next run.
    expect((await c.current()).version).toBe(another ? version : version + 1);
    expect(deletedAt - readAt).toBeGreaterThanOrEqual(limits.fenceMs);
  });

  it('holds for what it was raised over: what is folded while it is waited for stays', async () => {
    const made = await folded();
    const { world, c } = made;
    const foldLater = async (): Promise<void> => {
      await world.time.sleep(limits.fenceMs / 2);
      await c.put(c.slot(2), new Uint8Array(3));
      await c.slots(6, 7);
      await c.fold(6, '2');
      // Another collector raises it further: its floor has a wait of its own.
      const version = headVersion(c.head.version + 1);
      await c.swap({ gcFloor: sequence(6), retainedFrom: { version, seq: sequence(6) } });
    };
    const late = world.time.sleep(limits.fenceMs / 2 + 1_000).then(() => c.put(c.slot(1)));
    await world.run(Promise.all([made.a.collector.run(), foldLater(), late]));
    const keys = await c.keys();
    // Slots 4 to 6 and the segment of job 1 lie above the floor that was waited for, put late or not.
    expect(keys.filter((key) => key.includes('/log/'))).toEqual([7, 6, 5, 4].map(c.slot));
    expect(keys).toContain(c.segment('1').key);
    await collect(made);
    expect((await c.keys()).filter((key) => key.includes('/log/'))).toEqual([c.slot(7)]);
    expect(await c.keys()).not.toContain(c.segment('1').key);
  });

  it('judges outputs by a head that was read after the listing', async () => {
    const made = await folded();
    const { world, a, c } = made;
    const begun = segmentKey(c.uid, nonceOf('4'), 0);
    const dead = segmentKey(c.uid, nonceOf('5'), 0);
    await c.put(dead);
    let begins = true;
    // A job begins and writes just before the listing arrives; another collector has fenced that version too.
    world.bucket.script = async ({ op, key }) => {
      if (op === 'list' && key === `c/${c.uid}/` && begins) {
        begins = false;
        const version = headVersion((await c.current()).version + 1);
        await c.swap({ jobs: [jobOf('4')], retainedFrom: { version, seq: sequence(3) } });
        await c.put(begun);
      }
      return undefined;
    };
    const fence = await world.run(raiseFence(a.collector.context(c.uid), c.head));
    expect(fence).toMatchObject({ state: 'active', outputs: new Set([dead]) });
  });

  it('takes no outputs that a version between the floor and the head names', async () => {
    const made = await folded();
    const { world, a, c } = made;
    const dead = segmentKey(c.uid, nonceOf('5'), 0);
    await c.put(dead);
    const named = c.segment('1').key;
    let swapped = false;
    world.bucket.script = async ({ op, key }) => {
      if (op === 'list' && key === `c/${c.uid}/` && !swapped) {
        swapped = true;
        await c.swap({ segments: [] });
      }
      return undefined;
    };
    const fence = await world.run(raiseFence(a.collector.context(c.uid), c.head));
    expect(fence).toMatchObject({ state: 'active', outputs: new Set([dead]) });
    world.bucket.script = () => undefined;
    await collect(made);
    const keys = await c.keys();
    expect([dead, named].filter((key) => keys.includes(key))).toEqual([]);
  });

  it('is not the one of a drop that comes while it is waited for', async () => {
    const made = await folded();
    const { world, a, c } = made;
    const drop = world.time.sleep(limits.fenceMs / 2).then(() => a.catalog.drop('papers'));
    await world.run(Promise.all([a.collector.run(), drop]));
    expect((await c.keys()).filter((key) => key.includes('/log/'))).toHaveLength(5);
    await collect(made);
    expect(await c.keys()).toEqual([]);
  });
});

describe('a collector of live collections', () => {
  it('that dies at any request does no harm, and the next one finishes', async () => {
    for (let die = 0; ; die++) {
      const made = await folded();
      const { world, c } = made;
      await c.put(segmentKey(c.uid, nonceOf('9'), 0));
      let requests = 0;
      world.bucket.script = ({ op, process }) => {
        if (process !== 'b' || requests++ < die) return undefined;
        if (op === 'get') return { get: 'unavailable' };
        if (op === 'list') return { list: 'unavailable' };
        return op === 'put' ? { put: 'lost' } : { delete: 'unavailable' };
      };
      const [died] = await world.run(Promise.allSettled([world.process('b').collector.run()]));
      world.bucket.script = () => undefined;
      await world.run(world.process('c').collector.run());
      expect(await c.keys()).toEqual([c.slot(4), c.slot(5), c.segment('1').key, c.head.window!.key].sort());
      if (died?.status === 'fulfilled') {
        expect(die).toBeGreaterThan(8);
        return;
      }
    }
  });

  it('two at once agree', async () => {
    const made = await folded();
    const { world, c } = made;
    await world.run(Promise.all(['x', 'y'].map((name) => world.process(name).collector.run())));
    expect((await c.keys()).filter((key) => !key.includes('/heads/'))).toEqual(
      [c.slot(4), c.slot(5), c.segment('1').key, c.head.window!.key].sort(),
    );
    expect(await c.current()).toMatchObject({ gcFloor: 3 });
  });

  it('leaves the hint where something is left: a job under way, a log worth folding', async () => {
    const made = await folded();
    const { world, c } = made;
    const hint = (): Promise<void> => c.put(workKey(c.uid), new Uint8Array(0));
    await hint();
    await c.swap({ jobs: [jobOf('6')] });
    await collect(made);
    expect(await world.keys('work/')).toEqual([workKey(c.uid)]);
    await c.swap({ jobs: [] });
    await c.slots(6, limits.foldSlots + 3);
    await collect(made);
    expect(await world.keys('work/')).toEqual([workKey(c.uid)]);
    await c.fold(limits.foldSlots + 3, '7');
    await collect(made);
    expect(await world.keys('work/')).toEqual([]);
  });
});
