/**
 * Maintenance: which collections a run compacts, when it deletes, what it leaves. Strategy: a compactor that only moves the
 * head is passed in, so that each run can be followed by what is in the bucket; time is virtual.
 *
 * Held here: D between fence and delete also where a run does not wait (7), progress when faults stop (17).
 */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits, tierLimits } from '../../core/base/limits.js';
import type { Work } from '../../core/base/limits.js';
import { Maintenance } from '../../core/engine/maintenance.js';
import type { CompactResult, MaintainResult } from '../../core/engine/index.js';
import { WorkBudget } from '../../core/engine/work-budget.js';
import { PASS_KEY, workKey } from '../../core/log/index.js';
import type { Job } from '../../core/log/index.js';
import { digests } from '../log/fixture.js';
import { CatalogWorld } from './catalog-world.js';
import { LiveCollection, nonceOf } from './live-collection.js';
import { portableDeflate } from '../../core/segment/index.js';
import { PROBES_PREFIX } from '../../core/store/index.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const MANY = limits.foldSlots;

class Site {
  readonly world = new CatalogWorld();
  readonly a = this.world.process('a');
  readonly collections = new Map<string, LiveCollection>();
  readonly compacted: string[] = [];
  /** What the next compactions answer or throw, by name. */
  readonly outcomes = new Map<string, Partial<CompactResult> | Error>();
  /** Of each run. */
  most: Work = tierLimits.server.run;
  readonly maintenance: Maintenance;

  constructor(shareRequests = true) {
    this.maintenance = this.another(shareRequests);
  }

  another(shareRequests = true): Maintenance {
    const { clock, sleep } = this.world.time;
    const { store, catalog, collector } = this.a;
    return new Maintenance({
      store,
      ports: { clock, sleep, random: this.world.chance, digests, deflate: portableDeflate },
      collector,
      namespace: catalog.namespace,
      handler: { tier: 'server', memoryBytes: 2 ** 30 },
      shareRequests,
      budget: () => new WorkBudget(this.most, () => store.snapshot()),
      foldableBytes: 10 * (MANY + 1),
      compact: (name, { budget }) => this.#compact(name, budget),
    });
  }

  async #compact(name: string, budget: WorkBudget): Promise<CompactResult> {
    this.compacted.push(name);
    budget.tryBegin({ numbers: 10, bytes: 0, requests: 0 });
    const outcome = this.outcomes.get(name);
    if (outcome instanceof Error) throw outcome;
    const collection = this.collections.get(name)!;
    const slots = (await collection.keys()).filter((key) => key.includes('/log/')).length;
    await collection.fold(slots, '1');
    const written = { rowsIn: 1, rowsWritten: 1, rowsDropped: 0, bytesWritten: 1 };
    return {
      foldedSlots: slots,
      segmentsWritten: 1,
      segmentsMerged: 0,
      ...written,
      sequence: slots,
      more: false,
      tooLarge: false,
      ...outcome,
    };
  }

  async add(name: string, slots: number, hinted = true): Promise<LiveCollection> {
    const collection = await LiveCollection.create(this.world, this.a, name);
    await collection.slots(1, slots);
    if (hinted) await collection.put(workKey(collection.uid), new Uint8Array(0));
    this.collections.set(name, collection);
    return collection;
  }

  async hints(): Promise<string[]> {
    return (await this.world.keys('work/')).filter((key) => key !== PASS_KEY);
  }

  /** So that no run but one that is about it makes the pass of the day. */
  async marked(): Promise<this> {
    await this.world.bucket.truth.put(PASS_KEY, new Uint8Array(0), { if: 'any' });
    return this;
  }

  run(wait: boolean, signal = new AbortController().signal): Promise<MaintainResult> {
    return this.world.run(this.maintenance.run({ signal, wait }));
  }
}

