/**
 * Strategy: compact-kill.mjs in small, without waiting in real time for the collector's fence. It says what is compared;
 * `npm run crash:compact` runs it with 20 kills.
 */
import { expect, it } from 'vitest';
import { killCompactions } from './compact-kill.mjs';

it('a server killed in the middle of compactions loses nothing, and collect leaves nothing behind', async () => {
  const report = await killCompactions({ kills: 3, seed: 3, clients: 2, rows: 4_000, skipFence: true });
  expect(report.killsInCompaction).toBeGreaterThan(0);
  expect(report.compactions).toBeGreaterThan(0);
  expect(report.segments).toBeGreaterThan(0);
  expect(report.collected).toBeGreaterThan(0);
}, 180_000);
