/** Those who keep the store in shape while the lanes write: one compacts, one collects. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isCairnError, open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { removeDeadJobs } from '../../core/log/index.js';
import { Chance } from '../log/virtual-time.js';
import { SHARED } from './lanes.js';
import type { Part } from './messages.js';
import { Orders, say, storeOf, Tallies } from './parent-line.js';
import { StoreLook } from './store-look.js';

/**
 * Maintenance takes a job for dead after two minutes, and until then nobody else folds: with a kill every few seconds all logs
 * would be full of waiting. Sooner costs work, never safety, and meets jobs whose process is only stopped.
 */
const DEAD_JOB_MS = 20_000;
const PAUSE_MS = { compactor: 400, collector: 1_500 };
/** Dropped, or taken from under a compaction that was stopped. */
const PASSING = new Set(['collection_not_found', 'collection_gone', 'job_gone']);

async function tolerant(tallies: Tallies, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isCairnError(error) || !(error.kind === 'unavailable' || PASSING.has(error.code))) throw error;
    tallies.add(`refused: ${error.code}`);
  }
}

async function compactOne(database: Database, chance: Chance, tallies: Tallies): Promise<void> {
  const { collections } = await database.listCollections();
  // Those of all lanes fill up sooner.
  const names = [...collections.map(({ name }) => name), ...Object.keys(SHARED)];
  const minor = chance.happens(0.5);
  const done = await database.collection(chance.pick(names)).compact({ minor });
  if (done.foldedSlots + done.segmentsWritten + done.segmentsMerged === 0) return;
  tallies.add(minor ? 'compact minor' : 'compact');
  tallies.add('slots folded', done.foldedSlots);
  tallies.add('segments merged', done.segmentsMerged);
}

export async function keepCompacting(part: Part): Promise<void> {
  const look = await StoreLook.open(part.folder);
  const database = await open(storeOf(part));
  const orders = new Orders();
  const tallies = new Tallies();
  const chance = new Chance(part.seed * 7_919 + Math.floor(performance.timeOrigin));
  say({ is: 'ready' });
  while (orders.last !== 'stop') {
    await tolerant(tallies, () => compactOne(database, chance, tallies));
    for (const uid of await look.uids())
      await tolerant(tallies, async () => {
        tallies.add('dead jobs removed', (await removeDeadJobs(look.context(uid), DEAD_JOB_MS)).length);
      });
    await sleep(chance.below(PAUSE_MS.compactor));
  }
  tallies.end();
  await database.close();
}

/** By `collect` and by `maintain`, which compacts what is due besides. */
export async function keepCollecting(part: Part): Promise<void> {
  const database = await open(storeOf(part));
  const orders = new Orders();
  const tallies = new Tallies();
  orders.stopped.addEventListener('abort', () => void database.close());
  say({ is: 'ready' });
  for (let turn = 0; orders.last !== 'stop'; turn++) {
    say({ is: 'collecting' });
    await tolerant(tallies, async () => {
      const { objects, bytes } = await (turn % 3 === 2 ? database.maintain() : database.collect());
      if (objects === 0) return;
      tallies.add('collections of garbage');
      tallies.add('objects collected', objects);
      tallies.add('bytes collected', bytes);
    }).catch((error: unknown) => {
      // Closing has ended it.
      if (orders.last !== 'stop') throw error;
    });
    await sleep(PAUSE_MS.collector, undefined, { signal: orders.stopped }).catch(() => {});
  }
  tallies.end();
}
