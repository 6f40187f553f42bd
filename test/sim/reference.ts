/**
 * What the log of one collection means, worked out a second time, from the first content that each slot ever had. The
 * witness: whatever readers and writers are told has to agree with it.
 */
import { limits } from '../../core/base/limits.js';
import { OP_DELETE, OP_UPSERT } from '../../core/log/index.js';
import type { Batch } from '../../core/log/index.js';
import type { OpenedSlot, SlotBatch } from '../../core/log/slot-codec.js';

export interface KnownRecord {
  readonly x: number;
  /** Metadata as JSON text. */
  readonly text: string;
  /** Soft-deleted. */
  readonly hidden: boolean;
}

export type Records = ReadonlyMap<string, KnownRecord>;

/** A key that took effect. */
export interface Taken {
  readonly seq: number;
  readonly entry: SlotBatch;
  readonly batch: Batch;
  /** The records that it found. */
  readonly before: Records;
  readonly carried: boolean;
}

export interface ReferenceSlot {
  readonly slot: OpenedSlot;
  /** When it landed, in steps of the world. */
  readonly step: number;
  readonly records: Records;
}

/** What a log goes on from: nothing, or of a branch what its parent was. */
export interface ReferenceStart {
  readonly seq: number;
  readonly chain: string | undefined;
  readonly records: Records;
}

const NOTHING: ReferenceStart = { seq: 0, chain: undefined, records: new Map() };

export class ReferenceLog {
  readonly taken: Map<string, Taken> = new Map();
  readonly #start: ReferenceStart;
  readonly #slots: ReferenceSlot[] = [];

  constructor(start: ReferenceStart = NOTHING) {
    this.#start = start;
  }

  get seq(): number {
    return this.#start.seq + this.#slots.length;
  }

  /** The sequence before its first slot. */
  get startSeq(): number {
    return this.#start.seq;
  }

  slot(seq: number): ReferenceSlot | undefined {
    return this.#slots[seq - this.#start.seq - 1];
  }

  /** Undefined where the first slot of all is still to come. */
  chainAt(seq: number): string | undefined {
    return seq === this.#start.seq ? this.#start.chain : this.slot(seq)?.slot.chain;
  }

  /** Undefined where it is before its beginning, or still to come. */
  records(seq: number): Records | undefined {
    return seq === this.#start.seq ? this.#start.records : this.slot(seq)?.records;
  }

  /** Requires: the slot after the last one. Gives back what took effect. */
  add(slot: OpenedSlot, batches: readonly Batch[], step: number): readonly Taken[] {
    let records = this.records(slot.seq - 1)!;
    const added: Taken[] = [];
    slot.batches.forEach((entry, i) => {
      if (!this.#counts(slot, entry)) return;
      const batch = batches[i]!;
      const taken: Taken = {
        seq: slot.seq,
        entry,
        batch,
        before: records,
        carried: entry.carried !== undefined,
      };
      this.taken.set(entry.keyHash, taken);
      added.push(taken);
      records = entry.restore === undefined ? applied(records, batch) : this.records(entry.restore.seq)!;
    });
    this.#slots.push({ slot, step, records });
    return added;
  }

  #counts(slot: OpenedSlot, entry: SlotBatch): boolean {
    if (this.taken.has(entry.keyHash)) return false;
    if (entry.carried !== undefined) {
      const { after, label } = entry.carried;
      return slot.seq > after && slot.seq - after <= limits.eligibleSlots && slot.label - label <= 120_000;
    }
    if (entry.restore !== undefined) {
      const after = entry.resolvedAt ?? 0;
      return slot.batches.length === 1 && slot.seq > after && slot.seq - after <= limits.eligibleSlots;
    }
    return entry.resolvedAt === undefined || entry.resolvedAt === slot.seq - 1;
  }
}

function applied(records: Records, batch: Batch): Records {
  const next = new Map(records);
  let upsert = 0;
  batch.ids.forEach((id, op) => {
    const kind = batch.kinds[op];
    if (kind === OP_UPSERT) {
      next.set(id, {
        x: batch.vectors[upsert * batch.dimension]!,
        text: batch.metadata[upsert]!,
        hidden: false,
      });
      upsert++;
      return;
    }
    const known = next.get(id);
    if (kind === OP_DELETE) next.delete(id);
    else if (known !== undefined) next.set(id, { ...known, hidden: true });
  });
  return next;
}