describe('a run of maintenance', () => {
  it('compacts what is hinted and due, waits, collects, and deletes the hint', async () => {
    const site = await new Site().marked();
    const c = await site.add('papers', MANY);
    await site.add('unhinted', MANY, false);
    const short = await site.add('short', 2);
    const result = await site.run(true);
    expect(site.compacted).toEqual(['papers']);
    expect(result).toMatchObject({
      collections: 2,
      compacted: 1,
      foldedSlots: MANY,
      segmentsWritten: 1,
      // All slots but the highest, and copies of two heads.
      objects: MANY + 1,
      pass: false,
      more: false,
      failures: [],
    });
    expect(await c.keys()).toEqual([c.slot(MANY), c.head.segments[0]!.key, c.head.window!.key].sort());
    expect(await short.keys()).toHaveLength(2);
    expect(await site.hints()).toEqual([]);
  });

  it.each([true, false])(
    'that may not wait leaves the deletes to a run that comes D later',
    async (share) => {
      const site = await new Site(share).marked();
      const c = await site.add('papers', MANY);
      expect(await site.run(false)).toMatchObject({ compacted: 1, objects: 0, more: true });
      site.world.time.jump(limits.fenceMs - 2_000);
      expect(await site.run(false)).toMatchObject({ compacted: 0, objects: 0, more: true });
      expect(await site.hints()).toEqual([workKey(c.uid)]);
      site.world.time.jump(2_000);
      expect(await site.run(false)).toMatchObject({ objects: MANY + 1, more: false });
      expect(await site.hints()).toEqual([]);
      expect(site.compacted).toEqual(['papers']);
    },
  );

  it('deletes behind its own fences alone after its wait, where runs share nothing', async () => {
    const site = await new Site(false).marked();
    const early = await site.add('early', MANY);
    const late = await site.add('late', MANY, false);
    const { time } = site.world;
    const { signal } = new AbortController();
    const halfMs = limits.fenceMs / 2;
    const ends: number[] = [];
    const first = async (): Promise<void> => {
      const { objects } = await site.maintenance.run({ signal, wait: true });
      ends.push(time.nowMs);
      expect(objects).toBe(MANY + 1);
      expect(await early.keys()).toHaveLength(3);
      expect((await late.keys()).length).toBeGreaterThanOrEqual(MANY);
    };
    const second = async (): Promise<void> => {
      await time.sleep(halfMs);
      await late.put(workKey(late.uid), new Uint8Array(0));
      await site.maintenance.run({ signal, wait: true });
      ends.push(time.nowMs);
    };
    await site.world.run(Promise.all([first(), second()]));
    expect(await late.keys()).toHaveLength(3);
    expect(ends[1]! - ends[0]!).toBeGreaterThan(halfMs / 2);
  });

  it('takes a fence that it could not delete behind as not raised', async () => {
    const site = await new Site().marked();
    const c = await site.add('papers', MANY);
    await site.run(false);
    site.world.time.jump(limits.fenceMs);
    site.world.bucket.script = ({ op }) => (op === 'delete' ? { delete: 'unavailable' } : undefined);
    const failed = await site.run(false);
    expect(failed.failures).toMatchObject([{ collection: c.uid, code: 'store_unavailable' }]);
    site.world.bucket.script = () => undefined;
    expect(await site.run(false)).toMatchObject({ objects: 0, more: true });
    site.world.time.jump(limits.fenceMs);
    await site.run(false);
    expect(await c.keys()).toHaveLength(3);
  });

  it('begins no compaction beyond its budget', async () => {
    const site = await new Site().marked();
    site.most = { ...site.most, numbers: 10 };
    for (const name of ['a', 'b', 'c']) await site.add(name, MANY);
    expect(await site.run(true)).toMatchObject({ compacted: 1, more: true });
    expect(await site.hints()).toHaveLength(2);
    expect(await site.run(true)).toMatchObject({ compacted: 1, more: true });
    expect(await site.run(true)).toMatchObject({ compacted: 1, more: false });
    expect([...site.compacted].sort()).toEqual(['a', 'b', 'c']);
  });

  it('goes on past a collection that fails, and leaves its hint', async () => {
    const site = await new Site().marked();
    const bad = await site.add('bad', MANY);
    await site.add('good', MANY);
    site.outcomes.set('bad', new CairnError('unavailable', 'store_unavailable', 'no answer'));
    const { failures, compacted } = await site.run(true);
    expect(failures).toEqual([{ collection: bad.uid, code: 'store_unavailable', message: 'no answer' }]);
    expect(compacted).toBe(1);
    expect(await site.hints()).toEqual([workKey(bad.uid)]);
    site.outcomes.set('bad', new TypeError('a bug of ours'));
    await expect(site.run(true)).rejects.toThrow('a bug of ours');
  });

  it.each<[string, Partial<CompactResult> | Error]>([
    ['has no memory', new CairnError('quota', 'memory_budget_exceeded', 'no room')],
    ['may not hold what is left', { tooLarge: true }],
  ])('leaves to others a collection for which it %s, and goes on', async (_, outcome) => {
    const site = await new Site().marked();
    const large = await site.add('large', MANY);
    await site.add('small', MANY);
    site.outcomes.set('large', outcome);
    const { failures, left, segmentsWritten } = await site.run(true);
    expect(failures).toEqual([]);
    expect(left).toEqual([{ collection: large.uid, reason: 'collection_too_large_for_handler' }]);
    expect(segmentsWritten).toBe(outcome instanceof Error ? 1 : 2);
  });

  it('leaves to others a log that is more than its memory', async () => {
    const site = await new Site().marked();
    const large = await site.add('large', MANY + 2);
    await site.add('small', MANY + 1);
    const { failures, left } = await site.run(true);
    expect(failures).toEqual([]);
    expect(left).toEqual([{ collection: large.uid, reason: 'collection_too_large_for_handler' }]);
    expect(site.compacted).toEqual(['small']);
    expect(await site.hints()).toEqual([workKey(large.uid)]);
  });

  it('looks at no further collection than its requests allow, and begins elsewhere the next time', async () => {
    const site = await new Site().marked();
    site.most = { ...site.most, requests: 10 };
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) await site.add(name, MANY);
    let runs = 0;
    for (; site.compacted.length < names.length && runs < 100; runs++) {
      const before = site.a.store.snapshot().requests;
      const { collections, more } = await site.run(false);
      expect(more).toBe(true);
      expect(collections).toBeLessThan(names.length);
      // The one that it was at is tended to its end.
      expect(site.a.store.snapshot().requests - before).toBeLessThan(10 + 15);
    }
    expect([...site.compacted].sort()).toEqual(names);
  });

  it('goes on with a pass of the day that its requests did not allow', async () => {
    const site = new Site();
    site.most = { ...site.most, requests: 40 };
    for (let at = 0; at < 9; at++) await site.add(`c${at}`, 1, false);
    let looked = 0;
    let runs = 0;
    for (; looked < 9 && runs < 20; runs++) {
      const { collections, pass, more } = await site.run(false);
      expect(pass).toBe(true);
      looked += collections;
      expect(more).toBe(looked < 9);
    }
    expect(looked).toBe(9);
    expect(runs).toBeGreaterThan(1);
    expect(await site.run(false)).toMatchObject({ collections: 0, pass: false, more: false });
  });

  it('folds few slots once the oldest is old enough', async () => {
    const site = await new Site().marked();
    const c = await site.add('papers', 2);
    site.world.time.jump(limits.foldAgeMs - 1_000);
    await site.run(true);
    expect(site.compacted).toEqual([]);
    await c.put(workKey(c.uid), new Uint8Array(0));
    site.world.time.jump(1_000);
    await site.run(true);
    expect(site.compacted).toEqual(['papers']);
  });

  it('ends where it is told to, without its wait', async () => {
    const site = await new Site().marked();
    await site.add('papers', MANY);
    const stop = new AbortController();
    const at = site.world.time.nowMs;
    const [result] = await site.world.run(
      Promise.all([
        site.maintenance.run({ signal: stop.signal, wait: true }),
        site.world.time.sleep(5_000).then(() => stop.abort()),
      ]),
    );
    expect(result).toMatchObject({ compacted: 1, objects: 0, more: true, failures: [] });
    expect(site.world.time.nowMs - at).toBeLessThan(limits.fenceMs / 2);
    expect(await site.run(true, stop.signal)).toMatchObject({ collections: 0 });
  });
});

