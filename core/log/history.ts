/**
 * The past of a collection: which sequences a head keeps besides its own, and the state that it was at one of them. That state is
 * made of the newest superseded head which had not folded past it, by the copy in `heads/`, and of the slots from there on.
 *
 * What is kept is judged by the head that was read last: where an object is missed, a newer one may keep less.
 */
import { corrupt, invalid } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';
import { headVersion } from '../base/ids.js';
import type { HeadVersion, Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { keysOf } from './head.js';
import type { Head, Pin } from './head.js';
import { headCopyKey, slotKey } from './layout.js';
import { mustReadHead, readSlots, readWindow, tryGoneKey, tryReadHeadCopy } from './log-reader.js';
import type { LoadedHead, LogContext } from './log-reader.js';
import { LogState } from './log-state.js';
import type { LogSink } from './log-state.js';

export interface PastPoint {
  /** Newer than what is asked for. */
  readonly head: Head;
  readonly seq: Sequence;
}

/** Whether the state at `seq` can be had while this is the head. */
function keepsState(head: Head, seq: Sequence): boolean {
  return seq >= head.retainedFrom.seq || tryPin(head, seq) !== undefined;
}

/** A pin that keeps what the state at `seq` is made from, among others. */
function tryPin({ pins }: Head, seq: Sequence): Pin | undefined {
  return pins.find((pin) => pin.foldedSeq <= seq && seq <= pin.seq);
}

/** Whether the copy of a superseded version may not be deleted while this is the head. */
export function keepsVersion({ retainedFrom, pins }: Head, version: number): boolean {
  return version >= retainedFrom.version || pins.some((pin) => pin.version === version);
}

/** The same of a slot; the highest may never be. */
export function keepsSlot({ gcFloor, retainedFrom, pins }: Head, seq: number): boolean {
  if (seq > Math.min(gcFloor, retainedFrom.seq)) return true;
  return pins.some((pin) => pin.foldedSeq < seq && seq <= pin.seq);
}

/**
 * The superseded head that the state at `seq` is made from: the newest that had folded no more. Undefined where it is not kept.
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

/** Keys of objects that superseded heads name which this head keeps. Cost: a GET per such head. */
export async function keysOfPast(context: LogContext, head: Head): Promise<ReadonlySet<string>> {
  const versions = new Set(head.pins.map(({ version }) => version));
  for (let version = head.retainedFrom.version; version < head.version; version++)
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
async function readKept(context: LogContext, version: HeadVersion): Promise<LoadedHead | undefined> {
  const copy = await tryReadHeadCopy(context, version);
  if (copy !== undefined) return copy;
  const newest = await mustReadHead(context);
  if (!keepsVersion(newest.head, version)) return undefined;
  // The newest version has no copy yet.
  if (version === newest.head.version) return newest;
  const key = headCopyKey(context.uid, version);
  throw corrupt({ key, offset: 0, expected: 'a copy, as the head keeps that version', found: 'no object' });
}

/** Undefined where the state is no longer kept. The caller releases the sink. Throws `corrupt`, `collection_gone`. */
export async function loadPast<S extends LogSink<S>>(
  context: LogContext,
  newSink: (head: Head) => S,
  { head, seq }: PastPoint,
): Promise<LogState<S> | undefined> {
  // Others may have made snapshots meanwhile, and deleted some.
  const base =
    (await findPastHead(context, { head, seq })) ??
    (await findPastHead(context, { head: (await mustReadHead(context)).head, seq }));
  if (base === undefined) return undefined;
  const sink = newSink(base.head);
  try {
    const state = await replay(context, { base, sink, seq });
    if (typeof state !== 'string') return state;
    sink.release();
    await mustNotKeep(context, seq, state);
  } catch (error) {
    sink.release();
    const key = tryGoneKey(error);
    if (key === undefined) throw error;
    await mustNotKeep(context, seq, key);
  }
  return undefined;
}

interface Replay<S> {
  readonly base: LoadedHead;
  readonly sink: S;
  readonly seq: Sequence;
}

/** The key of a slot where that is missing. */
async function replay<S extends LogSink<S>>(
  context: LogContext,
  { base, sink, seq }: Replay<S>,
): Promise<LogState<S> | string> {
  const { foldedSeq, schema } = base.head;
  const ready = sink.ready();
  const loading = readWindow(context, base.head).then((window) => new LogState(base, sink, window));
  // Whichever fails first is what the caller is told.
  for (const promise of [ready, loading]) promise.catch(() => {});
  const range = { after: foldedSeq, last: seq, dimension: schema.dimension };
  const missing = await readSlots(context, range, async (slots) => {
    const state = await loading;
    for (const slot of slots) state.apply(slot);
  });
  if (missing !== undefined) return slotKey(context.uid, missing);
  await ready;
  return await loading;
}

/** Throws `corrupt` where the newest head keeps the state at `seq`, of which the object of this key was missed. */
export async function mustNotKeep(context: LogContext, seq: Sequence, key: string): Promise<void> {
  const { head } = await mustReadHead(context);
  if (!keepsState(head, seq)) return;
  throw corrupt({
    key,
    offset: 0,
    expected: `an object, as the state at ${seq} is kept`,
    found: 'no object',
  });
}

export function notKept(head: Head, seq: number): CairnError {
  const oldest = head.retainedFrom.seq;
  const message = `as_of ${seq} is no longer kept: the oldest sequence is ${oldest}, but for snapshots`;
  return invalid('sequence_out_of_range', message, { as_of: seq, oldest });
}

export function notYet(seq: number, newest: Sequence): CairnError {
  const message = `as_of ${seq} has not happened yet: the collection is at sequence ${newest}`;
  return invalid('sequence_out_of_range', message, { as_of: seq, sequence: newest });
}
