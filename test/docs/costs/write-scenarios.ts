/**
 * Writes with everything that they bring with them: hints, folds, merges, copies of heads, fences and deletions, by a run of
 * maintenance each minute, until nothing is left to do.
 */
import type { Collection } from '../../../core/index.js';
import { count, newSite, RecordSource } from './scenario.js';
import type { Scenario, Site } from './scenario.js';

export interface WriteLoad {
  readonly name: string;
  readonly processes: number;
  /** Of one process. */
  readonly writesAtOnce: number;
  readonly recordsPerWrite: number;
  /** Between the writes of one second. 0: all at once. */
  readonly apartMs: number;
  /** A strong read comes before each write, and is counted with it. */
  readonly readsFirst: boolean;
  readonly seconds: number;
}

const one = {
  processes: 1,
  writesAtOnce: 1,
  recordsPerWrite: 1,
  apartMs: 0,
  readsFirst: false,
  seconds: 1_200,
};
const four = { ...one, processes: 4, seconds: 75 };

export const writeLoads: readonly WriteLoad[] = [
  { ...one, name: 'one record, one writer' },
  { ...one, name: '100 records, one writer', recordsPerWrite: 100, seconds: 130 },
  { ...one, name: 'one record, 10 at once in one process', writesAtOnce: 10, seconds: 200 },
  { ...four, name: 'one record, 4 processes in turn', apartMs: 250 },
  {
    ...four,
    name: 'one record, 4 processes in turn, each after a strong read',
    apartMs: 250,
    readsFirst: true,
  },
  { ...four, name: 'one record, 4 processes at the same moment' },
];

/** What a write asks for depends on it only where batches pass 8 MiB. */
const DIMENSION = 64;

export async function countWrites(load: WriteLoad): Promise<Scenario> {
  const site = newSite();
  const times = load.seconds * load.processes * load.writesAtOnce;
  const writers = await openWriters(site, load);
  const scheduled = await site.world.process(site.bucket);
  // The pass of the day is counted with what is idle.
  await scheduled.maintain({ wait: false });
  const records = new RecordSource(DIMENSION);
  const scenario = await count(site, { name: load.name, times }, async () => {
    for (let second = 1; second <= load.seconds; second++) {
      await writeAll(writers, load, { ...site, records });
      site.world.pass(1_000 - load.apartMs * writers.length);
      if (second % 60 === 0) await scheduled.maintain({ wait: false });
    }
    await untilDone(site, () => scheduled.maintain({ wait: false }));
  });
  await site.world.close();
  return scenario;
}

async function writeAll(
  writers: readonly Collection[],
  { recordsPerWrite, apartMs, readsFirst }: WriteLoad,
  { world, records }: Site & { readonly records: RecordSource },
): Promise<void> {
  const write = (writer: Collection): Promise<unknown> => writer.upsert(records.records(recordsPerWrite));
  if (apartMs === 0) {
    await Promise.all(writers.map(write));
    return;
  }
  for (const writer of writers) {
    if (readsFirst) await writer.count();
    await write(writer);
    world.pass(apartMs);
  }
}

/** One for each write of a second. */
async function openWriters(site: Site, load: WriteLoad): Promise<readonly Collection[]> {
  const writers: Collection[] = [];
  for (let process = 0; process < load.processes; process++) {
    const database = await site.world.process(site.bucket);
    const collection = await database.createCollection('papers', { dimension: DIMENSION });
    await collection.count();
    for (let write = 0; write < load.writesAtOnce; write++) writers.push(collection);
  }
  return writers;
}

/** What is left of the log is folded when it is ten minutes old, and what that leaves is deleted a minute later. */
async function untilDone({ world }: Site, run: () => Promise<{ readonly more: boolean }>): Promise<void> {
  let idle = 0;
  for (let minute = 0; idle === 0 || minute < 12; minute++) {
    world.pass(60_000);
    const { more } = await run();
    idle = more ? 0 : idle + 1;
    if (minute > 60) throw new Error('maintenance finds no end');
  }
}
