/**
 * The end of a run: faults stop, what is on its way arrives, and then everybody makes progress (invariant 17) and sees
 * the same (5), a check of all that the bucket holds finds no error, and the bucket holds what can be reached and nothing
 * else (8).
 */
import type { Uid } from '../../core/base/ids.js';
import type { ScrubResult } from '../../core/index.js';
import { headCopyKey, slotKey } from '../../core/log/layout.js';
import { headKey, keysOf, rootKey, tryDatedKey } from '../../core/log/index.js';
import { limits } from '../../core/base/limits.js';
import { fetchAll } from './client.js';
import { keptVersions, pinsSlot, slotFloor } from './kept.js';
import type { Run } from './run.js';
import type { SimCollection } from './watch.js';

/** Passes that delete nothing, until there is nothing left: some only let go. */
const IDLE_COLLECTIONS = 3;
const COLLECTIONS_MAX = 30;
/** Of one collection. */
const LOOKS_BACK = 6;
const HOUR_MS = 3_600_000;

export async function settle(run: Run): Promise<void> {
  const { world, faults, fleet, history } = run;
  faults.rate = 0;
  faults.staleRate = 0;
  fleet.endFaults();
  // Longer than any put is late and anybody stalls; and a head without a name is an orphan after a day.
  await world.run(world.sleep(30 * HOUR_MS));
  history.checkRefused();
  await world.run(everybodyLooks(run, run.shape.servers));
  await world.run(checkStored(run));
  // Every second run, because it takes as long as all that came before.
  if (run.chance.happens(0.5)) {
    await world.run(everybodyLooksBack(run));
    return;
  }
  await world.run(cleanUp(run));
  await world.run(everybodyLooks(run, 1));
  await world.run(everybodyLooksBack(run));
  await world.run(checkStored(run));
  checkBucket(run);
}

/** At every snapshot that a client has made, and at what retention keeps. */
async function everybodyLooksBack({ clients, collections, fleet, history, chance }: Run): Promise<void> {
  for (const client of clients) await client.checkSnapshots();
  const { process, database } = fleet.host(0);
  for (const name of collections) {
    if (!history.wasNeverDropped(name)) continue;
    const { from, to } = history.keptOf(name);
    for (let i = 0; i < Math.min(LOOKS_BACK, to - from + 1); i++) {
      const asOf = from + chance.below(to - from + 1);
      const answer = await process.call(() => fetchAll(database.collection(name), 'strong', 30_000, asOf));
      history.answeredPast(name, asOf, answer!.seen);
    }
  }
}

async function everybodyLooks(run: Run, servers: number): Promise<void> {
  const { shape, fleet, world, history } = run;
  for (const name of run.collections) {
    if (shape.collections.includes(name)) await run.create(0, name);
    else if (!history.wasNeverDropped(name)) continue;
    for (let lane = 0; lane < servers; lane++) {
      const { process, database } = fleet.host(lane);
      const call = history.beginRead(name, 'strong');
      const answer = await process.call(() => fetchAll(database.collection(name), 'strong'));
      const { log } = history.answered(call, answer!.sequence, answer!.seen);
      if (answer!.sequence !== log.seq)
        throw world.fail(`17: in the end ${process.name} reads ${answer!.sequence} of ${log.seq}`);
    }
  }
}

async function checkStored({ fleet, world }: Run): Promise<void> {
  const { process, database } = fleet.host(0);
  const fault = faultOfScrub((await process.call(() => database.scrub()))!);
  if (fault !== undefined) throw world.fail(`in the end ${fault}`);
}

/** The first error that a check of the store has found. */
export function faultOfScrub({ findings, collections }: ScrubResult): string | undefined {
  const all = [...findings, ...collections.flatMap((collection) => collection.findings)];
  const error = all.find(({ severity }) => severity === 'error');
  return error && `scrub: ${error.code} ${error.key}: ${error.message}`;
}

async function cleanUp({ shape, fleet, collections, watch }: Run): Promise<void> {
  const { servers, compactors } = shape;
  const compactor = fleet.host(servers);
  for (const { name, head } of watch.collections.values()) {
    // Nobody finds a head whose create died by its name.
    if (head.state !== 'active' || !collections.includes(name)) continue;
    await compactor.process.call(() => compactor.database.collection(name).compact());
  }
  const collector = fleet.host(servers + compactors);
  // What one has retired the next deletes; a branch that died is buried, then given back, then let go of by each of its ancestors.
  for (let round = 0, idle = 0; idle < IDLE_COLLECTIONS && round < COLLECTIONS_MAX; round++) {
    const done = await collector.process.call(() => collector.database.collect());
    idle = done!.objects === 0 ? idle + 1 : 0;
  }
}

function checkBucket({ bucket, watch, world }: Run): void {
  for (const { key } of bucket.list('c/')) {
    const uid = key.slice('c/'.length).split('/', 1)[0] as Uid;
    if (!watch.collections.has(uid)) throw world.fail(`8: in the end ${key} is of no collection`);
  }
  for (const collection of watch.collections.values()) {
    const wanted = reachable(collection);
    for (const key of wanted) {
      if (!bucket.objects.has(key)) throw world.fail(`8: in the end ${key} is not there`);
    }
    for (const { key } of bucket.list(`c/${collection.uid}/`)) {
      if (wanted.has(key) || isExplained(collection, key)) continue;
      throw world.fail(`8: in the end nothing explains ${key}`);
    }
  }
}

/** Every key of a collection that has to be there. */
function reachable({ uid, head, heads, log }: SimCollection): ReadonlySet<string> {
  const keys = new Set([headKey(uid)]);
  for (const version of keptVersions(head)) {
    keys.add(headCopyKey(uid, version as never));
    for (const key of keysOf(heads.get(version)!)) keys.add(key);
  }
  if (head.state === 'dropped') return keys;
  for (let seq = log.startSeq + 1; seq <= log.seq; seq++)
    if (seq > slotFloor(head) || seq === log.seq || pinsSlot(head, seq - 1, seq))
      keys.add(slotKey(uid, seq as never));
  for (const key of keysOf(head)) keys.add(key);
  return keys;
}

/** What stays though nothing reaches it: batches that a slot to come may still refer to, the copy for a swap that failed. */
function isExplained({ uid, head }: SimCollection, key: string): boolean {
  const place = tryDatedKey(uid, key);
  if (head.state !== 'active') return false;
  // Put by the compactions of before, whatever is left of what they made.
  if (key === rootKey(uid)) return true;
  if (place?.kind === 'batch') {
    const upTo = place.after + limits.eligibleSlots;
    return upTo > slotFloor(head) || pinsSlot(head, place.after, upTo);
  }
  return place?.kind === 'head copy' && place.version === head.version;
}
