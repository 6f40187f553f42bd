/** The command: `npm run sim -- --seeds N [--start S] [--replay SEED]`. */
import { Report } from './report.js';
import { runSeed } from './run.js';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};

const seeds = option('seeds', 100);
const start = option('start', 1);
const total = new Report();
const replay = option('replay', 0);
if (replay > 0) {
  const { failure } = await runSeed(replay, ({ world }, text) => {
    console.log(`${world.steps} ${(world.nowMs / 1_000).toFixed(3)} ${text}`);
  });
  console.log(failure);
  process.exit(failure === undefined ? 0 : 1);
}
const since = performance.now();
let failed = 0;
for (let seed = start; seed < start + seeds; seed++) {
  const t0 = process.cpuUsage().user;
  const { failure, report, steps, shape } = await runSeed(seed) as any;
  if (process.env['T']) console.log('T', seed, ((process.cpuUsage().user - t0) / 1000).toFixed(1), steps, report.operations, shape.scheduler, shape.crashes, report.of('crashes'), report.of('folds'));
  total.add(report);
  if (failure !== undefined) {
    failed++;
    console.log(`seed ${seed}: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`);
    if (failed >= option('failures', 5)) break;
  }
}
const seconds = (performance.now() - since) / 1_000;
console.log(`${seeds} seeds in ${seconds.toFixed(1)} s, ${total.operations} operations, ${failed} failed`);
console.log(total.counts, total.faults);
