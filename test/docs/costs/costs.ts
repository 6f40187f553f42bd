/** All that docs/COST.md tells, counted. Takes ten seconds of a processor. */
import { countReads, newReadSite } from './read-scenarios.js';
import type { Scenario } from './scenario.js';
import { countIdle, countSnapshot, measureStorage } from './upkeep-scenarios.js';
import { countWrites, writeLoads } from './write-scenarios.js';

export interface Costs {
  readonly writes: readonly Scenario[];
  /** Those of the writes that no other process was in the way of, and the records of each write. */
  readonly recordWrites: readonly { readonly scenario: Scenario; readonly records: number }[];
  readonly reads: readonly Scenario[];
  /** Of months. */
  readonly idle: readonly Scenario[];
  readonly bytesPerRecord: number;
}

export async function countCosts(): Promise<Costs> {
  const writes: Scenario[] = [];
  const recordWrites: Costs['recordWrites'][number][] = [];
  for (const load of writeLoads) {
    const scenario = await countWrites(load);
    writes.push(scenario);
    if (load.processes === 1) recordWrites.push({ scenario, records: load.recordsPerWrite });
  }
  const site = await newReadSite();
  const reads = await countReads(site);
  writes.push(await countSnapshot(site));
  await site.world.close();
  return { writes, recordWrites, reads, idle: await countIdle(), bytesPerRecord: await measureStorage() };
}
