/**
 * What a process knows of a collection's log: the head, how far the log was read, and the state that the commits add up
 * to (the sink: a memtable). Changed only in one synchronous step, so that concurrent readers and writers in a process
 * never see a half-applied slot (invariant 14).
 */
import { corrupt } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Batch } from './batch.js';
import { CommitWindow } from './commit-window.js';
import { slotKey } from './layout.js';
import type { LoadedHead, LoadedSlot } from './log-reader.js';

/** Takes commits in order. Each call is one batch that took effect. */
export interface LogSink {
  apply(batch: Batch, at: LogPosition): void;
  /** The state is dropped: give the memory back. */
  release(): void;
}

export interface LogPosition {
  readonly seq: Sequence;
  readonly label: number;
}

export class LogState<S extends LogSink> {
  readonly sink: S;
  readonly window: CommitWindow;
  head: LoadedHead;
  #position: LogPosition;
  #chain: string;
  #slots = 0;
  #bytes = 0;

  constructor(head: LoadedHead, sink: S) {
    const { foldedSeq, foldedChain, foldedLabel } = head.head;
    this.head = head;
    this.sink = sink;
    this.window = new CommitWindow(foldedSeq);
    this.#position = { seq: foldedSeq, label: foldedLabel };
    this.#chain = foldedChain;
  }

  /** The last slot applied. */
  get position(): LogPosition {
    return this.#position;
  }

  /** Chain hash of the last slot applied. */
  get chain(): string {
    return this.#chain;
  }

  /** Slots and bytes of log that no segment holds. */
  get unfolded(): { readonly slots: number; readonly bytes: number } {
    return { slots: this.#slots, bytes: this.#bytes };
  }

  follows({ slot }: LoadedSlot): boolean {
    return slot.seq === this.#position.seq + 1 && slot.prevChain === this.#chain;
  }

  /**
   * Applies the next slot. A batch whose key took effect before, here or in this slot, is passed over, and so is one
   * computed from another state than the slot's predecessor: whatever a writer did, one key has one effect (11).
   */
  apply({ slot, batches }: LoadedSlot): void {
    if (!this.follows({ slot, batches })) {
      const key = slotKey(slot.uid, slot.seq);
      throw corrupt({ key, offset: 120, expected: `chain ${this.#chain}`, found: slot.prevChain });
    }
    const label = Math.max(slot.label, this.#position.label);
    const position: LogPosition = { seq: slot.seq, label };
    const seen = new Set<string>();
    const effective = slot.batches.filter(({ keyHash, resolvedAt }, i) => {
      if (seen.has(keyHash) || this.window.find(keyHash) !== undefined) return false;
      if (resolvedAt !== undefined && resolvedAt !== slot.seq - 1) return false;
      seen.add(keyHash);
      this.sink.apply(batches[i]!, position);
      return true;
    });
    this.window.add(slot.seq, effective);
    this.#position = position;
    this.#chain = slot.chain;
    this.#slots += 1;
    this.#bytes += slot.bytesTotal;
  }
}
