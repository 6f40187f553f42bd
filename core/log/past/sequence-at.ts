/**
 * Which state was the newest at a time, by the labels of slots: dates of their writers, which are within five minutes
 * of the store's and never go back from slot to slot.
 */
import { invalid } from '../../base/errors.js';
import { sequence } from '../../base/ids.js';
import type { Sequence } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Head } from '../head.js';
import { slotKey } from '../layout.js';
import { tryReadSlot } from '../log-reader.js';
import type { LogContext } from '../log-reader.js';
import type { LogPosition } from '../log-state.js';
import { readKept } from './past-heads.js';
import { mustNotKeep } from './past-state.js';

/** What is asked of a state to name one of its past: copied in the step that gave it out. */
export interface Tip {
  readonly head: Head;
  readonly position: LogPosition;
}

/**
 * Throws `sequence_out_of_range` where retention does not reach back so far, or the time is still to come. Cost: 1 GET,
 * and one of a slot for each halving of the slots within retention.
 */
export async function sequenceAt(
  context: LogContext,
  { head, position }: Tip,
  ms: number,
): Promise<Sequence> {
  if (ms > context.ports.clock.wallMs() + limits.writerClockSkewMs) throw outOfRange(ms, 'is still to come');
  if (ms >= position.label) return position.seq;
  if (head.origin === undefined && ms < head.createdMs)
    throw outOfRange(ms, `is before the collection was made, at ${dateOf(head.createdMs)}`);
  const { retainedFrom, schema } = head;
  const oldest = await readKept(context, retainedFrom.version);
  if (oldest === undefined || ms < oldest.head.foldedLabel)
    throw outOfRange(ms, 'is longer ago than superseded states are kept');
  let [low, high]: [number, number] = [retainedFrom.seq, position.seq];
  while (high - low > 1) {
    const middle = sequence((low + high) >>> 1);
    const loaded = await tryReadSlot(context, middle, schema.dimension);
    if (loaded === undefined) {
      await mustNotKeep(context, middle, slotKey(context.uid, middle));
      throw outOfRange(ms, 'is longer ago than superseded states are kept');
    }
    if (loaded.slot.label <= ms) low = middle;
    else high = middle;
  }
  return sequence(low);
}

const dateOf = (ms: number): string => new Date(ms).toISOString();

function outOfRange(ms: number, why: string): Error {
  const date = dateOf(ms);
  return invalid('sequence_out_of_range', `as_of ${date} ${why}`, { as_of: date });
}
