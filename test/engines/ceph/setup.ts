/**
 * One Ceph for all suites that end in `.ceph.test.ts`: vitest runs `setup` before the first of them, and not where none runs.
 * Installs what is missing where it can. Where it cannot, those suites are skipped and say so; in CI that is a failure.
 */
import process from 'node:process';
import type { TestProject } from 'vitest/node';
import { installCeph, startCluster } from './cluster.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Two S3 gateways on one cluster; none where there is no Ceph. */
    cephGateways: readonly string[];
  }
}

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!installCeph()) {
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
