/**
 * Writers who race for the slots of one log, over a store of modelled latencies (PUT, GET and LIST lognormal around 60, 25
 * and 40 ms) in virtual time, as shipped and with plain retry instead of the inbox: `npm run bench:contention`.
 */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, FLAGS } from '../test/sim/bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const committer = 'core/log/committer.ts';

/** A loser leaves nothing and carries nothing. */
const plainRetry = [
  {
    file: committer,
    find: 'writes.some((write) => write.lost) ? await this.#carry(plan) : []',
    replace: '[]',
  },
  { file: committer, find: "'inline' in content && !write.waits,", replace: 'false,' },
];

/** As they ship, unlike in the simulator. */
const asShipped = ['keysPerSlot: 256,', 'eligibleSlots: 256,', 'windowKeys: 65_536,'].map((setting) => {
  return { file: 'core/base/limits.ts', find: setting, replace: setting };
});

/**
 * @param {string} name
 * @param {readonly import('../test/sim/bundle.mjs').Edit[]} edits
 */
async function run(name, edits) {
  const file = await build(root, 'contention.ts', 'contention.mjs', [...asShipped, ...edits]);
  const lines = execFileSync(process.execPath, [...FLAGS, file], { encoding: 'utf8' })
    .trim()
    .split('\n');
  console.log(name);
  console.table(lines.map((line) => JSON.parse(line)));
}

await run('with the inbox', []);
await run('plain retry', plainRetry);
