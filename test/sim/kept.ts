/**
 * What a head keeps of the past, worked out a second time: what may not be deleted for snapshots, restores, branches
 * and retention (invariant 8).
 */
import type { Head } from '../../core/log/index.js';
import { namesObject } from '../../core/log/head.js';

export interface KeptHead {
  readonly head: Head;
  /** All heads of the collection, by version. */
  readonly heads: ReadonlyMap<number, Head>;
}

interface KeptRange {
  readonly version: number;
  readonly foldedSeq: number;
  readonly seq: number;
}

/** With the collection its snapshots go. */
function keptRanges({ state, pins, restores, branches }: Head): readonly KeptRange[] {
  const begun = branches.map(({ version, foldedSeq }) => ({ version, foldedSeq, seq: foldedSeq }));
  if (state === 'dropped') return begun;
  return [...begun, ...[...pins, ...restores].flatMap((one): KeptRange[] => [one, ...one.under])];
}

/** Slots up to here are kept for these ranges alone. */
export const slotFloor = ({ gcFloor, retainedFrom }: Head): number => Math.min(gcFloor, retainedFrom.seq);

/** Whether one of the slots (after, upTo] is in a range. */
export function pinsSlot(head: Head, after: number, upTo: number): boolean {
  return keptRanges(head).some(({ foldedSeq, seq }) => Math.max(after, foldedSeq) < Math.min(upTo, seq));
}

/** Superseded versions whose copies, and what they name, have to stay. */
export function keptVersions(head: Head): readonly number[] {
  const kept = new Set<number>(keptRanges(head).map(({ version }) => version));
  if (head.state === 'active')
    for (let old = head.retainedFrom.version as number; old < head.version; old++) kept.add(old);
  return [...kept];
}

/** Whether the slots (foldedSeq, seq] over that version are kept. */
export function keepsRange(head: Head, { version, foldedSeq, seq }: KeptRange): boolean {
  const { retainedFrom } = head;
  if (version >= retainedFrom.version && foldedSeq >= retainedFrom.seq) return true;
  return keptRanges(head).some((one) => one.version === version && seq <= one.seq);
}

/** The superseded version that is kept and names the object, if any. */
export function keptFor({ head, heads }: KeptHead, key: string): number | undefined {
  return keptVersions(head).find((version) => namesObject(heads.get(version)!, key));
}
