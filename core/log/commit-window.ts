/**
 * The idempotency window: which keys took effect in the newest slots, with what result. A function of the log: the
 * newest slots that together hold at most 65,536 keys, so at least the last 256.
 */
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { ResultCounts } from './batch.js';
import type { SlotBatch } from './slot-codec.js';

export interface WindowEntry {
  readonly requestHash: string;
  readonly seq: Sequence;
  readonly counts: ResultCounts;
}

export class CommitWindow {
  readonly #entries = new Map<string, WindowEntry>();
  readonly #slots: { readonly seq: Sequence; readonly keys: readonly string[] }[] = [];
  #reach: Sequence;

  /** `after`: the last sequence before the first slot that will be added. */
  constructor(after: Sequence) {
    this.#reach = after;
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
    for (const { keyHash, requestHash, counts } of batches)
      this.#entries.set(keyHash, { requestHash, seq, counts });
    this.#slots.push({ seq, keys: batches.map((batch) => batch.keyHash) });
    while (this.#entries.size > limits.windowKeys) {
      const oldest = this.#slots.shift()!;
      for (const key of oldest.keys) this.#entries.delete(key);
      this.#reach = oldest.seq;
    }
  }
}
