/**
 * Strategy: gateway-kill.mjs in small, on a cluster of its own, because it kills a gateway that other suites would miss. It says what is
 * compared; `npm run crash:gateway` runs it with 32 processes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateways as shared } from '../engines/ceph/bucket.js';
import { startCluster } from '../engines/ceph/cluster.js';
import type { Cluster } from '../engines/ceph/cluster.js';
import { killGateway, linesOf } from './gateway-kill.mjs';

describe.skipIf(shared.length === 0)('a gateway that is killed under writing processes', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  it('loses nothing that was acknowledged, and doubles nothing', { timeout: 240_000 }, async () => {
    const report = await killGateway({ cluster, gateways: 2, writers: 8, writes: 4 });
    expect(report.writes, linesOf(report).join('\n')).toBe(28);
    expect(report.acknowledged).toBe(32);
    expect(report.inDoubt).toBeGreaterThan(0);
    expect(report.repeated).toBe(8);
  });
});
