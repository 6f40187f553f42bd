/** The command line: `soak.mjs` bundles and starts it. */
import { parseArgs } from 'node:util';
import { linesOf } from './report.js';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    child: { type: 'string' },
    minutes: { type: 'string', default: '5' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'skip-fence': { type: 'boolean', default: false },
  },
});
const [minutes, workers, seed] = [Number(values.minutes), Number(values.workers), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed) || !(Number.isSafeInteger(workers) && workers >= 2))
  throw new Error('--minutes is above 0, --workers 2 and more, --seed a number');

// By an exit, which takes the other processes along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const ROUND_SECONDS = 150;
const say = (line: string): void => console.log(line);
say(`npm run soak -- --minutes ${minutes} --workers ${workers} --seed ${seed}`);
const report = await soak({
  ...{ file: values.child!, workers, seed, say },
  seconds: minutes * 60,
  rounds: Math.max(1, Math.round((minutes * 60) / ROUND_SECONDS)),
  killEveryMs: 5_000,
  skipFence: values['skip-fence'],
});
for (const line of linesOf(report)) say(line);
if (report.faults.length > 0) process.exitCode = 1;
