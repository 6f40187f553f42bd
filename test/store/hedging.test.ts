/** Hedged reads: which ones, how many, whose answer counts, and what becomes of the other one. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { accountingStore, hedgingStore, memoryStore } from '../../core/store/index.js';
import type { AccountingStore, GetOptions, GetResult, StoreVersion } from '../../core/store/index.js';
import { SlowStore } from './slow-store.js';

const USUAL_MS = 20;
const SLOW_MS = 500;
const range = { offset: 0, length: 8 };
const body = Uint8Array.from({ length: 16 }, (_, at) => at);

class World {
  readonly slow = new SlowStore(memoryStore({ clock: { wallMs: () => 1_000 } }));
  readonly store: AccountingStore = accountingStore(hedgingStore(this.slow, this.slow));

  async fill(): Promise<this> {
    await this.slow.runUntil(this.slow.put('k', body, { if: 'any' }));
    this.slow.waitOf = () => USUAL_MS;
    return this;
  }

  get(options: GetOptions = { range }): Promise<GetResult> {
    return this.slow.runUntil(this.store.get('k', options));
  }

  /** Requests from now on, the first of them number 0. */
  next(waits: readonly number[], failures: readonly (Error | undefined)[] = []): void {
    let at = 0;
    const [waitOf, failureOf] = [this.slow.waitOf, this.slow.failureOf];
    const numbers = new Map<number, number>();
    this.slow.waitOf = (begun) => {
      numbers.set(begun, at++);
      return waits[numbers.get(begun)!] ?? waitOf(begun);
    };
    this.slow.failureOf = (begun) => failures[numbers.get(begun)!] ?? failureOf(begun);
    this.slow.asked.length = 0;
    this.slow.options.length = 0;
  }
}

/** One that has seen enough usual requests to know a slow one. */
async function newWorld(): Promise<World> {
  const world = await new World().fill();
  for (let i = 0; i < limits.hedgeTimesMin; i++) await world.get();
  return world;
}

describe('hedged reads', () => {
  it('ask again for what is past the 95th percentile, and take the first answer', async () => {
    const world = await newWorld();
    world.next([SLOW_MS]);
    const begunMs = world.slow.nowMs;
    const got = await world.get();
    expect(got.status === 'found' && [...got.bytes]).toEqual([...body.subarray(0, 8)]);
    expect(world.slow.asked).toEqual(['k', 'k']);
    const tookMs = world.slow.nowMs - begunMs;
    expect(tookMs).toBeGreaterThanOrEqual(2 * USUAL_MS);
    expect(tookMs).toBeLessThanOrEqual(2 * USUAL_MS + limits.hedgeLookMs);
    // Both are counted, and the bytes of one.
    const { requests, outcomes, bytesRead } = world.store.snapshot();
    const reads = limits.hedgeTimesMin + 1;
    expect([requests, outcomes.get_found, bytesRead]).toEqual([reads + 1, reads + 1, 8 * reads]);
    await world.slow.pass(SLOW_MS);
    expect(world.store.snapshot().requests).toBe(requests);
  });

  it('take the first one where that answers before the second', async () => {
    const world = await newWorld();
    world.next([USUAL_MS + 10, SLOW_MS]);
    const begunMs = world.slow.nowMs;
    await world.get();
    expect(world.slow.asked).toHaveLength(2);
    expect(world.slow.nowMs - begunMs).toBe(USUAL_MS + 10);
  });

  it('send nothing twice before enough is known, nor what is no range or conditional', async () => {
    const fresh = await new World().fill();
    fresh.next([SLOW_MS]);
    await fresh.get();
    expect(fresh.slow.asked).toHaveLength(1);
    const world = await newWorld();
    for (const options of [{}, { range, unless: 'old' as StoreVersion }]) {
      world.next([SLOW_MS]);
      await world.get(options);
      expect(world.slow.asked).toHaveLength(1);
    }
  });

  it('compare requests with those of their size', async () => {
    const world = await newWorld();
    world.next([SLOW_MS]);
    await world.get({ range: { offset: 0, length: 2_000_000 } });
    expect(world.slow.asked).toHaveLength(1);
  });

  it('count those under way: of many begun together the last few are slow, not all but the first', async () => {
    const world = await new World().fill();
    const count = 100;
    world.next(Array.from({ length: count }, (_, i) => (i < 97 ? 10 + i : SLOW_MS)));
    const all = Promise.all(Array.from({ length: count }, () => world.store.get('k', { range })));
    const begunMs = world.slow.nowMs;
    await world.slow.runUntil(all);
    expect(world.slow.asked).toHaveLength(count + 3);
    expect(world.slow.nowMs - begunMs).toBeLessThan(200);
  });

  it('forget those whose host has ended: after a few of them nothing would look slow again', async () => {
    const world = await newWorld();
    world.next(Array.from({ length: 40 }, () => Infinity));
    const ended = 5;
    for (let i = 0; i < ended; i++) void world.store.get('k', { range });
    await world.slow.pass(limits.placeLostMs + 1);
    world.next([SLOW_MS]);
    await world.get();
    expect(world.slow.asked).toHaveLength(2);
  });

  it('send at most one second request for ten first ones, and save up no more than a few', async () => {
    const world = await newWorld();
    // Ever slower: each one takes longer than all before it.
    const degrade = async (reads: number): Promise<number> => {
      world.next(Array.from({ length: 3 * reads }, (_, i) => 2 * USUAL_MS + 10 * i));
      for (let read = 0; read < reads; read++) await world.get();
      return world.slow.asked.length - reads;
    };
    const saved = (limits.hedgeTimesMin * limits.hedgePercent) / 100;
    const second = await degrade(100);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(limits.hedgePercent + saved);
    world.next([]);
    world.slow.waitOf = () => USUAL_MS;
    for (let read = 0; read < 400; read++) await world.get();
    expect(await degrade(30)).toBeLessThanOrEqual(limits.hedgeCreditMax + (30 * limits.hedgePercent) / 100);
  });

  it('make good the failure of either, and tell the first where both fail', async () => {
    const first = new Error('first');
    const second = new Error('second');
    for (const [failures, waits, end] of [
      [[first, undefined], [40, 30], 'found'],
      [[undefined, second], [40, 5], 'found'],
      [[first, second], [40, 5], first],
      [[first, second], [30, 40], first],
    ] as const) {
      const world = await newWorld();
      world.next(waits, failures);
      const got = world.get();
      if (end === 'found') expect((await got).status).toBe('found');
      else await expect(got).rejects.toBe(end);
      expect(world.slow.asked).toHaveLength(2);
      await world.slow.pass(SLOW_MS);
    }
  });

  it('tell a failure before the second request at once', async () => {
    const world = await newWorld();
    const broken = new Error('broken');
    world.next([5], [broken]);
    await expect(world.get()).rejects.toBe(broken);
    expect(world.slow.asked).toHaveLength(1);
  });

  it('leave alone what is read into memory that is lent: a request that lost would write to it', async () => {
    const world = await newWorld();
    world.next([SLOW_MS]);
    const into = new Uint8Array(8);
    await world.get({ range, into });
    expect(world.slow.options).toEqual([{ range, into }]);
  });
});
