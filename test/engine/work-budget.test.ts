/**
 * Maintenance in small portions. Strategy: handlers that live for one run each, with a budget that is too small for what there
 * is, until one of them says that there is no more; then every record is there and nothing is left to merge. Also what a small
 * handler makes of a large collection, and what comes after one that was killed.
 *
 * Held here: no run passes its budget, progress (17), rows in are rows out (10).
 */
import { describe, expect, it } from 'vitest';
import { limits, tierLimits } from '../../core/base/limits.js';
import type { Work } from '../../core/base/limits.js';
import type { Database } from '../../core/index.js';
import { WorkBudget } from '../../core/engine/work-budget.js';
import { accountingStore, memoryStore } from '../../core/store/index.js';
import type { ObjectStore } from '../../core/store/index.js';
import { newBench, storeOver } from './fixture.js';
import type { Bench } from './fixture.js';
import { runHandler } from './small-handlers.js';
import type { RunOfHandler } from './small-handlers.js';

const NAMES = ['a', 'b', 'c'];
const SEGMENTS = 30;
const ROWS = 10;
const DIMENSION = 4;
/** As much as the last merge of one collection takes: not all merges of one, and none of another beside it. */
const MOST: Work = {
  ...tierLimits.edge.run,
  numbers: SEGMENTS * ROWS * (DIMENSION + limits.rowNumbers),
};

async function everything(db: Database): Promise<unknown> {
  const all = NAMES.map((name) =>
    db.collection(name).scan({ limit: 1_000, include: ['metadata', 'vector'] }),
  );
  return (await Promise.all(all)).map(({ records }) => records);
}

/** Three collections of thirty segments without a graph each, as writers leave them to whom no compactor came. */
async function scattered(): Promise<Bench> {
  const bench = newBench();
  const db = await bench.openAgain({ tier: 'edge' });
  for (const name of NAMES) {
    await db.createCollection(name, { dimension: DIMENSION, metric: 'euclidean' });
    const collection = db.collection(name);
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const records = Array.from({ length: ROWS }, (_, i) => {
        // One of each is replaced by the next segment.
        const n = segment * (ROWS - 1) + i;
        return { id: `r${n}`, vector: [n, segment, i, 1], metadata: { segment } };
      });
      await collection.upsert(records);
      await collection.compact({ minor: true });
    }
  }
  await db.close();
  return bench;
}

function runOn({ store, clock }: Bench, seed: number, most = MOST, wrap = store): Promise<RunOfHandler> {
  return runHandler({ store: wrap, clock, seed, tier: 'edge', most });
}

describe('maintenance of more than one run may do', () => {
  it('does a part in each, says so, and does all in the end', async () => {
    const bench = await scattered();
    const db = await bench.openAgain();
    const before = await everything(db);
    const runs: RunOfHandler[] = [];
    do {
      const run = await runOn(bench, runs.length);
      expect(run.done.numbers).toBeLessThanOrEqual(MOST.numbers);
      expect(run.result).toMatchObject({ failures: [], left: [] });
      runs.push(run);
    } while (runs.at(-1)!.result.more && runs.length < 40);
    expect(runs.length).toBeGreaterThan(NAMES.length);
    // Some end between two jobs of one collection.
    expect(runs.some(({ result }) => result.segmentsWritten > 1)).toBe(true);
    expect(runs.at(-1)!.result.more).toBe(false);
    expect((await bench.store.list('work/')).map(({ key }) => key)).toEqual(['work/pass']);
    const after = await bench.openAgain();
    expect(await everything(after)).toEqual(before);
    for (const name of NAMES) expect((await after.collection(name).describe()).segments).toBe(1);
    await Promise.all([db.close(), after.close()]);
  });

  it('goes on after a handler that was killed, once its job is taken for dead', async () => {
    const bench = await scattered();
    const db = await bench.openAgain();
    const before = await everything(db);
    let killed = (): void => {};
    const isKilled = new Promise<void>((resolve) => (killed = resolve));
    const mortal = storeOver(bench.store, {
      upload: () => {
        killed();
        return new Promise<never>(() => {});
      },
    });
    void runOn(bench, 101, MOST, mortal);
    await isKilled;
    const early = await runOn(bench, 102);
    expect(early.result).toMatchObject({ abandonedJobs: 0, failures: [] });
    bench.clock.advance(limits.deadJobMs);
    let abandoned = 0;
    for (let run = 0, more = true; more && run < 40; run++) {
      const { result } = await runOn(bench, run);
      abandoned += result.abandonedJobs;
      more = result.more;
    }
    expect(abandoned).toBe(1);
    const after = await bench.openAgain();
    expect(await everything(after)).toEqual(before);
    for (const name of NAMES) expect((await after.collection(name).describe()).segments).toBe(1);
    await Promise.all([db.close(), after.close()]);
  });
});

describe('a budget', () => {
  const most: Work = { numbers: 100, bytes: 1_000, requests: 80 };
  const job: Work = { numbers: 60, bytes: 10, requests: 1 };
  const counted = (): { readonly store: ObjectStore; readonly budget: WorkBudget } => {
    const store = accountingStore(memoryStore({ clock: { wallMs: () => 1 } }));
    return { store, budget: new WorkBudget(most, () => store.snapshot()) };
  };

  it('lets a first job of any size begin, and a second one that fits', () => {
    const { budget } = counted();
    expect(budget.tryBegin(job)).toBe(true);
    expect(budget.tryBegin(job)).toBe(false);
    expect(budget.tryBegin({ ...job, numbers: 40 })).toBe(true);
    expect(budget.isSpent).toBe(true);
    const { budget: fresh } = counted();
    expect(fresh.tryBegin({ numbers: 101, bytes: 1_001, requests: 81 })).toBe(true);
  });

  it.each([
    ['numbers', { ...job, numbers: 101 }],
    ['bytes', { ...job, bytes: 1_001 }],
    ['requests', { ...job, requests: 71 }],
  ])('has to hold all %s of a job once an eighth of its requests is made', async (_, large) => {
    const { store, budget } = counted();
    for (let i = 0; i < 11; i++) await store.get('a');
    expect(budget.tryBegin(large)).toBe(false);
    expect(budget.tryBegin(job)).toBe(true);
  });

  it('counts bytes both ways, and what the store makes of long calls', async () => {
    const { store, budget } = counted();
    await store.put('a', new Uint8Array(600), { if: 'any' });
    await store.get('a', { range: { offset: 0, length: 300 } });
    expect(budget.done).toEqual({ numbers: 0, bytes: 900, requests: 3 });
    expect([budget.isSpent, budget.mayLook]).toEqual([false, true]);
    await store.get('a', { range: { offset: 0, length: 100 } });
    expect([budget.isSpent, budget.mayLook]).toEqual([true, true]);
    const upload = await store.upload('b');
    await upload.write(new Uint8Array(10 * limits.uploadPartBytes));
    await upload.finish();
    expect(budget.done.requests).toBe(4 + 11);
  });
});
