/**
 * One Ceph for all suites that end in `.ceph.test.ts`: vitest runs `setup` before the first of them, and not where none runs.
 * Installs what is missing where it can. Where it cannot, those suites are skipped and say so; in CI that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import type { TestProject } from 'vitest/node';
import { root } from '../../../scripts/set-up.mjs';
import { hasCeph, startCluster, unpacked } from './cluster.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Two S3 gateways on one cluster; none where there is no Ceph. */
    cephGateways: readonly string[];
  }
}

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!hasCeph()) {
    process.stderr.write('unpacking Ceph (test/engines/ceph/install.sh build/engines/ceph)\n');
    spawnSync(join(root, 'test/engines/ceph/install.sh'), [unpacked], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  if (!hasCeph()) {
    const message =
      'S3 IS NOT TESTED: there is no Ceph here. To install it: sudo apt-get install radosgw ceph-mon ceph-osd';
    if (process.env['CI'] !== undefined) throw new Error(message);
    process.stderr.write(`${message}\n`);
    project.provide('cephGateways', []);
    return undefined;
  }
  const { gateways, stop } = await startCluster();
  project.provide('cephGateways', gateways);
  return stop;
}
