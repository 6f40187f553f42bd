/**
 * Strategy: soak.ts in small, which says what holds. `npm run soak` runs it for as long as it is told. Too short for a
 * trend of memory, which is why that is judged here of samples that are made up.
 */
import { describe, expect, it } from 'vitest';
import { bundleChild } from './bundle.mjs';
import type { Sample } from './messages.js';
import { linesOf } from './report.js';
import { soak, sum } from './soak.js';
import { judge, lineThrough } from './steadiness.js';

const LONG_MS = 180_000;

it(
  'processes that are killed at random lose nothing, double nothing and leave nothing behind',
  async () => {
    const report = await soak({
      ...{ file: await bundleChild(), seconds: 8, rounds: 2, workers: 2, seed: 1 },
      ...{ killEveryMs: 900, skipFence: true, say: () => {} },
    });
    expect(report.faults, linesOf(report).join('\n')).toEqual([]);
    const count = (what: string): number => report.tallies.get(what) ?? 0;
    expect(sum(report.tallies, (what) => what.startsWith('kills: '))).toBeGreaterThan(4);
    expect(count('compact') + count('compact minor')).toBeGreaterThan(0);
    expect(report.checks).toHaveLength(2);
    expect(report.settled?.objectsCollected).toBeGreaterThan(0);
    expect(report.settled?.leaked).toEqual([]);
  },
  LONG_MS,
);

describe('what is judged of memory and open files', () => {
  const MB = 1_000_000;
  /** Ten minutes, a sample every two seconds. */
  const samples = (change: (at: number) => Partial<Sample>): readonly Sample[] =>
    Array.from({ length: 300 }, (_, at) => ({
      ...{ ms: at * 2_000, rss: 150 * MB, heap: 20 * MB, buffers: 30 * MB, files: 20 },
      quiet: at % 100 === 0,
      ...change(at),
    }));

  it('lets pass what swings, and what grows while it warms up', () => {
    const noisy = judge(samples((at) => ({ rss: (150 + (at % 7) * 3) * MB, heap: (20 + (at % 3)) * MB })));
    expect(noisy.faults).toEqual([]);
    expect(noisy.trends).toHaveLength(3);
    expect(judge(samples((at) => ({ rss: Math.min(150, 50 + at * 2) * MB }))).faults).toEqual([]);
  });

  it('tells what grows', () => {
    const grows = (change: (at: number) => Partial<Sample>) => judge(samples(change)).faults.join();
    expect(grows((at) => ({ rss: (150 + at * 0.15) * MB }))).toMatch(/^resident memory grows/);
    expect(grows((at) => ({ heap: (20 + at * 0.05) * MB }))).toMatch(/^heap grows/);
    expect(grows((at) => ({ buffers: (30 + at * 0.1) * MB }))).toMatch(/^buffers grows/);
    expect(grows((at) => ({ files: 20 + Math.floor(at / 60) }))).toMatch(/^open files grow: from 20 to 23/);
  });

  it('draws lines by least squares', () => {
    const points = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x + (x % 2) }));
    expect(lineThrough(points)).toEqual({ slope: 2.2, mean: 8.5 });
  });
});
