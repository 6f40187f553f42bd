/**
 * The head of a collection: the one mutable object, changed by compare-and-swap. A frozen value here, its edits as pure
 * functions, and the invariants that every edit is held against before it goes to the store.
 */
import { assertInternal } from '../base/errors.js';
import { headVersion, sequence } from '../base/ids.js';
import type { HeadVersion, Sequence, Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { CollectionSchema } from './schema.js';
import { CHAIN_START } from './slot-codec.js';

export type HeadState = 'active' | 'dropped';

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
  });
}

/** The next version with `edit` in it. */
export function nextHead(current: Head, nonce: string, edit: Partial<Pick<Head, 'state'>>): Head {
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

/** Invariants 6, 12 and 21: nothing goes back, one lineage, a dropped collection stays dropped. */
function checkSuccessor(current: Head, next: Head): void {
  const holds = (condition: boolean, what: string): void =>
    assertInternal(condition, `head ${current.uid} version ${next.version} would break: ${what}`);
  holds(next.uid === current.uid, 'one uid');
  holds(next.version === current.version + 1, 'versions go up by one');
  holds(next.nonces[0] === current.nonce, 'the last nonce is kept');
  holds(next.foldedSeq >= current.foldedSeq, 'folded_seq never goes back');
  holds(next.gcFloor >= current.gcFloor, 'gc_floor never goes back');
  holds(next.gcFloor <= next.foldedSeq, 'gc_floor <= folded_seq');
  holds(current.state === 'active' || next.state === 'dropped', 'dropped is final');
}
