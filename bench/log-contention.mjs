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
  { file: committer, find: 'writes.some((write) => write.lost) ? await this.#carry(plan) : []', replace: '[]' },
  { file: committer, find: "'inline' in content && !write.waits,", replace: 'false,' },
];

for (const [name, edits] of [
  ['inbox', []],
  ['plain retry', plainRetry],
]) {
  const file = await build(root, 'contention.ts', `contention-${edits.length}.mjs`, [
    // As they ship, unlike in the simulator.
    { file: 'core/base/limits.ts', find: 'keysPerSlot: 256,', replace: 'keysPerSlot: 256,' },
    { file: 'core/base/limits.ts', find: 'eligibleSlots: 256,', replace: 'eligibleSlots: 256,' },
    { file: 'core/base/limits.ts', find: 'windowKeys: 65_536,', replace: 'windowKeys: 65_536,' },
    ...edits,
  ]);
  const lines = execFileSync(process.execPath, [...FLAGS, file], { encoding: 'utf8' }).trim().split('\n');
  console.log(name);
  console.table(lines.map((line) => JSON.parse(line)));
}
