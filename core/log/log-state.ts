/**
 * What a process knows of a collection's log: the newest head, how far the log was read, and the state that the commits
 * add up to (the sink: segments of a head and a memtable over them). Changed only in one synchronous step, so that
 * concurrent readers and writers in a process never see a half-applied slot (invariant 14).
 *
 * It keeps two heads. `base` is the one that the sink is built on; `head` is the newest one seen. Between them the state
 * goes on as it is: it is a function of the sequence, wherever its records lie (invariants 5 and 18).
 */
import { assertInternal, corrupt } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Batch } from './batch.js';
import type { CommitWindow } from './commit-window.js';
import type { HeadCopies } from './head-copies.js';
import { namesTheSame } from './head.js';
import type { Head } from './head.js';
import { isEligible, isInReach } from './inbox.js';
import { slotKey } from './layout.js';
import type { RestoreTarget } from './restore-target.js';
import type { OpenedSlot, SlotBatch } from './slot-codec.js';
import type { LoadedHead, LoadedSlot } from './log-reader.js';

/**
 * What the commits of a log add up to. Made on a head, it takes the slots after that head's `foldedSeq` in order.
 * `release` may come at any time, also while `ready` or `rebase` are under way.
 */
export interface LogSink<S> {
  /** One batch that took effect. Before `ready` has resolved too. */
  apply(batch: Batch, at: LogPosition): void;
  /** The state is dropped: give the memory back. */
  release(): void;
  /**
   * Resolves when what the head names is at hand, some of it out of `copies`. Throws `object_gone` (see `objectGone`) where an
   * object was not there.
   */
  ready(copies?: HeadCopies): Promise<void>;
  /**
   * Gets what a newer head names. The answer, called synchronously, makes the sink that goes on from this one's state as
   * it then is, on that head; this one is released right after (unless it is the same). An answer that is never called
   * must hold nothing. Throws `object_gone`, `memory_budget_exceeded`. Requires: everything up to the head's `foldedSeq`
   * was applied before.
   */
  rebase(head: Head): Promise<() => S>;
}

export interface LogPosition {
  readonly seq: Sequence;
  readonly label: number;
  /** The store's own date of that slot, where it is known. */
  readonly storeMs: number | undefined;
}

/** A place in the log, as a head says what it has folded. */
export interface LogPoint extends LogPosition {
  readonly chain: string;
}

interface AppliedSlot extends LogPoint {
  /** Of the slots since the base's `foldedSeq`, this one included. */
  readonly bytesUpTo: number;
}

/** A restore that took effect. */
export interface AppliedRestore {
  readonly nonce: string;
  /** Its slot. */
  readonly at: Sequence;
}

/** The sink has to become the state of `target`; until then what comes after it waits. */
interface GoingBack {
  readonly target: RestoreTarget;
  readonly after: { readonly batch: Batch; readonly at: LogPosition }[];
}

/** Whether one of the batches is a restore: such a slot changes the state by more than it holds. */
export function holdsRestore({ slot }: LoadedSlot): boolean {
  return slot.batches.some(({ restore }) => restore !== undefined);
}

export class LogState<S extends LogSink<S>> {
  /** Which keys took effect in the newest slots. */
  readonly window: CommitWindow;
  #sink: S;
  #base: Head;
  #head: LoadedHead;
  /** The end of what `base` has folded. */
  #start: LogPoint;
  /** One per slot after that. */
  #slots: AppliedSlot[] = [];
  /** Those among the slots. */
  #restores: AppliedRestore[] = [];
  #goingBack: GoingBack | undefined;

  /** Requires: `window` is that at `foldedSeq` of the head, and the sink is on the head. */
  constructor(head: LoadedHead, sink: S, window: CommitWindow) {
    this.#head = head;
    this.#base = head.head;
    this.#sink = sink;
    this.window = window;
    this.#start = foldPoint(head.head);
  }

  get sink(): S {
    return this.#sink;
  }

  /**
   * The head that the slots follow. The sink is built on it too, unless one of the slots is a restore: then on that which the
   * restore went back to.
   */
  get base(): Head {
    return this.#base;
  }

  /** The newest head that was seen. */
  get head(): LoadedHead {
    return this.#head;
  }

  /** The last slot applied. */
  get position(): LogPosition {
    return this.#slots.at(-1) ?? this.#start;
  }

