/**
 * What a head keeps of the past, worked out a second time: the pins' and retention's share of what may not be deleted (invariant 8).
 */
import type { Head } from '../../core/log/index.js';
import { namesObject } from '../../core/log/head.js';

export interface KeptHead {
  readonly head: Head;
  /** All heads of the collection, by version. */
  readonly heads: ReadonlyMap<number, Head>;
}

/** Slots up to here are kept for pins alone. */
export const slotFloor = ({ gcFloor, retainedFrom }: Head): number => Math.min(gcFloor, retainedFrom.seq);

/** Whether one of the slots (after, upTo] is pinned. */
export function pinsSlot({ pins }: Head, after: number, upTo: number): boolean {
  return pins.some(({ foldedSeq, seq }) => Math.max(after, foldedSeq) < Math.min(upTo, seq));
}

/** Superseded versions whose copies, and what they name, have to stay. */
export function keptVersions({ version, retainedFrom, pins }: Head): readonly number[] {
  const kept = new Set<number>(pins.map((pin) => pin.version));
  for (let old = retainedFrom.version as number; old < version; old++) kept.add(old);
  return [...kept];
}

/** The superseded version that is kept and names the object, if any. */
export function keptFor({ head, heads }: KeptHead, key: string): number | undefined {
  return keptVersions(head).find((version) => namesObject(heads.get(version)!, key));
}
