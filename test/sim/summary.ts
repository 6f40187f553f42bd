/** What many runs add up to, and whether they did enough to prove anything. */
import { everyFault } from './faults.js';
import { markNames } from './marks.mjs';
import { SHARED } from './report.js';
import type { Report } from './report.js';

/** Of all runs, how many have to do at least two of each. */
const SHARE_MIN = { commits: 0.9, compactions: 0.4, fences: 0.35 } as const;
/** Fewer runs than this may miss a rare branch. */
const SEEDS_FOR_ALL = 2_000;

export interface Totals {
  readonly seeds: number;
  readonly seconds: number;
  readonly failed: number;
}

export function printTotal(total: Report, { seeds, seconds, failed }: Totals): void {
  const list = (map: ReadonlyMap<string, number>): string =>
    [...map]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`)
      .join('\n');
  console.log(`faults\n${list(total.faults)}`);
  console.log(`events\n${list(total.counts)}`);
  console.log(`sometimes\n${list(total.marks)}`);
  for (const what of SHARED) {
    const share = Math.round((100 * (total.runsWith.get(what) ?? 0)) / seeds);
    console.log(`two or more ${what}: ${share} % of the seeds`);
  }
  const rate = (seeds / seconds).toFixed(0);
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s (${rate}/s), ${total.operations} store operations, ${failed} failed`,
  );
}

/** What should have happened and did not. */
export function floorsMissed(total: Report, seeds: number): readonly string[] {
  if (seeds < SEEDS_FOR_ALL) return [];
  const shares = SHARED.filter((what) => (total.runsWith.get(what) ?? 0) < SHARE_MIN[what] * seeds);
  return [
    ...shares.map((what) => `two or more ${what} in ${SHARE_MIN[what] * 100} % of the seeds`),
    ...everyFault.filter((kind) => !total.faults.has(kind)),
    ...markNames.filter((name) => !total.marks.has(name)),
  ];
}
