/**
 * What may be deleted of a live collection, as pure functions of a listing and of heads that were read after it. Nothing
 * that is not named by a rule here is ever deleted: a key that nobody knows stays.
 *
 * Invariants 7 and 8: the highest slot stays; nothing that a head, one of its jobs or retention reaches is garbage.
 */
import type { HeadVersion, Sequence, Uid } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { namesObject, tryDatedKey, tryJobOfKey } from '../../log/index.js';
import type { Head } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';

/** Below it nothing is acknowledged, restored or pinned: `gc_floor` and `retained_from.version` of one head. */
export interface Floor {
  readonly seq: Sequence;
  readonly version: HeadVersion;
}

export const floorOf = ({ gcFloor, retainedFrom }: Head): Floor => ({
  seq: gcFloor,
  version: retainedFrom.version,
});

/** The floor that the next version of a head may have: retention keeps nothing that is older than that version. */
export const highestFloorOf = ({ foldedSeq, version }: Head): Floor => ({
  seq: foldedSeq,
  version: (version + 1) as HeadVersion,
});

/** Slots, batches and head copies of `listed` below the floor. */
export function garbageBelow(uid: Uid, listed: readonly ListedObject[], floor: Floor): ListedObject[] {
  const dated = listed.flatMap((object) => {
    const place = tryDatedKey(uid, object.key);
    return place === undefined ? [] : { object, place };
  });
  // A loop, because a log may have more slots than a call has arguments.
  let highest = 0;
  for (const { place } of dated) if (place.kind === 'slot' && place.seq > highest) highest = place.seq;
  const below = dated.filter(({ place }) => {
    if (place.kind === 'head copy') return place.version < floor.version;
    if (place.kind === 'batch') return place.after + limits.eligibleSlots <= floor.seq;
    // The highest slot tells a writer without a head how far the log went: it stays even where all is folded.
    return place.seq <= floor.seq && place.seq < highest;
  });
  return below.map(({ object }) => object);
}

/**
 * Objects of jobs that `head` neither lists nor names. An object is named first by the swap that ends its job, so none of
 * these is ever named again. Requires: `head` was read after the listing: a job enters the head before it writes.
 */
export function abandonedOutputs(uid: Uid, listed: readonly ListedObject[], head: Head): ListedObject[] {
  const jobs = new Set(head.jobs.map(({ nonce }) => nonce));
  return listed.filter(({ key }) => {
    const job = tryJobOfKey(uid, key);
    return job !== undefined && !jobs.has(job) && !namesObject(head, key);
  });
}
