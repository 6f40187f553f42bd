/**
 * The idempotency window: which keys took effect in the newest slots, with what result. A function of the log: the
 * newest slots that together hold at most 65,536 keys, so at least the last 256.
 *
 * It also keeps what it needs to say what it was at any earlier slot since the last fold: a fold up to F stores the window
 * as it was at F. A smaller one would not do, because readers pass over batches whose keys the window holds, and all must
 * pass over the same.
 */
import { assertInternal } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { ResultCounts } from './batch.js';
import type { SlotBatch } from './slot-codec.js';

export interface WindowEntry {
  readonly requestHash: string;
  readonly seq: Sequence;
  readonly counts: ResultCounts;
}

export interface KeyedEntry extends WindowEntry {
  readonly keyHash: string;
}

/** The window after slot `seq`, as its object holds it. */
export interface WindowSnapshot {
  readonly seq: Sequence;
  readonly reach: Sequence;
  /** In the order of slots. */
  readonly entries: readonly KeyedEntry[];
}

interface WindowSlot {
  readonly seq: Sequence;
  readonly entries: readonly KeyedEntry[];
}

export class CommitWindow {
  readonly #entries = new Map<string, WindowEntry>();
  /** Slots with keys, oldest first; those before `#first` have left the window. */
  #slots: WindowSlot[] = [];
  #first = 0;
  /** Keys of slots up to here are in none of `#slots`. */
  #keptReach: Sequence;
  #reach: Sequence;
  /** The first sequence at which it can still say what it was. */
  #since: Sequence;

  /** `after`: the last sequence before the first slot that will be added. */
  constructor(after: Sequence) {
    this.#reach = after;
    this.#keptReach = after;
    this.#since = after;
  }

  static of({ seq: since, reach, entries }: WindowSnapshot): CommitWindow {
    const window = new CommitWindow(reach);
    window.#since = since;
    for (let i = 0; i < entries.length;) {
      const { seq } = entries[i]!;
      const from = i;
      while (i < entries.length && entries[i]!.seq === seq) i++;
      window.#push({ seq, entries: entries.slice(from, i) });
    }
    return window;
  }

  /** Keys of slots up to this sequence have left the window, or never were in it. */
  get reach(): Sequence {
    return this.#reach;
  }

  get keys(): number {
    return this.#entries.size;
  }

  find(keyHash: string): WindowEntry | undefined {
    return this.#entries.get(keyHash);
  }

  /** Adds the batches of slot `seq` that took effect. */
  add(seq: Sequence, batches: readonly SlotBatch[]): void {
    const entries = batches.map(({ keyHash, requestHash, counts }) => ({
      keyHash,
      requestHash,
      seq,
      counts,
    }));
    if (entries.length > 0) this.#push({ seq, entries });
  }

  #push(slot: WindowSlot): void {
    for (const entry of slot.entries) this.#entries.set(entry.keyHash, entry);
    this.#slots.push(slot);
    while (this.#entries.size > limits.windowKeys) {
      const oldest = this.#slots[this.#first++]!;
      for (const { keyHash } of oldest.entries) this.#entries.delete(keyHash);
      this.#reach = oldest.seq;
    }
  }

  /** What the window was after slot `seq`, which is no earlier than its beginning and the last `forget`. */
  snapshot(seq: Sequence): WindowSnapshot {
    const { from, to, reach } = this.#at(seq);
    return { seq, reach, entries: this.#slots.slice(from, to).flatMap(({ entries }) => entries) };
  }

  /** No snapshot before `seq` will be asked for any more. */
  forget(seq: Sequence): void {
    const { from, reach } = this.#at(seq);
    this.#slots = this.#slots.slice(from);
    this.#first -= from;
    this.#keptReach = reach;
    this.#since = seq;
  }

  /** The longest run of slots that ends at `seq` and fits. */
  #at(seq: Sequence): { readonly from: number; readonly to: number; readonly reach: Sequence } {
    assertInternal(seq >= this.#since, `the window no longer knows what it was at ${seq}`);
    let to = this.#slots.length;
    while (to > 0 && this.#slots[to - 1]!.seq > seq) to--;
    let from = to;
    let held = 0;
    while (from > 0 && held + this.#slots[from - 1]!.entries.length <= limits.windowKeys) {
      held += this.#slots[--from]!.entries.length;
    }
    return { from, to, reach: from === 0 ? this.#keptReach : this.#slots[from - 1]!.seq };
  }
}
