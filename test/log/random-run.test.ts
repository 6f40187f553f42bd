/**
 * Random runs of several processes over faulty stores, judged by a model that knows only what callers saw
 * (`random-run.ts`). A failing seed is printed with the line that replays it.
 *
 * Held here: 1, 3, 4, 5, 7, 8, 9, 11, 16, 17, 18 and 21, as far as one collection goes whose segments are lists.
 */
import { describe, expect, it } from 'vitest';
import { done } from './janitor.js';
import { RandomRun } from './random-run.js';
import type { RunOptions } from './random-run.js';

/** Start at another seed, and run so many of each kind: CAIRN_SEED=13 CAIRN_SEEDS=1 replays one. */
const firstSeed = Number(process.env['CAIRN_SEED'] ?? 1);
const seedCount = process.env['CAIRN_SEEDS'];
const seeds = (count: number): number[] => {
  return Array.from({ length: Number(seedCount ?? count) }, (_, i) => firstSeed + i);
};

async function expectSound(options: RunOptions): Promise<RandomRun> {
  const run = new RandomRun(options);
  const replay = `replay: CAIRN_SEED=${options.seed} CAIRN_SEEDS=1 npx vitest run test/log/random-run.test.ts`;
  try {
    await run.run();
  } catch (cause) {
    throw new Error(`seed ${options.seed} failed; ${replay}`, { cause });
  }
  expect(run.fault(), replay).toBeUndefined();
  return run;
}

describe('random runs', () => {
  it('without drops', async () => {
    for (const seed of seeds(100)) {
      await expectSound({ seed, processes: 4, callsPerProcess: 12, faults: 0.12, drops: false });
    }
  });

  it('with drops and new creations', async () => {
    for (const seed of seeds(100)) {
      await expectSound({ seed, processes: 4, callsPerProcess: 12, faults: 0.1, drops: true });
    }
  });

  it('of many processes', async () => {
    for (const seed of seeds(6)) {
      await expectSound({ seed, processes: 16, callsPerProcess: 6, faults: 0.05, drops: false });
    }
  });

  it('with folds, merges and collections', async () => {
    for (const seed of seeds(40)) {
      await expectSound({
        seed,
        processes: 6,
        callsPerProcess: 16,
        faults: seed % 3 === 0 ? 0 : 0.08,
        drops: seed % 5 === 0,
        janitors: 2,
      });
    }
    // Else nothing of this was tried.
    if (seedCount === undefined) for (const count of Object.values(done)) expect(count).toBeGreaterThan(10);
  });

  it('are the same for the same seed', async () => {
    const options = { seed: firstSeed, processes: 4, callsPerProcess: 12, faults: 0.2, drops: true };
    const [a, b] = [await expectSound(options), await expectSound(options)];
    expect(a.trace()).toBe(b.trace());
    expect((await expectSound({ ...options, seed: firstSeed + 1 })).trace()).not.toBe(a.trace());
  });

  it('do something: most writes are acknowledged, some end as unknown, faults of all kinds happen', async () => {
    const run = await expectSound({ seed: 7, processes: 8, callsPerProcess: 20, faults: 0.2, drops: false });
    const ends = run.history.flatMap((call) => (call.kind === 'write' ? [call.end] : []));
    const share = (end: string): number => ends.filter((other) => other === end).length / ends.length;
    expect(share('acknowledged')).toBeGreaterThan(0.5);
    expect(share('unknown') + share('refused')).toBeGreaterThan(0);
  });
});
