/**
 * What is deployed, bundled from the build for the suites of this folder: vitest runs `setup` once, before the first of them, and not
 * where none of them runs. A bundle of the same build is left as it is.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { digestSources, root, run, stampFile } from '../../../scripts/set-up.mjs';
import { mustBeBuilt } from '../node-process.js';

const stamp = join(root, 'build/bundles/bundles.stamp');

/** Of the build, and of what bundles it. */
function wantedStamp(): string {
  const build = readFileSync(join(root, stampFile));
  const bundler = digestSources(root, ['scripts/bundle.mjs', 'infra/azure/host.json']);
  return createHash('sha256').update(build).update(bundler).digest('hex');
}

export async function setup(): Promise<void> {
  mustBeBuilt();
  const wanted = wantedStamp();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const code = await run(process.execPath, [join(root, 'scripts/bundle.mjs')]);
  if (code !== 0) throw new Error(`scripts/bundle.mjs ended with exit code ${code}`);
  writeFileSync(stamp, wanted);
}
