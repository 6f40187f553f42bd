/**
 * What there is to do for one collection, as one head and one listing tell it: something to collect, or a log that is
 * worth folding. Decides nothing that needs to be exact: whoever acts on it reads again.
 */
import { headVersion, sequence } from '../../base/ids.js';
import { limits, tierLimits } from '../../base/limits.js';
import {
  collectionPrefix,
  headCopyKey,
  headKey,
  keptStates,
  keysOfPast,
  slotKey,
  tryDatedKey,
  tryReadHead,
} from '../../log/index.js';
import type { Head, LogContext, RetainedFrom } from '../../log/index.js';
import type { ListedObject } from '../../store/index.js';
import { hasMergeOfTier } from '../compaction/index.js';
import { abandonedOutputs, garbageBelow } from './garbage.js';
import { retainedNow } from './retention.js';

export interface Look {
  readonly head: Head;
  readonly listed: readonly ListedObject[];
  /** Something could be deleted behind a fence. */
  readonly garbage: boolean;
  /** The log has passed a trigger of `isWorthFolding`, or segments are left to be merged. */
  readonly due: boolean;
  readonly logDue: boolean;
  /** Of the log that no segment holds. */
  readonly unfoldedBytes: number;
}

/** The log that no segment holds. */
export interface Unfolded {
  readonly slots: number;
  readonly bytes: number;
  /** For how long the oldest of these slots has been there. */
  readonly ageMs: number;
}

/** Whether a log of this length should be folded by the next run. */
export function isWorthFolding(head: Head, { slots, bytes, ageMs }: Unfolded): boolean {
  if (slots === 0) return false;
  const { logBytes } = tierLimits[head.schema.tier];
  return slots >= limits.foldSlots || bytes >= logBytes / limits.foldShare || ageMs >= limits.foldAgeMs;
}

/**
 * Undefined where the collection has no head. Cost: 1 GET, 1 LIST; 1 GET more where only the age can say; and what
 * `retainedNow` and `keysOfPast` cost, where there may be garbage and something is kept. `memoryBytes`: of who looks.
 */
export async function lookAt(context: LogContext, memoryBytes: number): Promise<Look | undefined> {
  const loaded = await tryReadHead(context);
  if (loaded === undefined) return undefined;
  const { head } = loaded;
  const listed = await context.store.list(collectionPrefix(context.uid));
  if (head.state === 'dropped') {
    const garbage = (await garbageOfDropped(context, head, listed)).length > 0;
    return { head, listed, garbage, due: false, logDue: false, unfoldedBytes: 0 };
  }
  const garbage = await hasGarbage(context, head, listed);
  const unfolded = unfoldedOf(context, head, listed);
  const logDue = await isLogDue(context, head, unfolded);
  const due = logDue || hasMergeOfTier(head, memoryBytes);
  return { head, listed, garbage, due, logDue, unfoldedBytes: unfolded.bytes };
}

/** Judged by a head from before the listing: good enough to look again, not to delete. */
async function hasGarbage(
  context: LogContext,
  head: Head,
  listed: readonly ListedObject[],
): Promise<boolean> {
  const { uid } = context;
  const kept = [...keptStates(head)];
  const isThere = ({ version, seq }: RetainedFrom, past: ReadonlySet<string>): boolean =>
    garbageBelow(uid, listed, { version, seq }, kept).length > 0 ||
    abandonedOutputs(uid, listed, head, past).length > 0;
  // What there would be if nothing were kept: that is mostly none, and costs no request.
  const all = { version: headVersion(head.version + 1), seq: head.foldedSeq };
  if (!isThere(all, new Set())) return false;
  if (head.retentionMs === 0 && kept.length === 0) return true;
  const retainedFrom = await retainedNow(context, head);
  return isThere(retainedFrom, await keysOfPast(context, { ...head, retainedFrom }));
}

/**
 * Everything but the head, which stays as a tombstone: a stalled writer must find it dropped, not missing. What
 * branches began with stays for them. Cost: a GET per version that branches began with.
 */
export async function garbageOfDropped(
  context: LogContext,
  head: Head,
  listed: readonly ListedObject[],
): Promise<readonly ListedObject[]> {
  const { uid } = context;
  const kept = new Set([headKey(uid), ...(await keysOfPast(context, head))]);
  for (const { version } of keptStates(head)) kept.add(headCopyKey(uid, version));
  return listed.filter(({ key }) => !kept.has(key));
}

function unfoldedOf(
  { uid }: LogContext,
  head: Head,
  listed: readonly ListedObject[],
): Omit<Unfolded, 'ageMs'> {
  let [slots, bytes] = [0, 0];
  for (const { key, size } of listed) {
    const place = tryDatedKey(uid, key);
    const unfolded =
      place?.kind === 'slot'
        ? place.seq > head.foldedSeq
        : place?.kind === 'batch' && place.after >= head.foldedSeq;
    if (!unfolded) continue;
    bytes += size;
    if (place?.kind === 'slot') slots++;
  }
  return { slots, bytes };
}

async function isLogDue(
  { uid, store, ports }: LogContext,
  head: Head,
  { slots, bytes }: Omit<Unfolded, 'ageMs'>,
): Promise<boolean> {
  if (slots === 0 || isWorthFolding(head, { slots, bytes, ageMs: 0 })) return slots > 0;
  const oldest = await store.get(slotKey(uid, sequence(head.foldedSeq + 1)), {
    range: { offset: 0, length: 1 },
  });
  if (oldest.status !== 'found') return false;
  return isWorthFolding(head, { slots, bytes, ageMs: ports.clock.wallMs() - oldest.modifiedMs });
}
