/**
 * Writers who race for the slots of one log: `npm run build && npm run bench:contention`.
 *
 * Over a store of modelled latencies (PUT, GET and LIST lognormal around 60, 25 and 40 ms) in virtual time, as shipped and
 * with plain retry instead of the inbox; then on a file store in real time. Writers are stateless: none shares a slot or
 * a read with another. p50, p99 and max are milliseconds, put, get and list are requests per write.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '../dist/core/index.js';
import { build, FLAGS } from '../test/sim/bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const committer = 'core/log/committer.ts';

/** A loser leaves nothing and carries nothing. */
const plainRetry = [
  {
    file: committer,
    find: 'this.#mustCarry(writes) ? await this.#carry(plan) : []',
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
 * @param {number} steadyMax writes per second
 */
async function model(name, edits, steadyMax) {
  const file = await build(root, 'contention.ts', 'contention.mjs', [...asShipped, ...edits]);
  const run = [...FLAGS, file, String(steadyMax)];
  const lines = execFileSync(process.execPath, run, { encoding: 'utf8' }).trim().split('\n');
  console.log(`modelled store, ${name}`);
  console.table(lines.map((line) => JSON.parse(line)));
}

/** @param {number} writers */
async function burst(writers) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-contention-'));
  try {
    const databases = await Promise.all(
      Array.from({ length: writers }, () => open(`file:${folder}`, { shareRequests: false })),
    );
    await databases[0]?.createCollection('papers', { dimension: 2, metric: 'euclidean' });
    const collections = databases.map((database) => database.collection('papers'));
    /** @param {string} name */
    const all = (name) =>
      Promise.all(
        collections.map(async (collection, i) => {
          const since = performance.now();
          await collection.upsert([{ id: `${name}${i}`, vector: [i, 1] }]);
          return performance.now() - since;
        }),
      );
    // The first burst loads collections and compiles code.
    await all('warm');
    const waits = (await all('x')).sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => Math.round(waits[Math.ceil(share * writers) - 1] ?? 0);
    await Promise.all(databases.map((database) => database.close()));
    return { load: `burst ${writers}`, p50: at(0.5), p99: at(0.99) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await model('with the inbox', [], 100);
await model('plain retry', plainRetry, 20);
console.log('file store, with the inbox');
console.table([await burst(1), await burst(8), await burst(32), await burst(128)]);
