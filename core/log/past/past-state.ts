/**
 * The state that a collection was at one of its past sequences: made of the newest superseded head which had not folded
 * past it, by the copy in `heads/`, and of the slots from there on; and, where one of these is a restore, of the state
 * that this went back to.
 */
import { CairnError, corrupt, invalid } from '../../base/errors.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Head } from '../head.js';
import { headCopyKey, slotKey } from '../layout.js';
import { mustReadHead, objectGone, readSlots, readWindow, tryGoneKey } from '../log-reader.js';
import type { LoadedHead, LogContext } from '../log-reader.js';
import { LogState } from '../log-state.js';
import type { LogSink } from '../log-state.js';
import type { RestoreTarget } from '../restore-target.js';
import { Stopwatch } from '../stopwatch.js';
import { keepsState } from './kept.js';
import { findPastHead, readKept } from './past-heads.js';
import type { PastPoint } from './past-heads.js';

type NewSink<S> = (head: Head) => S;

/** Undefined where the state is no longer kept. The caller releases the sink. Throws `corrupt`, `collection_gone`. */
export async function loadPast<S extends LogSink<S>>(
  context: LogContext,
  newSink: NewSink<S>,
  { head, seq }: PastPoint,
): Promise<LogState<S> | undefined> {
  // Others may have made snapshots meanwhile, and deleted some.
  const base =
    (await findPastHead(context, { head, seq })) ??
    (await findPastHead(context, { head: (await mustReadHead(context)).head, seq }));
  if (base === undefined) return undefined;
  const start = new Stopwatch(context.ports.clock);
  let state: LogState<S>;
  try {
    state = await replay(context, newSink, { base, seq, depth: 0 });
  } catch (error) {
    const key = tryGoneKey(error);
    if (key !== undefined) await mustNotKeep(context, seq, key);
    // Slots that do not fit together are no damage where some were collected, and zombies came in their place.
    else if (!(error instanceof CairnError && error.kind === 'corrupt') || (await isKept(context, seq)))
      throw error;
    return undefined;
  }
  if (start.withinFence || (await isKept(context, seq))) return state;
  state.sink.release();
  return undefined;
}

async function isKept(context: LogContext, seq: Sequence): Promise<boolean> {
  return keepsState((await mustReadHead(context)).head, seq);
}

/**
 * Makes a state of the log what its last restore went back to, where it holds one. Throws `object_gone` where an object
 * of that was missed, and `corrupt`.
 */
export async function goBack<S extends LogSink<S>>(
  context: LogContext,
  newSink: NewSink<S>,
  state: LogState<S>,
  depth = 1,
): Promise<void> {
  const target = state.goesBackTo;
  if (target === undefined) return;
  const past = await loadTarget(context, newSink, target, depth);
  try {
    state.goBack(past.sink);
  } catch (error) {
    past.sink.release();
    throw error;
  }
}

async function loadTarget<S extends LogSink<S>>(
  context: LogContext,
  newSink: NewSink<S>,
  { version, seq }: RestoreTarget,
  depth: number,
): Promise<LogState<S>> {
  const key = headCopyKey(context.uid, version);
  if (depth > limits.restoreDepth) {
    const expected = `a restore to a state that is made of at most ${limits.restoreDepth} others`;
    throw corrupt({ key, offset: 0, expected, found: 'one more' });
  }
  const base = await readKept(context, version);
  if (base === undefined) throw objectGone(key);
  if (base.head.foldedSeq > seq) {
    const found = `one folded up to ${base.head.foldedSeq}`;
    throw corrupt({ key, offset: 0, expected: `a version folded up to ${seq} at most`, found });
  }
  return await replay(context, newSink, { base, seq, depth });
}

interface Replay {
  readonly base: LoadedHead;
  readonly seq: Sequence;
  readonly depth: number;
}

/** Throws `object_gone` for whatever is missed, slots too. */
async function replay<S extends LogSink<S>>(
  context: LogContext,
  newSink: NewSink<S>,
  { base, seq, depth }: Replay,
): Promise<LogState<S>> {
  const { foldedSeq, schema } = base.head;
  const sink = newSink(base.head);
  let state: LogState<S> | undefined;
  try {
    const ready = sink.ready();
    const loading = readWindow(context, base.head).then((window) => new LogState(base, sink, window));
    // Whichever fails first is what the caller is told.
    for (const promise of [ready, loading]) promise.catch(() => {});
    const range = { after: foldedSeq, last: seq, dimension: schema.dimension };
    const missing = await readSlots(context, range, async (slots) => {
      const loaded = await loading;
      for (const slot of slots) loaded.apply(slot);
    });
    if (missing !== undefined) throw objectGone(slotKey(context.uid, missing));
    await ready;
    state = await loading;
    await goBack(context, newSink, state, depth + 1);
    return state;
  } catch (error) {
    (state?.sink ?? sink).release();
    throw error;
  }
}

/** Throws `corrupt` where the newest head keeps the state at `seq`, of which the object of this key was missed. */
export async function mustNotKeep(context: LogContext, seq: Sequence, key: string): Promise<void> {
  if (!(await isKept(context, seq))) return;
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