describe('the pass of the day', () => {
  it('sweeps what starts that were killed left of their trials, and not what is young', async () => {
    const site = new Site();
    const { store } = site.a;
    const put = (name: string) =>
      site.world.run(store.put(PROBES_PREFIX + name, new Uint8Array(1), { if: 'absent' }));
    for (const name of ['old/1', 'old/2']) await put(name);
    site.world.time.jump(DAY_MS / 12);
    await put('young/1');
    await site.run(true);
    const left = await site.world.run(store.list(PROBES_PREFIX));
    expect(left.map(({ key }) => key)).toEqual([`${PROBES_PREFIX}young/1`]);
  });

  it('finds what hints missed, once a day in all processes together', async () => {
    const site = new Site();
    await site.add('papers', MANY, false);
    expect(await site.run(true)).toMatchObject({ pass: true, compacted: 1 });
    await site.add('later', MANY, false);
    const signal = new AbortController().signal;
    const elsewhere = (): Promise<MaintainResult> =>
      site.world.run(site.another().run({ signal, wait: true }));
    expect(await elsewhere()).toMatchObject({ pass: false, compacted: 0 });
    site.world.time.jump(DAY_MS);
    expect(await site.run(true)).toMatchObject({ pass: true, compacted: 1 });
    expect(site.compacted).toEqual(['papers', 'later']);
  });
});

describe('a job whose process died', () => {
  const job = (startedMs: number): Job => ({ nonce: nonceOf('8'), inputs: [], startedMs });

  it("is taken out of the head after an hour by the store's dates, not before", async () => {
    const site = await new Site().marked();
    const c = await site.add('papers', 2);
    await c.swap({ jobs: [job(site.world.time.clock.wallMs())] });
    site.world.time.jump(limits.deadJobMs - 10_000);
    await site.run(true);
    expect((await c.current()).jobs).toHaveLength(1);
    // The hint stays while there is a job.
    expect(await site.hints()).toEqual([workKey(c.uid)]);
    site.world.time.jump(10_000);
    expect(await site.run(true)).toMatchObject({ abandonedJobs: 1 });
    expect((await c.current()).jobs).toEqual([]);
  });
});
