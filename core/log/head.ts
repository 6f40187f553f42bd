/**
 * The head of a collection: the one mutable object, changed by compare-and-swap. A frozen value here, and its edits as
 * pure functions; `head-invariants.ts` holds every edit against the invariants before it goes to the store.
 */
import { headVersion, sequence } from '../base/ids.js';
import type { HeadVersion, Sequence, Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { checkSuccessor } from './head-invariants.js';
import type { CollectionSchema } from './schema.js';
import { CHAIN_START } from './slot-codec.js';

export type HeadState = 'active' | 'dropped';

/** The deletions of a segment: one object, replaced by another when there are more. */
export interface SegmentDeletions {
  readonly key: string;
  /** Of the whole object, in hex. */
  readonly sha256: string;
  /** Rows that are no longer there. */
  readonly dead: number;
  /** Rows that are soft-deleted and not dead. */
  readonly hidden: number;
}

export interface SegmentEntry {
  readonly key: string;
  /** Of the whole file. */
  readonly bytes: number;
  /** From the hot sections to the end of the file: one range read. */
  readonly tailBytes: number;
  readonly footerSha256: string;
  readonly rows: number;
  /** Rows that are not dead; soft-deleted ones are among them. */
  readonly live: number;
  readonly residentBytes: number;
  /** False where it is searched by a scan. */
  readonly graph: boolean;
  readonly deletions?: SegmentDeletions | undefined;
}

/** Slots (from, to]. */
export interface FoldRange {
  readonly from: Sequence;
  readonly to: Sequence;
}

/** A compaction under way: its outputs are no garbage while it is listed, and nobody else takes its inputs. */
export interface Job {
  /** 128 random bits in hex. */
  readonly nonce: string;
  /** Keys of segments of this head. */
  readonly inputs: readonly string[];
  readonly fold?: FoldRange | undefined;
  /** The store's own date, in milliseconds since 1970. */
  readonly startedMs: number;
}

/** The object that holds the idempotency window at `foldedSeq`. */
export interface WindowRef {
  readonly key: string;
  /** Of the whole object, in hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** The oldest state that retention keeps: that version of the head, which has folded up to `seq`. Pins below are refused. */
export interface RetainedFrom {
  readonly version: HeadVersion;
  readonly seq: Sequence;
}

/** A state as heads and slots make it: what that version of the head names, and the slots (foldedSeq, seq]. */
export interface KeptState {
  /** A superseded head: its copy is kept. */
  readonly version: HeadVersion;
  /** Of that version. */
  readonly foldedSeq: Sequence;
  readonly seq: Sequence;
}

/** A state with all that it is made of. */
export interface WholeState extends KeptState {
  /** Where the last restore among the slots went back to, and the last among the slots of that state, and so on. */
  readonly under: readonly KeptState[];
}

/** A snapshot. */
export interface Pin extends WholeState {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  /** Of the segments of that version. */
  readonly bytes: number;
}

/**
 * A restore: the slot that goes back to this state, which is kept for as long as a state may be asked for that is made
 * of the slot.
 */
export interface Restore extends WholeState {
  /** 128 random bits in hex, in the slot too. */
  readonly nonce: string;
  /** The slot is one of (after, after + 256]. */
  readonly after: Sequence;
  /** The slot, once it is folded. */
  readonly at: Sequence | undefined;
}

/** A collection that began with the records of that version of this head, and names its segments. */
export interface Branch {
  readonly uid: Uid;
  readonly version: HeadVersion;
  /** Of that version. */
  readonly foldedSeq: Sequence;
  /** The store's own date, in milliseconds since 1970. */
  readonly createdMs: number;
}

/** Where a collection began that is a branch of another. */
export interface Origin {
  readonly parent: Uid;
  /** Of the parent. The sequences of the branch go on from there. */
  readonly seq: Sequence;
  /**
   * Collections whose segments this one may name: the parent, and those that the parent may name; none once it has only
   * its own.
   */
  readonly lenders: readonly Uid[];
}

export interface Head {
  readonly uid: Uid;
  readonly version: HeadVersion;
  /** Of the swap that made this version, and of up to 64 before it: a writer that lost an answer looks here. */
  readonly nonce: string;
  readonly nonces: readonly string[];
  readonly state: HeadState;
  readonly namespace: Uid;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  /** The log is in segments up to here; chain and label are those of that slot. */
  readonly foldedSeq: Sequence;
  readonly foldedChain: string;
  readonly foldedLabel: number;
  /** Slots up to here may be deleted, so nothing may be acknowledged there. */
  readonly gcFloor: Sequence;
  readonly retainedFrom: RetainedFrom;
  /** For how long a state is kept after another took its place. */
  readonly retentionMs: number;
  readonly pins: readonly Pin[];
  readonly restores: readonly Restore[];
  /** The slot of the last restore that is folded, 0 where there is none: there every record may have changed. */
  readonly restoredSeq: Sequence;
  readonly branches: readonly Branch[];
  /** Undefined where it is no branch. */
  readonly origin: Origin | undefined;
  readonly segments: readonly SegmentEntry[];
  readonly jobs: readonly Job[];
  /** There once anything is folded. */
  readonly window: WindowRef | undefined;
  readonly schema: CollectionSchema;
}

export interface NewHead {
  readonly uid: Uid;
  readonly nonce: string;
  readonly namespace: Uid;
  readonly name: string;
  readonly createdMs: number;
  readonly schema: CollectionSchema;
}

/** What a swap may change. */
export type HeadEdit = Partial<
  Pick<
    Head,
    | 'state'
    | 'foldedSeq'
    | 'foldedChain'
    | 'foldedLabel'
    | 'gcFloor'
    | 'retainedFrom'
    | 'retentionMs'
    | 'pins'
    | 'restores'
    | 'restoredSeq'
    | 'branches'
    | 'origin'
    | 'segments'
    | 'jobs'
    | 'window'
  >
>;

export function firstHead(input: NewHead): Head {
  return Object.freeze({
    ...input,
    version: headVersion(1),
    nonces: [],
    state: 'active' as const,
    foldedSeq: sequence(0),
    foldedChain: CHAIN_START,
    foldedLabel: 0,
    gcFloor: sequence(0),
    retainedFrom: { version: headVersion(1), seq: sequence(0) },
    retentionMs: 0,
    pins: [],
    restores: [],
    restoredSeq: sequence(0),
    branches: [],
    origin: undefined,
    segments: [],
    jobs: [],
    window: undefined,
  });
}

/** The next version with `edit` in it. Throws `internal` where that would break an invariant. */
export function nextHead(current: Head, nonce: string, edit: HeadEdit): Head {
  const next: Head = Object.freeze({
    ...current,
    ...edit,
    version: headVersion(current.version + 1),
    nonce,
    nonces: [current.nonce, ...current.nonces].slice(0, limits.headNonces),
  });
  checkSuccessor(current, next);
  return next;
}

/** Whether both heads have the same records in the same places: then a state built on one is built on the other. */
export function namesTheSame(a: Head, b: Head): boolean {
  return (
    a.foldedSeq === b.foldedSeq &&
    a.segments.length === b.segments.length &&
    a.segments.every(({ key, deletions }, i) => {
      const other = b.segments[i]!;
      return key === other.key && deletions?.key === other.deletions?.key;
    })
  );
}

/** Whether the object of this key has to be there while this is the head. */
export function namesObject(head: Head, key: string): boolean {
  for (const named of keysOf(head)) if (named === key) return true;
  return false;
}

/** Of the objects that have to be there while this is the head. */
export function* keysOf({ window, segments }: Head): Generator<string> {
  if (window !== undefined) yield window.key;
  for (const { key, deletions } of segments) {
    yield key;
    if (deletions !== undefined) yield deletions.key;
  }
}
