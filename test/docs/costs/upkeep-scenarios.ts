/** What a collection costs that nobody asks anything of, what a snapshot costs, and what a record takes. */
import { limits } from '../../../core/index.js';
import { count, newSite, RecordSource } from './scenario.js';
import type { Scenario, Site } from './scenario.js';

/** Of a month, in days. */
const MONTH_DAYS = 30;
const DAY_S = 24 * 60 * 60;
const HOUR_S = 60 * 60;

/** `times` is in months. Of one collection, whose size does not matter where there is nothing to do. */
export async function countIdle(): Promise<readonly Scenario[]> {
  const site = newSite();
  const database = await site.world.process(site.bucket);
  const papers = await database.createCollection('papers', { dimension: 64 });
  await papers.upsert(new RecordSource(64).records(100));
  await papers.compact();
  await database.maintain();
  const serveS = limits.maintenanceIntervalMs / 1_000;
  const scenarios = [
    await countRuns(site, 'maintenance once a minute, in a process that stays', 60),
    await countRuns(site, `maintenance every ${serveS} s, as \`cairn serve\` has it`, serveS),
    await countColdRuns(site, 'maintenance once a minute, each time in a new process'),
  ];
  await site.world.close();
  return scenarios;
}

/** A day of them: then there was a pass over all collections too. */
async function countRuns(site: Site, name: string, everyS: number): Promise<Scenario> {
  const database = await site.world.process(site.bucket);
  await database.maintain();
  return count(site, { name, times: 1 / MONTH_DAYS }, async () => {
    for (let second = 0; second < DAY_S; second += everyS) {
      site.world.pass(everyS * 1_000);
      await database.maintain({ wait: false });
    }
  });
}

async function countColdRuns(site: Site, name: string): Promise<Scenario> {
  return count(site, { name, times: HOUR_S / DAY_S / MONTH_DAYS }, async () => {
    for (let second = 0; second < HOUR_S; second += 60) {
      site.world.pass(60_000);
      await site.bucket.selfTest();
      const database = await site.world.process(site.bucket);
      await database.maintain();
      await database.close();
    }
  });
}

export async function countSnapshot(site: Site): Promise<Scenario> {
  const papers = (await site.world.process(site.bucket)).collection('papers');
  await papers.count();
  return count(site, { name: 'snapshot', times: 1 }, () => papers.createSnapshot({ name: 'kept' }));
}

export const STORED_ROWS = 2_100;
export const STORED_DIMENSION = 768;

/** Bytes per record in a collection that is folded and collected. */
export async function measureStorage(): Promise<number> {
  const site = newSite();
  const database = await site.world.process(site.bucket);
  const papers = await database.createCollection('papers', { dimension: STORED_DIMENSION });
  const records = new RecordSource(STORED_DIMENSION);
  await papers.upsert(records.records(STORED_ROWS - 1));
  // The newest slot of a log is never deleted.
  await papers.upsert(records.records(1));
  await papers.compact();
  await database.collect();
  await site.world.close();
  return (await site.bucket.storedBytes()) / STORED_ROWS;
}
