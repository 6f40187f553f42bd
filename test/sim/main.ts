/** The command line of the simulator: `sim.mjs` builds and starts it, `run-mutants.mjs` with one rule less. */
import { runExhaustive } from './exhaustive.js';
import { floorsMissed, printTotal } from './summary.js';
import { Report } from './report.js';
import { runSeed } from './run.js';
import type { Run } from './run.js';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(name);
  return at < 0 ? fallback : Number(args[at + 1]);
};

const REPEATED_EVERY = 97;

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

async function runMany(start: number, seeds: number): Promise<void> {
  const total = new Report();
  const since = performance.now();
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
} else if (args.includes('--until-failure')) await untilFailure(start, seeds);
else await runMany(start, seeds);
