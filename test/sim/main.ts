/**
 * The command line of the simulator: `sim.mjs` builds and starts it, `run-mutants.mjs` with one rule less. Many seeds are
 * dealt to as many processes as there are processors, each of which is this file again: one seed runs in one.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { runExhaustive } from './exhaustive.js';
import { floorsMissed, printTotal } from './summary.js';
import { Report } from './report.js';
import type { ReportData } from './report.js';
import { runSeed } from './run.js';
import type { Run } from './run.js';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(name);
  return at < 0 ? fallback : Number(args[at + 1]);
};

const REPEATED_EVERY = 97;
/** Starting a process takes as long as a few dozen. */
const SEEDS_PER_PROCESS = 100;

function textOf(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}

async function replay(seed: number): Promise<void> {
  const print = ({ world }: Run, text: string): void => {
    console.log(`${world.steps}\t${(world.nowMs / 1_000).toFixed(3)}\t${text}`);
  };
  const { failure } = await runSeed(seed, print);
  console.log(failure === undefined ? `seed ${seed} holds` : textOf(failure));
  process.exitCode = failure === undefined ? 0 : 1;
}

/** Until the first failure: what a mutant is given. */
async function untilFailure(start: number, seeds: number): Promise<void> {
  for (let seed = start; seed < start + seeds; seed++) {
    const { failure } = await runSeed(seed);
    if (failure === undefined) continue;
    const { message } = failure as Error;
    console.log(`killed after ${seed - start + 1} seeds: ${message.slice(0, 120)}`);
    return;
  }
}

/** Every order of two writers, a compactor and a collector. */
async function exhaust(preemptions: number, ordersMax: number): Promise<boolean> {
  const report = new Report();
  const since = performance.now();
  const { orders, failure, choices, complete } = await runExhaustive(preemptions, ordersMax, report);
  const seconds = ((performance.now() - since) / 1_000).toFixed(1);
  const extent = complete ? 'all' : 'some';
  console.log(
    `${orders} orders, ${extent} with up to ${preemptions} preemptions, in ${seconds} s, ${report.operations} store operations`,
  );
  if (failure !== undefined) console.log(`order ${choices.join()}: ${textOf(failure)}`);
  return failure === undefined;
}

/** What became of some of the seeds. */
interface Part {
  readonly total: ReportData;
  readonly failed: number;
}

async function runPart(start: number, seeds: number): Promise<Part> {
  const total = new Report();
  let failed = 0;
  for (let seed = start; seed < start + seeds; seed++) {
    const { failure, report, trace } = await runSeed(seed);
    total.addRun(report);
    let fault = failure === undefined ? undefined : textOf(failure);
    // Invariant 16.
    if (seed % REPEATED_EVERY === 0 && (await runSeed(seed)).trace !== trace) fault ??= '16: another trace';
    if (fault === undefined) continue;
    failed++;
    console.log(`seed ${seed}: ${fault}\n  npm run sim -- --replay ${seed}`);
  }
  return { total, failed };
}

/** The same in a process of its own. Its data come as they are, without the report's methods. */
function forkPart(start: number, seeds: number): Promise<Part> {
  const given = ['--part', '--start', String(start), '--seeds', String(seeds)];
  const child = fork(process.argv[1]!, given, { serialization: 'advanced' });
  return new Promise((resolve, reject) => {
    child.on('message', (part: Part) => resolve(part));
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`a process of the simulator ended with ${code}`)));
  });
}

async function runMany(start: number, seeds: number): Promise<void> {
  const since = performance.now();
  const processes = Math.max(1, Math.min(availableParallelism(), Math.floor(seeds / SEEDS_PER_PROCESS)));
  const firstOf = (i: number): number => start + Math.floor((i * seeds) / processes);
  const parts = Array.from({ length: processes }, (_, i) => {
    const [first, end] = [firstOf(i), firstOf(i + 1)];
    return processes === 1 ? runPart(first, end - first) : forkPart(first, end - first);
  });
  const total = new Report();
  let failed = 0;
  for (const part of await Promise.all(parts)) {
    total.addRuns(part.total);
    failed += part.failed;
  }
  const seconds = (performance.now() - since) / 1_000;
  printTotal(total, { seeds, seconds, failed });
  const missed = floorsMissed(total, seeds);
  for (const what of missed) console.log(`missed: ${what}`);
  process.exitCode = failed === 0 && missed.length === 0 ? 0 : 1;
}

const start = option('--start', 1);
const seeds = option('--seeds', 200);
if (args.includes('--replay')) await replay(option('--replay', 1));
else if (args.includes('--exhaustive')) {
  if (!(await exhaust(option('--exhaustive', 1), option('--orders', Infinity)))) process.exitCode = 1;
} else if (args.includes('--part')) process.send!(await runPart(start, seeds));
else if (args.includes('--until-failure')) await untilFailure(start, seeds);
else await runMany(start, seeds);
