/**
 * What a head keeps besides its own state, as far as the head itself tells: the states within retention, those of
 * snapshots, those that restores went back to, and those that branches began with.
 */
import type { Sequence } from '../../base/ids.js';
import type { Head, KeptState, Pin } from '../head.js';

/** All states that are kept whatever retention says. Of a dropped collection those that branches began with. */
export function* keptStates({ state, pins, restores, branches }: Head): Generator<KeptState> {
  for (const whole of state === 'active' ? [...pins, ...restores] : []) {
    yield whole;
    yield* whole.under;
  }
  // Its records are in the segments of that version, and its slots are its own.
  for (const { version, foldedSeq } of branches) yield { version, foldedSeq, seq: foldedSeq };
}

/** Whether what that version names is kept, and the slots from there on. */
export function isKept(head: Head, { version, foldedSeq, seq }: KeptState): boolean {
  const { retainedFrom } = head;
  if (version >= retainedFrom.version && foldedSeq >= retainedFrom.seq) return true;
  for (const state of keptStates(head))
    if (state.version === version && state.foldedSeq === foldedSeq && seq <= state.seq) return true;
  return false;
}

/** Whether the state at `seq` can be had while this is the head. */
export function keepsState(head: Head, seq: Sequence): boolean {
  return seq >= head.retainedFrom.seq || tryPin(head, seq) !== undefined;
}

/**
 * A pin that keeps what the state at `seq` is made from, among others. With states under it the slots tell its own
 * state alone.
 */
export function tryPin({ pins }: Head, seq: Sequence): Pin | undefined {
  return pins.find(
    (pin) => pin.seq === seq || (pin.under.length === 0 && pin.foldedSeq <= seq && seq <= pin.seq),
  );
}

/** Whether the copy of a superseded version may not be deleted while this is the head. */
export function keepsVersion(head: Head, version: number): boolean {
  if (head.state === 'active' && version >= head.retainedFrom.version) return true;
  for (const state of keptStates(head)) if (state.version === version) return true;
  return false;
}

/** The same of a slot; the highest may never be. */
export function keepsSlot(head: Head, seq: number): boolean {
  if (head.state === 'active' && seq > Math.min(head.gcFloor, head.retainedFrom.seq)) return true;
  for (const state of keptStates(head)) if (state.foldedSeq < seq && seq <= state.seq) return true;
  return false;
}
