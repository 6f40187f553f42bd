/**
 * The heads that a collection had: which of them a past state is made from, and what those name that are kept.
 *
 * What is kept is judged by the head that was read last: where an object is missed, a newer one may keep less.
 */
import { corrupt } from '../../base/errors.js';
import { headVersion } from '../../base/ids.js';
import type { HeadVersion, Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { keysOf } from '../head.js';
import type { Head, Restore, WholeState } from '../head.js';
import { headCopyKey } from '../layout.js';
import { collectionGone, tryReadHead, tryReadHeadCopy } from '../log-reader.js';
import type { LoadedHead, LogContext } from '../log-reader.js';
import type { AppliedRestore } from '../log-state.js';
import { keepsVersion, keptStates, tryPin } from './kept.js';

export interface PastPoint {
  /** Newer than what is asked for. */
  readonly head: Head;
  readonly seq: Sequence;
}

/**
 * The head that the state at `seq` is made from: the newest that had folded no more. Undefined where it is not kept.
 * Cost: 1 GET for a pinned state, else the binary logarithm of how many versions are kept.
 */
export async function findPastHead(
  context: LogContext,
  { head, seq }: PastPoint,
): Promise<LoadedHead | undefined> {
  const pin = tryPin(head, seq);
  if (pin !== undefined) return await readKept(context, pin.version);
  if (seq < head.retainedFrom.seq) return undefined;
  let found = await readKept(context, head.retainedFrom.version);
  let [low, high] = [head.retainedFrom.version + 1, head.version - 1];
  while (found !== undefined && low <= high) {
    const middle = (low + high) >>> 1;
    const copy = await readKept(context, headVersion(middle));
    if (copy === undefined) return undefined;
    if (copy.head.foldedSeq <= seq) {
      found = copy;
      low = middle + 1;
    } else high = middle - 1;
  }
  return found;
}

export interface WantedState {
  readonly head: Head;
  readonly seq: Sequence;
  /** Those in the slots that no head has folded yet, up to `seq` at least. */
  readonly unfolded: readonly AppliedRestore[];
}

/** A state with the head that it is made from. */
export interface FoundState {
  readonly state: WholeState;
  readonly base: Head;
}

/**
 * All that the state at `seq` is made of. Undefined where it is not kept. Cost: as `findPastHead`, nothing for a state
 * that `head` has not folded past.
 */
export async function findState(
  context: LogContext,
  { head, seq, unfolded }: WantedState,
): Promise<FoundState | undefined> {
  const pin = tryPin(head, seq);
  const base = seq >= head.foldedSeq ? head : (await findPastHead(context, { head, seq }))?.head;
  if (base === undefined) return undefined;
  const { version, foldedSeq } = base;
  const under = pin !== undefined && base !== head ? pin.under : underOf(head, { foldedSeq, seq, unfolded });
  return { base, state: { version, foldedSeq, seq, under } };
}

interface Slots extends Omit<WantedState, 'head'> {
  readonly foldedSeq: Sequence;
}

/** Where the last restore in the slots (foldedSeq, seq] went back to, and so on. */
function underOf({ restores }: Head, { foldedSeq, seq, unfolded }: Slots): WholeState['under'] {
  const slotOf = ({ nonce, at }: Restore): number => {
    return at ?? unfolded.find((one) => one.nonce === nonce)?.at ?? Infinity;
  };
  let last: Restore | undefined;
  for (const restore of restores) {
    const at = slotOf(restore);
    if (at > foldedSeq && at <= seq && (last === undefined || at > slotOf(last))) last = restore;
  }
  if (last === undefined) return [];
  const { under, version } = last;
  return [{ version, foldedSeq: last.foldedSeq, seq: last.seq }, ...under];
}

/** Keys of objects that superseded heads name which this head keeps, retention and all. Cost: a GET per such head. */
export async function keysOfPast(context: LogContext, head: Head): Promise<ReadonlySet<string>> {
  const versions = new Set<HeadVersion>();
  for (const { version } of keptStates(head)) versions.add(version);
  if (head.state === 'active')
    for (let version = head.retainedFrom.version as number; version < head.version; version++)
      versions.add(headVersion(version));
  const wanted = [...versions];
  const keys = new Set<string>();
  for (let at = 0; at < wanted.length; at += limits.replayParallel) {
    const part = wanted.slice(at, at + limits.replayParallel);
    for (const copy of await Promise.all(part.map((version) => readKept(context, version))))
      if (copy !== undefined) for (const key of keysOf(copy.head)) keys.add(key);
  }
  return keys;
}

/** Undefined where the newest head says that this version is no longer kept. Throws `corrupt` where it is. */
export async function readKept(context: LogContext, version: HeadVersion): Promise<LoadedHead | undefined> {
  const copy = await tryReadHeadCopy(context, version);
  if (copy !== undefined) return copy;
  const newest = await tryReadHead(context);
  if (newest === undefined) throw collectionGone(context.uid);
  if (!keepsVersion(newest.head, version)) return undefined;
  // The newest version has no copy yet.
  if (version === newest.head.version) return newest;
  const key = headCopyKey(context.uid, version);
  throw corrupt({ key, offset: 0, expected: 'a copy, as the head keeps that version', found: 'no object' });
}
