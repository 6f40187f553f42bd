/**
 * A run: real processes on one file store, operations at random against models, `kill -9` and SIGSTOP at random.
 *
 * Strategy: each of some processes writes to lanes of its own (lanes.ts) in collections that all share, and keeps a
 * model of each in a journal (journal.ts), by which what a kill left in doubt is repeated under its key. A compactor
 * and a collector work beside them. Between rounds the lanes rest, and a process that has just begun compares
 * everything (check.ts). In the end everything is let go of, compacted and collected, and what is left over is counted
 * (settle.ts). Holds:
 *
 *   - a lane reads its own as the model says, at all times, as of its snapshots too; a unique vector finds its record
 *   - an operation that is repeated has one effect: the counts and the sequence of the first one
 *   - in every comparison nothing is lost, doubled or besides, and a scrub of the store finds no error
 *   - in the end less than 1 % of the store's bytes is what nobody needs
 *   - the process that is never killed has flat memory and as many open files as in the beginning
 *
 * The seed decides what is drawn; what a kill meets is up to the machine, so no run is like another.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../log/virtual-time.js';
import { ELDER, Fleet } from './fleet.js';
import type { CheckReport } from './messages.js';
import type { SettleReport } from './settle.js';
import { FILES_MAX, judge } from './steadiness.js';
import type { Steadiness } from './steadiness.js';

export interface SoakOptions {
  /** The bundle of child.ts. */
  readonly file: string;
  /** Of writing, without comparisons and the end. */
  readonly seconds: number;
  readonly rounds: number;
  readonly workers: number;
  readonly seed: number;
  /** Mean time between two kills; stops are half as frequent. */
  readonly killEveryMs: number;
  readonly skipFence: boolean;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly tallies: ReadonlyMap<string, number>;
  readonly checks: readonly CheckReport[];
  readonly settled: SettleReport | undefined;
  readonly elder: Steadiness;
  /** Over all processes, the most open files of one. */
  readonly filesMost: number;
  readonly faults: readonly string[];
  /** With the store, the journals and what the processes printed; gone where nothing is wrong. */
  readonly folder: string;
}

/** Of stops: one of so many is long enough for the collector to fence and delete meanwhile. */
const LONG_STOPS = 8;
const STOP_MS = { short: 4_000, long: 35_000, longMore: 40_000 };
const FENCE_MS = 60_000;
/** Of collections: one of so many is killed, half of these about when it deletes. */
const COLLECTIONS_KILLED = 4;
const LEAKED_SHARE_MAX = 0.01;
/** What a query without `exact` promises of itself. */
const FOUND_LEAST = 0.95;
const TICK_MS = 50;

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-soak-'));
  await Promise.all(['journal', 'log'].map((name) => mkdir(join(folder, name))));
  options.say(`store, journals and what the processes print: ${folder}`);
  const { file, workers, seed, skipFence } = options;
  const fleet = new Fleet({ file, folder, workers, seed, skipFence });
  const onExit = (): void => void fleet.killAll();
  process.once('exit', onExit);
  const checks: CheckReport[] = [];
  let settled: SettleReport | undefined;
  try {
    await fleet.ask('prepare');
    if (fleet.wrongs.length === 0) fleet.start();
    for (let round = 1; round <= options.rounds && fleet.wrongs.length === 0; round++) {
      if (round > 1) fleet.resume();
      await disturb(fleet, options, round);
      const report = await rest(fleet);
      if (report === undefined) break;
      checks.push(report);
      options.say(roundLine(round, options, fleet, report));
    }
    if (fleet.wrongs.length === 0) await fleet.end();
    if (fleet.wrongs.length === 0) settled = await settle(fleet);
  } finally {
    await fleet.killAll();
    process.off('exit', onExit);
  }
  const report = reportOf(fleet, { checks, settled, folder });
  if (report.faults.length === 0) await rm(folder, { recursive: true });
  return report;
}

