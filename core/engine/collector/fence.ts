/**
 * The two halves of collecting one collection: raise the fence, and, D after it was read back, delete.
 *
 * Of a live collection the fence is `gc_floor` and `retained_from`, which go up by a swap of the head: from then on no
 * write is acknowledged below, and no pin, restore or branch taken. A reader or writer that saw the head before has been answered
 * or has looked again once D is over. What is deleted is judged by the floor that was read back, whoever set it, never by
 * a newer one. Of a dropped collection the fence is the drop.
 */
import {
  collectionPrefix,
  isOverFor,
  keptStates,
  keysOfPast,
  swapHead,
  tryReadHead,
} from '../../log/index.js';
import type { Head, HeadEdit, KeptState, LogContext } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';
import { abandonedOutputs, floorOf, garbageBelow } from './garbage.js';
import type { Floor } from './garbage.js';
import { garbageOfDropped } from './look.js';
import { retainedNow } from './retention.js';

const NONE: ReadonlySet<string> = new Set();

/** What one collector may delete of a collection once it has waited D. */
export type Fence =
  /** As it was read back: of its branches it only ever loses some. */
  | { readonly state: 'dropped'; readonly head: Head }
  | {
      readonly state: 'active';
      readonly floor: Floor;
      /** By the head that was read back, whatever lies below. A later one keeps states above the floor, or these. */
      readonly kept: readonly KeptState[];
      /** Outputs of jobs that were over when the floor was read back, so that nobody has begun to read them since. */
      readonly outputs: ReadonlySet<string>;
    };

/**
 * Raises the fence over what `seen`, a head read before, has below it. Undefined where there is no head any more. Cost:
 * nothing where it was dropped, which is final; else 3 GET, 2 PUT and 1 LIST, without the PUTs where the fence stands; and what
 * `retainedNow` and `keysOfPast` cost.
 */
export async function raiseFence(context: LogContext, seen: Head): Promise<Fence | undefined> {
  if (seen.state === 'dropped') return { state: 'dropped', head: seen };
  await swapHead(context, (head) => higherFloor(context, head));
  const listed = await context.store.list(collectionPrefix(context.uid));
  // Read back, and after the listing: a job that has begun to write is in this head, or over.
  const loaded = await tryReadHead(context);
  if (loaded === undefined) return undefined;
  const { head } = loaded;
  if (head.state === 'dropped') return { state: 'dropped', head };
  const past = await keysOfPast(context, head);
  const outputs = new Set(abandonedOutputs(context.uid, listed, head, past).map(({ key }) => key));
  return { state: 'active', floor: floorOf(head), kept: [...keptStates(head)], outputs };
}

/** As much as this head and its retention allow. Restores that nothing kept is made of any more go with it. */
async function higherFloor(context: LogContext, head: Head): Promise<HeadEdit | undefined> {
  const { state, version, foldedSeq, gcFloor, retainedFrom } = head;
  if (state !== 'active') return undefined;
  const isFolded = gcFloor === foldedSeq;
  if (isFolded && retainedFrom.version === version) return undefined;
  const retained = await retainedNow(context, head);
  if (isFolded && retained.version === retainedFrom.version) return undefined;
  const restores = head.restores.filter((restore) => !isOverFor(retained, restore));
  return { gcFloor: foldedSeq, retainedFrom: retained, restores };
}

/**
 * What may be deleted now. Listed again, because a writer that had read the head before the fence may have put a slot
 * since; and the head is read again after that, so that a mistake in the first judgement needs a second one to do harm.
 * Requires: D has passed since `raiseFence` gave this fence. Cost: 1 LIST, and 1 GET of a live head; of a
 * dropped one with branches what `keysOfPast` costs.
 */
export async function garbageBehind(context: LogContext, fence: Fence): Promise<readonly ListedObject[]> {
  const listed = await context.store.list(collectionPrefix(context.uid));
  if (fence.state === 'dropped') return await garbageOfDropped(context, fence.head, listed);
  const now = await tryReadHead(context);
  // Dropped meanwhile: that is another fence, with a wait of its own.
  if (now?.head.state !== 'active') return [];
  const { floor, kept, outputs } = fence;
  const over = abandonedOutputs(context.uid, listed, now.head, NONE).filter(({ key }) => outputs.has(key));
  return [...garbageBelow(context.uid, listed, floor, [...kept, ...keptStates(now.head)]), ...over];
}
