/**
 * Strategy: server-kill.mjs in small. It says what is compared; `npm run crash` runs it with 20 kills.
 */
import { expect, it } from 'vitest';
import { killServer } from './server-kill.mjs';

it('a server killed under writing clients loses nothing that it acknowledged and doubles nothing', async () => {
  const report = await killServer({ kills: 4, clients: 8, seed: 4 });
  expect(report.killsUnderWrites).toBeGreaterThan(0);
  expect(report.answeredRepeats).toBeGreaterThan(0);
  expect(report.records).toBeGreaterThan(0);
});
