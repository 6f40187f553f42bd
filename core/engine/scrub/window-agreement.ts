/**
 * Whether the idempotency window of a head says what the slots before it say that are still there: each of its entries is in
 * its slot, and each key that took effect in a slot is among them.
 *
 * A key may be missing for a reason that no longer shows: a batch whose key was in an earlier window, of slots that left it
 * since. Where the window reaches back to the first slot there is no such reason.
 */
import { isInTime } from '../../log/index.js';
import type { OpenedSlot, SlotBatch, WindowSnapshot } from '../../log/index.js';

type Entry = WindowSnapshot['entries'][number];

export class WindowAgreement {
  readonly #window: WindowSnapshot;
  readonly #byKey: ReadonlyMap<string, Entry>;
  /** Entries of each slot. */
  readonly #counts = new Map<number, number>();

  constructor(window: WindowSnapshot) {
    this.#window = window;
    this.#byKey = new Map(window.entries.map((entry) => [entry.keyHash, entry]));
    for (const { seq } of window.entries) this.#counts.set(seq, (this.#counts.get(seq) ?? 0) + 1);
  }

  /** What is wrong about a slot; undefined where all is well, or the window is not about it. */
  faultOf(slot: OpenedSlot): string | undefined {
    const { seq, reach } = this.#window;
    if (slot.seq <= reach || slot.seq > seq) return undefined;
    const seen = new Set<string>();
    for (const batch of slot.batches) {
      const { keyHash } = batch;
      const entry = this.#byKey.get(keyHash);
      if (entry?.seq === slot.seq && !seen.has(keyHash)) {
        seen.add(keyHash);
        if (!saysTheSame(entry, batch))
          return `key ${keyHash} of slot ${slot.seq} has another request or result`;
        continue;
      }
      const before = seen.has(keyHash) || (entry !== undefined && entry.seq < slot.seq);
      if (!before && reach === 0 && isInTime(slot, batch)) {
        return `key ${keyHash}, which took effect in slot ${slot.seq}, is not in it`;
      }
    }
    const entries = this.#counts.get(slot.seq) ?? 0;
    if (seen.size === entries) return undefined;
    return `it has ${entries} keys of slot ${slot.seq}, which holds ${seen.size} of them`;
  }
}

function saysTheSame({ requestHash, counts }: Entry, batch: SlotBatch): boolean {
  const names = ['upserted', 'patched', 'missing', 'deleted', 'restored', 'more'] as const;
  return requestHash === batch.requestHash && names.every((name) => counts[name] === batch.counts[name]);
}
