/**
 * What may be deleted of a live collection, as pure functions of a listing and of heads that were read after it. Nothing
 * that is not named by a rule here is ever deleted: a key that nobody knows stays.
 *
 * Invariants 7 and 8: the highest slot stays; nothing that a head, one of its jobs or retention reaches is garbage.
 */
import type { HeadVersion, Sequence, Uid } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { keysOf, tryDatedKey, tryJobOfKey } from '../../log/index.js';
import type { Head, KeptState } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';

/** What is below is kept for `keptStates` alone: nothing there is acknowledged, restored or pinned any more. */
export interface Floor {
  readonly seq: Sequence;
  readonly version: HeadVersion;
}

export const floorOf = ({ gcFloor, retainedFrom }: Head): Floor => ({
  seq: retainedFrom.seq < gcFloor ? retainedFrom.seq : gcFloor,
  version: retainedFrom.version,
});

/** Slots, batches and head copies of `listed` that are below the floor, and that no kept state needs. */
export function garbageBelow(
  uid: Uid,
  listed: readonly ListedObject[],
  floor: Floor,
  states: readonly KeptState[],
): ListedObject[] {
  const versions = new Set(states.map(({ version }) => version));
  /** Whether a state needs one of the slots (after, upTo]. */
  const needed = (after: number, upTo: number): boolean =>
    states.some(({ foldedSeq, seq }) => Math.max(after, foldedSeq) < Math.min(upTo, seq));
  const dated = listed.flatMap((object) => {
    const place = tryDatedKey(uid, object.key);
    return place === undefined ? [] : { object, place };
  });
  // A loop, because a log may have more slots than a call has arguments.
  let highest = 0;
  for (const { place } of dated) if (place.kind === 'slot' && place.seq > highest) highest = place.seq;
  const below = dated.filter(({ place }) => {
    if (place.kind === 'head copy') return place.version < floor.version && !versions.has(place.version);
    if (place.kind === 'batch') {
      const upTo = place.after + limits.eligibleSlots;
      return upTo <= floor.seq && !needed(place.after, upTo);
    }
    // The highest slot tells a writer without a head how far the log went: it stays even where all is folded.
    return place.seq <= floor.seq && place.seq < highest && !needed(place.seq - 1, place.seq);
  });
  return below.map(({ object }) => object);
}

/**
 * Objects of jobs that `head` does not list, and that neither it names nor a superseded head that is kept (`past`). An object is
 * named first by the swap that ends its job, so none of these is ever named again. Requires: `head` was read after the
 * listing: a job enters the head before it writes.
 */
export function abandonedOutputs(
  uid: Uid,
  listed: readonly ListedObject[],
  head: Head,
  past: ReadonlySet<string>,
): ListedObject[] {
  const jobs = new Set(head.jobs.map(({ nonce }) => nonce));
  const named = new Set(keysOf(head));
  return listed.filter(({ key }) => {
    const job = tryJobOfKey(uid, key);
    return job !== undefined && !jobs.has(job) && !named.has(key) && !past.has(key);
  });
}
