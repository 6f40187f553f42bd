/**
 * The simulator simulates: the same seed does the same, another does something else, faults and crashes happen, the
 * black-box check tells good histories from bad ones. Thousands of seeds are `npm run sim`.
 */
import { describe, expect, it } from 'vitest';
import { checkLinearizable } from './linearizable.js';
import type { Call } from './history.js';
import { runSeed } from './run.js';

describe('a seed', () => {
  it('gives the same trace again, and another seed another', async () => {
    const [first, again, other] = [await runSeed(5), await runSeed(5), await runSeed(6)];
    expect([first.failure, again.failure, other.failure]).toEqual([undefined, undefined, undefined]);
    expect(again.trace).toBe(first.trace);
    expect(again.report.operations).toBe(first.report.operations);
    expect(other.trace).not.toBe(first.trace);
  });

  it('holds, for each of the first thirty', async () => {
    const totals = { operations: 0, faults: 0, commits: 0 };
    for (let seed = 1; seed <= 30; seed++) {
      const { failure, report } = await runSeed(seed);
      expect(failure, `npm run sim -- --replay ${seed}`).toBeUndefined();
      totals.operations += report.operations;
      totals.faults += report.faults.size;
      totals.commits += report.of('commits');
    }
    expect(totals.operations).toBeGreaterThan(3_000);
    expect(totals.faults).toBeGreaterThan(20);
    expect(totals.commits).toBeGreaterThan(100);
  });
});

const write = (
  x: number,
  startStep: number,
  endStep: number,
  end: 'acknowledged' | 'unknown' = 'acknowledged',
): Call => ({
  kind: 'write',
  collection: 'c',
  key: `k${x}`,
  keyHash: `k${x}`,
  input: { upsert: [{ id: 'a', x }] },
  startMs: 0,
  endMs: 0,
  startStep,
  endStep,
  tryStep: startStep,
  uncertain: false,
  end,
  atStart: new Map(),
  keysAtStart: new Map(),
});

const read = (x: number | undefined, startStep: number, endStep: number): Call => ({
  kind: 'read',
  collection: 'c',
  consistency: 'strong',
  startMs: 0,
  endMs: 0,
  startStep,
  endStep,
  seen: x === undefined ? {} : { a: `${x} {"v":${x}}` },
  atStart: new Map(),
});

describe('the check from outside', () => {
  it('finds an order where there is one', () => {
    expect(checkLinearizable([write(1, 0, 1), write(2, 2, 9), read(1, 3, 4), read(2, 5, 6)])).toBe(
      'linearizable',
    );
    expect(checkLinearizable([write(1, 0, 1, 'unknown'), read(undefined, 2, 3), read(1, 4, 5)])).toBe(
      'linearizable',
    );
  });

  it('finds none where a write was lost, came back, or was read before it began', () => {
    expect(checkLinearizable([write(1, 0, 1), read(undefined, 2, 3)])).toBe('not linearizable');
    expect(checkLinearizable([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)])).toBe('not linearizable');
    expect(checkLinearizable([write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6)])).toBe(
      'not linearizable',
    );
    expect(checkLinearizable([read(1, 0, 1), write(1, 2, 3)])).toBe('not linearizable');
  });
});
