/**
 * A write on its way into the log: what it wants to commit, under which key, until when, and how it ended.
 */
import { bytesToHex, concatBytes, utf8Encode } from '../base/bytes.js';
import { CairnError } from '../base/errors.js';
import type { Sequence } from '../base/ids.js';
import type { Digests } from '../base/ports.js';
import type { ListedObject } from '../store/index.js';
import type { SpareMemory } from '../base/spare-memory.js';
import { emptyBatch, NO_COUNTS } from './batch.js';
import type { Batch, ResultCounts } from './batch.js';
import { encodeBatch } from './batch-codec.js';
import type { LogSink, LogState } from './log-state.js';
import { encodeRestore } from './restore-target.js';
import type { RestoreTarget } from './restore-target.js';
import type { PlacedContent } from './slot-codec.js';

/** A batch, its result, and its bytes. */
export interface PreparedBatch {
  readonly batch: Batch;
  readonly counts: ResultCounts;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly contentSha: string;
}

/**
 * Encodes a batch, in spare memory where there is any that fits. The batch that is answered has its vectors in `content`:
 * those that were given may be a caller's buffer.
 */
export function prepareBatch(
  digests: Digests,
  batch: Batch,
  counts: ResultCounts,
  spare?: SpareMemory,
): PreparedBatch {
  const content = encodeBatch(batch, spare);
  const floats = batch.vectors.length;
  const vectors = new Float32Array(content.buffer, content.byteLength - 4 * floats, floats);
  return { batch: { ...batch, vectors }, counts, content, contentSha: bytesToHex(digests.sha256(content)) };
}

/** A restore takes the place of a batch, and does nothing by itself. */
export function prepareRestore(digests: Digests, target: RestoreTarget, dimension: number): PreparedBatch {
  const content = encodeRestore(target);
  const contentSha = bytesToHex(digests.sha256(content));
  return { batch: emptyBatch(dimension), counts: NO_COUNTS, content, contentSha };
}

/** What a state-dependent batch is computed from: the log state at r, then the batches that come before it in slot r+1. */
export interface SlotDraft<S extends LogSink<S>> {
  readonly state: LogState<S>;
  readonly before: readonly Batch[];
  /** The slot that is being written. */
  readonly seq: Sequence;
}

/** A restore and the tail after which its head was asked: 256 slots later nothing may be kept for it any more. */
export interface PlannedRestore {
  readonly target: RestoreTarget;
  readonly after: Sequence;
}

/** Sees to it that the state to go back to is kept. Throws where it is not: then the write ends with that error. */
export type RestorePlan<S extends LogSink<S>> = (state: LogState<S>) => Promise<PlannedRestore>;

/**
 * Either a batch that is the same whatever came before (`prepared`), or a function of the state. `resolve` throws where
 * the request cannot hold (a condition failed): the write ends with that error and nothing is committed. It may read from
 * the store. Where the state moves on while it does, what it answers or throws does not count, and it is called again:
 * it holds the sink of its beginning itself, if it goes on using it.
 */
export type WritePlan<S extends LogSink<S>> =
  | { readonly prepared: PreparedBatch }
  | { readonly restore: RestorePlan<S> }
  | { readonly resolve: (draft: SlotDraft<S>) => Promise<ResolvedBatch> | ResolvedBatch };

export interface ResolvedBatch {
  readonly batch: Batch;
  readonly counts: ResultCounts;
}

export interface WriteRequest<S extends LogSink<S>> {
  readonly plan: WritePlan<S>;
  readonly key: string;
  /** SHA-256 of what the caller asked, in hex: the same key with another request is refused. */
  readonly requestHash: string;
  /** The tail when this key was first tried, where the caller knows it. */
  readonly firstTail: Sequence | undefined;
  readonly timeoutMs: number;
}

export interface Committed {
  readonly sequence: Sequence;
  readonly counts: ResultCounts;
}

/** 128 bits of SHA-256 in hex: what the log keeps of a key. */
export function hashKey(digests: Digests, key: string): string {
  return bytesToHex(digests.sha256(utf8Encode(key)).subarray(0, 16));
}

export function hashRequest(digests: Digests, kind: string, ...parts: readonly Uint8Array[]): string {
  return bytesToHex(digests.sha256(concatBytes([utf8Encode(`${kind}\n`), ...parts])));
}

/** A request in the committer's hands. `settle` and `fail` may be called once; later calls have no effect. */
export class PendingWrite<S extends LogSink<S>> {
  readonly request: WriteRequest<S>;
  readonly keyHash: string;
  readonly done: Promise<Committed>;
  firstTail: Sequence | undefined;
  /** A slot may hold this write, or a put that may still land. */
  undecided = false;
  /** How often its batch was computed from the state. */
  resolutions = 0;
  /** A batch of its own that is in an object, and the SHA-256 of that. */
  placed: { readonly contentSha: string; readonly content: PlacedContent } | undefined;
  /** Of a restore: what its head keeps for it. */
  planned: PlannedRestore | undefined;
  /** It lost a race for a slot. */
  lost = false;
  /** It is in the inbox, or may be: another writer's slot may carry it. */
  waits = false;
  /** Of the inbox, begun beside another read. */
  listing: Promise<readonly ListedObject[]> | undefined;
  settled = false;
  /** It was refused for want of room once, and a head was read since. */
  askedForRoom = false;
  /** An error of the running round is this write's error too. */
  inRound = false;
  #resolve!: (committed: Committed) => void;
  #reject!: (error: unknown) => void;

  constructor(request: WriteRequest<S>, keyHash: string) {
    this.request = request;
    this.keyHash = keyHash;
    this.firstTail = request.firstTail;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  settle(committed: Committed): void {
    this.settled = true;
    this.#resolve(committed);
  }

  fail(error: unknown): void {
    this.settled = true;
    this.#reject(error);
  }

  /** What the caller is told when the time is over depends on whether a put may still land. */
  expire(): void {
    if (!this.settled) this.fail(this.mayTakeEffect ? this.outcomeUnknown() : this.#timedOut());
  }

  /** A repeat never knows what became of the tries before it. */
  get mayTakeEffect(): boolean {
    return this.undecided || this.request.firstTail !== undefined;
  }

  /** Not knowing has the kind of its cause, so that corruption is not taken for something that passes. */
  outcomeUnknown(cause?: unknown): CairnError {
    const { key } = this.request;
    const firstTail = this.firstTail ?? 0;
    const facts = { idempotency_key: key, first_tail: firstTail };
    if (cause instanceof CairnError && cause.kind !== 'unavailable') {
      const details = { ...cause.details, ...facts };
      return new CairnError(cause.kind, cause.code, cause.message, { outcome: 'unknown', details, cause });
    }
    return new CairnError(
      'unavailable',
      'outcome_unknown',
      `the store did not say whether the write was applied; repeat it with idempotency key ${key} and first tail ${firstTail}`,
      { outcome: 'unknown', details: facts, retryAfterS: 1, cause },
    );
  }

  #timedOut(): CairnError {
    const { timeoutMs } = this.request;
    return new CairnError('unavailable', 'timeout', `the write was not committed within ${timeoutMs} ms`, {
      outcome: 'not_applied',
      details: { timeout_ms: timeoutMs },
      retryAfterS: 1,
    });
  }
}
