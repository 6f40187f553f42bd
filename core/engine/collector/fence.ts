/**
 * The two halves of collecting one collection: raise the fence, and, D after it was read back, delete.
 *
 * Of a live collection the fence is `gc_floor` and `retained_from`, which go up by a swap of the head: from then on no
 * write is acknowledged below, and no pin or restore taken. A reader or writer that saw the head before has been answered
 * or has looked again once D is over. What is deleted is judged by the floor that was read back, whoever set it, never by
 * a newer one. Of a dropped collection the fence is the drop.
 */
import { headVersion } from '../../base/ids.js';
import { collectionPrefix, swapHead, tryReadHead } from '../../log/index.js';
import type { Head, HeadEdit, LogContext } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';
import { abandonedOutputs, floorOf, garbageBelow } from './garbage.js';
import type { Floor } from './garbage.js';
import { garbageOfDropped } from './look.js';

/** What one collector may delete of a collection once it has waited D. */
export type Fence =
  | { readonly state: 'dropped' }
  | {
      readonly state: 'active';
      readonly floor: Floor;
      /** Outputs of jobs that were over when the floor was read back, so that nobody has begun to read them since. */
      readonly outputs: ReadonlySet<string>;
    };

/**
 * Raises the fence over what `seen`, a head read before, has below it. Undefined where there is no head any more. Cost:
 * nothing where it was dropped, which is final; else 3 GET, 2 PUT and 1 LIST, without the PUTs where the fence stands.
 */
export async function raiseFence(context: LogContext, seen: Head): Promise<Fence | undefined> {
  if (seen.state === 'dropped') return { state: 'dropped' };
  await swapHead(context, higherFloor);
  const listed = await context.store.list(collectionPrefix(context.uid));
  // Read back, and after the listing: a job that has begun to write is in this head, or over.
  const loaded = await tryReadHead(context);
  if (loaded === undefined) return undefined;
  const { head } = loaded;
  if (head.state === 'dropped') return { state: 'dropped' };
  return { state: 'active', floor: floorOf(head), outputs: outputsOf(context, listed, head) };
}

/** As much as this head allows: retention keeps nothing that is older than the version which this swap makes. */
function higherFloor({ state, version, foldedSeq, gcFloor, retainedFrom }: Head): HeadEdit | undefined {
  if (state !== 'active') return undefined;
  if (gcFloor === foldedSeq && retainedFrom.version === version) return undefined;
  return { gcFloor: foldedSeq, retainedFrom: { version: headVersion(version + 1), seq: foldedSeq } };
}

/**
 * None where the head went on past the version that is retained: the copies in between are kept, and may name what the
 * head names no more.
 */
function outputsOf({ uid }: LogContext, listed: readonly ListedObject[], head: Head): ReadonlySet<string> {
  if (head.retainedFrom.version !== head.version) return new Set();
  return new Set(abandonedOutputs(uid, listed, head).map(({ key }) => key));
}

/**
 * What may be deleted now. Listed again, because a writer that had read the head before the fence may have put a slot
 * since; and the head is read again after that, so that a mistake in the first judgement needs a second one to do harm.
 * Requires: D has passed since `raiseFence` gave this fence. Cost: 1 LIST, and 1 GET of a live head.
 */
export async function garbageBehind(context: LogContext, fence: Fence): Promise<readonly ListedObject[]> {
  const listed = await context.store.list(collectionPrefix(context.uid));
  if (fence.state === 'dropped') return garbageOfDropped(context, listed);
  const now = await tryReadHead(context);
  // Dropped meanwhile: that is another fence, with a wait of its own.
  if (now?.head.state !== 'active') return [];
  const { floor, outputs } = fence;
  const over = abandonedOutputs(context.uid, listed, now.head).filter(({ key }) => outputs.has(key));
  return [...garbageBelow(context.uid, listed, floor), ...over];
}
