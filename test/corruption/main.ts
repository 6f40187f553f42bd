/** The command line: `corruption.mjs` bundles and starts it. */
import { parseArgs } from 'node:util';
import { makeBucket } from './bucket.js';
import type { ObjectKind } from './bucket.js';
import { corrupt } from './run.js';
import { Worlds } from './worlds.js';

const { values } = parseArgs({
  options: {
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const [share, seed] = [Number(values.share), Number(values.seed)];
if (!(share > 0 && share <= 1) || !Number.isSafeInteger(seed))
  throw new Error('--share is above 0 and at most 1, --seed a number');

const bucket = await makeBucket();
const worlds = await Worlds.of(bucket);
const bytes = [...bucket.image.values()].reduce((sum, object) => sum + object.length, 0);
console.log(`${bucket.image.size} objects, ${bytes} bytes; ${share * 100} % of all damages, seed ${seed}`);
const since = performance.now();
const tallies = await corrupt({ bucket, worlds, share, seed, only: values.only as ObjectKind | undefined });
let all = 0;
for (const [name, { damages, unnoticed, errors, answers }] of tallies) {
  all += damages;
  console.log(
    `${name}: ${damages} damages, ${unnoticed} unnoticed; ${errors} calls refused, ${answers} answered right`,
  );
}
console.log(`${all} damages in ${((performance.now() - since) / 1_000).toFixed(0)} s, and no wrong answer`);