  /** Chain hash of the last slot applied. */
  get chain(): string {
    return (this.#slots.at(-1) ?? this.#start).chain;
  }

  /** In the order of slots since the base's `foldedSeq`. The sink is made of the last one, and of what came after. */
  get restores(): readonly AppliedRestore[] {
    return this.#restores;
  }

  /** The oldest sequence whose state the sink still tells. */
  get since(): Sequence {
    return this.#restores.at(-1)?.at ?? this.#base.foldedSeq;
  }

  /** What the last restore that was applied goes back to, until `goBack` was called. Nobody may use the state before. */
  get goesBackTo(): RestoreTarget | undefined {
    return this.#goingBack?.target;
  }

  /** Slots and bytes of log that no segment of the newest head holds. */
  get unfolded(): { readonly slots: number; readonly bytes: number } {
    const folded = this.#slotsUpTo(this.#head.head.foldedSeq);
    const bytes = (count: number): number => (count === 0 ? 0 : this.#slots[count - 1]!.bytesUpTo);
    return { slots: this.#slots.length - folded, bytes: bytes(this.#slots.length) - bytes(folded) };
  }

  /** What a fold up to `seq` says of its end. Requires: base.foldedSeq <= seq <= position.seq. */
  pointAt(seq: Sequence): LogPoint {
    const count = this.#slotsUpTo(seq);
    const point = count === 0 ? this.#start : this.#slots[count - 1]!;
    assertInternal(
      point.seq === seq,
      `the state knows slots ${this.#start.seq} to ${this.position.seq}, not ${seq}`,
    );
    const { label, storeMs, chain } = point;
    return { seq, label, storeMs, chain };
  }

  #slotsUpTo(seq: Sequence): number {
    return Math.min(Math.max(0, seq - this.#start.seq), this.#slots.length);
  }

  follows({ slot }: LoadedSlot): boolean {
    return slot.seq === this.position.seq + 1 && slot.prevChain === this.chain;
  }

  /** Takes a head that was read. An older one than the one known changes nothing. */
  learn(head: LoadedHead): void {
    if (head.head.version >= this.#head.head.version) this.#head = head;
  }

  /** False where the newest head folded another log than the one that was read: this state holds slots below the floor. */
  get isOfHead(): boolean {
    const { foldedSeq, foldedChain } = this.#head.head;
    if (foldedSeq > this.position.seq) return true;
    return foldedSeq >= this.#start.seq && this.pointAt(foldedSeq).chain === foldedChain;
  }

  /** Whether the newest head keeps records elsewhere than the base does, and all that it folded was applied here. */
  get canRebase(): boolean {
    const { head } = this.#head;
    return !namesTheSame(this.#base, head) && head.foldedSeq <= this.position.seq;
  }

  /**
   * Goes on from the same position on a newer head. Requires: `sink` holds this state, on `head`; `isOfHead` held for it.
   * Invariant 5: nobody who reads the state sees a difference.
   */
  rebase(head: Head, sink: S): void {
    assertInternal(head.version > this.#base.version, 'a base never goes back');
    const start = this.pointAt(head.foldedSeq);
    const folded = this.#slotsUpTo(head.foldedSeq);
    const foldedBytes = folded === 0 ? 0 : this.#slots[folded - 1]!.bytesUpTo;
    this.#slots = this.#slots
      .slice(folded)
      .map((slot) => ({ ...slot, bytesUpTo: slot.bytesUpTo - foldedBytes }));
    this.#start = start;
    this.#base = head;
    this.#restores = this.#restores.filter(({ at }) => at > head.foldedSeq);
    this.window.forget(head.foldedSeq);
    this.#replaceSink(sink);
  }

  #replaceSink(sink: S): void {
    const old = this.#sink;
    this.#sink = sink;
    if (old !== sink) old.release();
  }

  /** Takes the sink of the state that `goesBackTo` names, once that has taken what came after. */
  goBack(sink: S): void {
    for (const { batch, at } of this.#goingBack?.after ?? []) sink.apply(batch, at);
    this.#goingBack = undefined;
    this.#replaceSink(sink);
  }

  /**
   * Applies the next slot. A batch whose key took effect before, here or in this slot, is passed over, and so is one
   * computed from another state than the slot's predecessor, or carried too late: whatever a writer did, one key has one
   * effect (11). The window goes on through restores: what they undo happened.
   */
  apply(loaded: LoadedSlot): void {
    const { slot, batches } = loaded;
    if (!this.follows(loaded)) {
      const key = slotKey(slot.uid, slot.seq);
      throw corrupt({ key, offset: 120, expected: `chain ${this.chain}`, found: slot.prevChain });
    }
    const label = Math.max(slot.label, this.position.label);
    const position: LogPosition = { seq: slot.seq, label, storeMs: loaded.modifiedMs };
    const seen = new Set<string>();
    const effective = slot.batches.filter((entry, i) => {
      const { keyHash, restore } = entry;
      if (seen.has(keyHash) || this.window.find(keyHash) !== undefined || !isInTime(slot, entry))
        return false;
      seen.add(keyHash);
      if (restore !== undefined) {
        this.#restores.push({ nonce: restore.nonce, at: slot.seq });
        this.#goingBack = { target: restore, after: [] };
      } else if (this.#goingBack === undefined) this.#sink.apply(batches[i]!, position);
      else this.#goingBack.after.push({ batch: batches[i]!, at: position });
      return true;
    });
    this.window.add(slot.seq, effective);
    const bytesUpTo = (this.#slots.at(-1)?.bytesUpTo ?? 0) + slot.bytesTotal;
    this.#slots.push({ ...position, chain: slot.chain, bytesUpTo });
  }
}

/** Whether a batch counts in its slot, unless its key took effect before. */
export function isInTime(slot: OpenedSlot, { resolvedAt, carried, restore }: SlotBatch): boolean {
  if (restore !== undefined) return slot.batches.length === 1 && isInReach(slot.seq, resolvedAt ?? 0);
  if (carried !== undefined) return isEligible(slot, carried);
  return resolvedAt === undefined || resolvedAt === slot.seq - 1;
}

function foldPoint({ foldedSeq, foldedLabel, foldedChain }: Head): LogPoint {
  return { seq: foldedSeq, label: foldedLabel, storeMs: undefined, chain: foldedChain };
}