/** One round of kills and stops. */
async function disturb(fleet: Fleet, options: SoakOptions, round: number): Promise<void> {
  const chance = new Chance(options.seed * 104_729 + round);
  const between = (meanMs: number): number => meanMs * (0.5 + chance.word() / 2 ** 32);
  const untilMs = performance.now() + (options.seconds * 1_000) / options.rounds;
  let killMs = performance.now() + between(options.killEveryMs);
  let stopMs = performance.now() + between(options.killEveryMs * 2);
  let collectorMs = Infinity;
  fleet.onCollecting = () => {
    if (chance.below(COLLECTIONS_KILLED) > 0) return;
    const inMs = chance.happens(0.5) ? FENCE_MS + chance.below(1_500) : chance.below(FENCE_MS);
    collectorMs = performance.now() + inMs;
  };
  while (performance.now() < untilMs && fleet.wrongs.length === 0) {
    const nowMs = performance.now();
    if (nowMs >= killMs) {
      await fleet.kill(fleet.drawVictim(chance));
      killMs = performance.now() + between(options.killEveryMs);
    }
    if (nowMs >= collectorMs) {
      collectorMs = Infinity;
      await fleet.killCollector();
    }
    if (nowMs >= stopMs) {
      const isLong = chance.below(LONG_STOPS) === 0;
      const ms = isLong ? STOP_MS.long + chance.below(STOP_MS.longMore) : 200 + chance.below(STOP_MS.short);
      void fleet.stopFor(fleet.drawAny(chance), ms);
      stopMs = performance.now() + between(options.killEveryMs * 2);
    }
    await sleep(TICK_MS);
  }
  fleet.onCollecting = () => {};
}

/** The lanes rest, and all is compared. Undefined where something is wrong. */
async function rest(fleet: Fleet): Promise<CheckReport | undefined> {
  if (fleet.wrongs.length === 0) await fleet.pause();
  if (fleet.wrongs.length > 0) return undefined;
  const answer = await fleet.ask('check');
  return answer?.is === 'checked' ? answer.report : undefined;
}

async function settle(fleet: Fleet): Promise<SettleReport | undefined> {
  const answer = await fleet.ask('settle');
  return answer?.is === 'settled' ? answer.report : undefined;
}

function roundLine(round: number, { rounds }: SoakOptions, fleet: Fleet, report: CheckReport): string {
  const kills = sum(fleet.tallies, (what) => what.startsWith('kills: '));
  return (
    `round ${round} of ${rounds}: ${kills} kills so far; ${report.records} records in ${report.collections} collections and ` +
    `${report.snapshots} snapshots are what the models say; scrub: no error, ${report.notices} notices, ${report.garbageBytes} bytes to be collected`
  );
}

export function sum(tallies: ReadonlyMap<string, number>, of: (what: string) => boolean): number {
  return [...tallies].reduce((total, [what, count]) => total + (of(what) ? count : 0), 0);
}

function reportOf(
  fleet: Fleet,
  { checks, settled, folder }: Pick<SoakReport, 'checks' | 'settled' | 'folder'>,
): SoakReport {
  const { tallies, samples, wrongs } = fleet;
  const elder = judge(samples.filter(({ name }) => name === ELDER).map(({ sample }) => sample));
  const filesMost = Math.max(0, ...samples.map(({ sample }) => sample.files ?? 0));
  const found = tallies.get('nearest found') ?? 0;
  const missed = tallies.get('nearest missed') ?? 0;
  const faults = [
    ...wrongs,
    ...elder.faults.map((fault) => `${ELDER}: ${fault}`),
    ...(filesMost > FILES_MAX
      ? [`a process has ${filesMost} open files, at most ${FILES_MAX} are expected`]
      : []),
    ...(found < (found + missed) * FOUND_LEAST
      ? [`${missed} of ${found + missed} queries do not find the record whose vector they ask`]
      : []),
    ...(settled !== undefined && settled.leakedBytes >= settled.bytes * LEAKED_SHARE_MAX
      ? [`${settled.leakedBytes} of ${settled.bytes} bytes leaked: ${settled.leaked.join(', ')}`]
      : []),
  ];
  return { tallies, checks, settled, elder, filesMost, faults, folder };
}
