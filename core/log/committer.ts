/**
 * The write side of the log for one collection in one process: takes writes, puts them into slots, acknowledges them
 * after the head check. Writes that wait at the same time share a slot (group commit). A loser leaves its batches in the
 * inbox and goes on: it writes the next slot with whatever waits there, or finds its own carried by another (`inbox.ts`).
 */
import { CairnError } from '../base/errors.js';
import { newNonce, sequence } from '../base/ids.js';
import type { Sequence } from '../base/ids.js';
import { limits, tierLimits } from '../base/limits.js';
import type { SpareMemory } from '../base/spare-memory.js';
import type { CollectionLog } from './collection-log.js';
import { inlineBytesOf, placeDrafts, slotBatch } from './draft.js';
import type { Draft, PlacedDraft } from './draft.js';
import { fitting, isInReach, leaveInInbox, listInbox, readInbox } from './inbox.js';
import type { WaitingBatch } from './inbox.js';
import { mustNotName, refreshHead, tryGoneKey } from './log-reader.js';
import type { LoadedSlot } from './log-reader.js';
import type { LogSink, LogState } from './log-state.js';
import { hashKey, PendingWrite, prepareBatch, prepareRestore } from './pending-write.js';
import type { Committed, PreparedBatch, RestorePlan, WriteRequest } from './pending-write.js';
import { sealSlot } from './slot-codec.js';
import type { OpenedSlot } from './slot-codec.js';
import { putSlot } from './slot-put.js';
import type { SlotFate, SlotPut } from './slot-put.js';

export interface CommitterOptions<S extends LogSink<S>> {
  readonly log: CollectionLog<S>;
  /** Let writes that wait together share a slot. Off where a promise must not cross requests (Workers). */
  readonly groupCommit: boolean;
  /** Where slots are made. Default: in fresh memory. */
  readonly spare?: SpareMemory;
}

/** A slot in the making: where it goes, and what of this process is in it. */
interface SlotPlan<S extends LogSink<S>> {
  readonly state: LogState<S>;
  readonly seq: Sequence;
  readonly label: number;
  readonly group: readonly PlacedDraft<S>[];
}

export class Committer<S extends LogSink<S>> {
  readonly #log: CollectionLog<S>;
  readonly #groupCommit: boolean;
  readonly #spare: SpareMemory | undefined;
  #queue: PendingWrite<S>[] = [];
  #driving: Promise<void> | undefined;
  /** Of the inbox: a writer that loses slot after slot reads each object once. */
  readonly #waiting = new Map<string, OpenedSlot>();
  /** Slots won one after another without a look into the inbox. */
  #wins = 0;
  #wonMs = Number.NEGATIVE_INFINITY;
  /** How far the store's date is ahead of the writer's clock, where that is more than five minutes. */
  #clockOffsetMs = 0;

  constructor(options: CommitterOptions<S>) {
    this.#log = options.log;
    this.#groupCommit = options.groupCommit;
    this.#spare = options.spare;
  }

  /**
   * Commits one write. Resolves once it is durable and the head was checked after that.
   * Cost, uncontended: 1 PUT and 1 conditional GET, shared by all writes of the slot.
   */
  async commit(request: WriteRequest<S>): Promise<Committed> {
    const { ports } = this.#log.context;
    const write = new PendingWrite(request, hashKey(ports.digests, request.key));
    // A deadline is kept whatever the store does: a put that never answers must not hold its caller.
    const done = new AbortController();
    void ports.sleep(request.timeoutMs, done.signal).then(() => write.expire());
    if (this.#groupCommit) {
      this.#queue.push(write);
      this.#driving ??= this.#driveQueue();
    } else {
      void this.#drive([write]);
    }
    try {
      return await write.done;
    } finally {
      done.abort();
    }
  }

  /** Resolves when no group commit is under way. Without group commit each caller waits for its own write. */
  async idle(): Promise<void> {
    await this.#driving;
  }

  async #driveQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const queue = this.#queue;
      this.#queue = [];
      const left = await this.#round(queue);
      this.#queue = [...left, ...this.#queue];
    }
    this.#driving = undefined;
    this.#waiting.clear();
  }

  async #drive(writes: readonly PendingWrite<S>[]): Promise<void> {
    let left = writes;
    while (left.length > 0) left = await this.#round(left);
    this.#waiting.clear();
  }

  /** One slot: decides as many of the writes as fit and gives back the others, in order. */
  async #round(writes: readonly PendingWrite<S>[]): Promise<readonly PendingWrite<S>[]> {
    try {
      await this.#tryRound(writes.filter((write) => !write.settled));
    } catch (error) {
      for (const write of writes) if (!write.settled && write.inRound) write.fail(failure(write, error));
    }
    return writes.filter((write) => !write.settled);
  }

  async #tryRound(writes: readonly PendingWrite<S>[]): Promise<void> {
    for (const write of writes) write.inRound = true;
    const state = await this.#log.loaded();
    const { seq } = state.position;
    const fresh = await this.#answerRepeats(state, writes);
    // A read may have taken in slots meanwhile, and with them keys that were new a moment ago: look again.
    if (!this.#stands(state, seq)) return;
    for (const write of fresh) if (write.resolutions >= limits.resolveTries) write.fail(contended(write));
    const group = await this.#draft(
      state,
      fresh.filter((write) => !write.settled),
    );
    // A batch that was computed while slots came in is computed again.
    if (group.length === 0 || !this.#stands(state, seq)) return;
    for (const write of writes) write.inRound = group.some((drafted) => drafted.write === write);
    await this.#write(state, group);
  }

  /** Whether the next slot is still the one after `seq`. */
  #stands(state: LogState<S>, seq: Sequence): boolean {
    return state === this.#log.state && state.position.seq === seq;
  }

  /** Ends the writes whose key took effect before, or may have. Gives back those that are new. */
  async #answerRepeats(
    state: LogState<S>,
    writes: readonly PendingWrite<S>[],
  ): Promise<readonly PendingWrite<S>[]> {
    const fresh: PendingWrite<S>[] = [];
    const repeats: PendingWrite<S>[] = [];
    for (const write of writes) {
      write.firstTail ??= state.position.seq;
      const entry = state.window.find(write.keyHash);
      if (entry !== undefined) {
        // Whatever the head will say about that slot: the first try was no later than this.
        write.firstTail = sequence(Math.min(write.firstTail, entry.seq - 1));
        repeats.push(write);
      } else if (state.window.reach > write.firstTail) write.fail(windowPassed(write));
      else {
        // The window reaches back to the first try and does not hold the key: nothing so far took effect.
        write.undecided = write.waits;
        fresh.push(write);
      }
    }
    if (repeats.length > 0) {
      for (const write of repeats) write.undecided = true;
      // A head read after the slot was: the slot counts only above the floor of an active head.
      const head = await refreshHead(this.#log.context, state.head);
      this.#log.learn(state, head);
      for (const write of repeats) answerRepeat(state, write, head.head.gcFloor);
      // Below the floor the slot may have been a zombie: what the head says counts.
      if (repeats.some((write) => !write.settled)) await this.#log.load();
    }
    return fresh;
  }

  /** Builds the batches of the next slot from the writes that fit, one after another over those before. */
  async #draft(state: LogState<S>, writes: readonly PendingWrite<S>[]): Promise<readonly Draft<S>[]> {
    const { sink, position } = state;
    const seq = sequence(position.seq + 1);
    const group: Draft<S>[] = [];
    const keys = new Set<string>();
    let inlineBytes = 0;
    let totalBytes = 0;
    for (const write of writes) {
      if (group.length === limits.keysPerSlot || inlineBytes > limits.groupCommitBytes) break;
      if (keys.has(write.keyHash)) continue;
      const alone = 'restore' in write.request.plan;
      if (alone && group.length > 0) break;
      try {
        const made = this.#prepare(state, write, group, seq);
        const prepared = made instanceof Promise ? await made : made;
        if (!this.#stands(state, position.seq)) return [];
        checkLogRoom(state, totalBytes + prepared.content.length);
        totalBytes += prepared.content.length;
        if (prepared.content.length <= limits.inlineBatchBytes) inlineBytes += prepared.content.length;
        keys.add(write.keyHash);
        const resolvedAt =
          'prepared' in write.request.plan ? undefined : (write.planned?.after ?? position.seq);
        group.push({ write, prepared, resolvedAt, restore: write.planned?.target });
        if (alone) break;
      } catch (error) {
        // What it read may have been given back under it.
        if (!this.#stands(state, position.seq) || sink !== state.sink) return [];
        if (await this.#mayFindRoom(state, write, error)) return [];
        const gone = tryGoneKey(error);
        if (gone !== undefined) {
          // A segment was merged and collected while it was read, unless the head still names it: a load may find it open.
          mustNotName((await this.#log.load()).base, gone);
          return [];
        }
        write.fail(write.waits ? failure(write, error) : error);
      }
    }
    return group;
  }

  /** The log may have been folded since the head was read: a write is refused only by a head read on its account. */
  async #mayFindRoom(state: LogState<S>, write: PendingWrite<S>, error: unknown): Promise<boolean> {
    if (!(error instanceof CairnError && error.code === 'log_too_long') || write.askedForRoom) return false;
    write.askedForRoom = true;
    this.#log.learn(state, await refreshHead(this.#log.context, state.head));
    return true;
  }

  /** The batch as it was given, or as it follows from the state and the batches before it in the slot. */
  #prepare(
    state: LogState<S>,
    write: PendingWrite<S>,
    group: readonly Draft<S>[],
    seq: Sequence,
  ): PreparedBatch | Promise<PreparedBatch> {
    const { digests } = this.#log.context.ports;
    const { plan } = write.request;
    if ('prepared' in plan) return plan.prepared;
    if ('restore' in plan) return this.#prepareRestore(state, write, plan.restore);
    const before = group.map(({ prepared }) => prepared.batch);
    write.resolutions++;
    const resolved = plan.resolve({ state, before, seq });
    if (!(resolved instanceof Promise)) return prepareBatch(digests, resolved.batch, resolved.counts);
    return resolved.then(({ batch, counts }) => prepareBatch(digests, batch, counts));
  }

  /** What the head keeps is for 256 slots: a slot lost to others costs no swap. */
  async #prepareRestore(
    state: LogState<S>,
    write: PendingWrite<S>,
    plan: RestorePlan<S>,
  ): Promise<PreparedBatch> {
    write.resolutions++;
    if (write.planned === undefined || !isInReach(state.position.seq + 1, write.planned.after))
      write.planned = await plan(state);
    const { digests } = this.#log.context.ports;
    return prepareRestore(digests, write.planned.target, state.head.head.schema.dimension);
  }

  async #write(state: LogState<S>, drafts: readonly Draft<S>[]): Promise<void> {
    const { ports, uid } = this.#log.context;
    const seq = sequence(state.position.seq + 1);
    const prevChain = state.chain;
    const group = await placeDrafts(this.#log.context, state.position.seq, drafts);
    const writes = group.map(({ write }) => write);
    const label = Math.max(state.position.label + 1, ports.clock.wallMs() + this.#clockOffsetMs);
    const plan: SlotPlan<S> = { state, seq, label, group };
    const mayCarry = group.every(({ restore }) => restore === undefined);
    const carried = mayCarry && this.#mustCarry(writes) ? await this.#carry(plan) : [];
    // Later batches may be computed from those before them, so the slot is built anew without the ones that gave up.
    if (writes.some((write) => write.settled) || !this.#stands(state, sequence(seq - 1))) return;
    const nonce = newNonce(ports.random);
    const batches = [...group.map(slotBatch), ...carried.map(({ entry }) => entry)];
    const plain = { uid, seq, nonce, prevChain, label, batches };
    const { slot, bytes } = sealSlot(ports.digests, plain, this.#spare);
    const sinceMs = ports.clock.monotonicMs();
    for (const write of writes) write.undecided = true;
    const abandoned = (): boolean => writes.every((write) => write.settled);
    const fate = await this.#putSlot(writes, { seq, nonce, bytes, abandoned });
    if (fate.status === 'abandoned') return;
    if (fate.status === 'lost') {
      await this.#afterLoss(plan);
      return;
    }
    if (fate.status === 'collected') {
      // The tail was far behind. What was collected may have been an earlier try of ours: the next round looks.
      await this.#log.load();
      return;
    }
    if (fate.atOnce) this.#spare?.give(bytes.buffer);
    this.#waiting.clear();
    this.#countWin();
    this.#watchClock(fate.modifiedMs);
    const decoded = [...group.map(({ prepared }) => prepared.batch), ...carried.map(({ batch }) => batch)];
    const loaded = { slot, batches: decoded, modifiedMs: fate.modifiedMs };
    await this.#acknowledge(state, group, { loaded, sinceMs });
  }

  /**
   * Whoever has lost carries what waits. So does now and then whoever never loses: else a writer that writes without a pause
   * keeps all others waiting for as long as it goes on.
   */
  #mustCarry(writes: readonly PendingWrite<S>[]): boolean {
    if (!writes.some((write) => write.lost) && this.#wins < limits.winsBetweenLooks) return false;
    this.#wins = 0;
    return true;
  }

  #countWin(): void {
    const nowMs = this.#log.context.ports.clock.monotonicMs();
    this.#wins = nowMs - this.#wonMs < limits.busyWriterMs ? this.#wins + 1 : 0;
    this.#wonMs = nowMs;
  }

  /** A put that certainly had no effect decides its writes, but for those that wait in the inbox. */
  async #putSlot(writes: readonly PendingWrite<S>[], put: SlotPut): Promise<SlotFate> {
    try {
      return await putSlot(this.#log.context, put);
    } catch (error) {
      const certain = error instanceof CairnError && error.outcome === 'not_applied';
      if (certain) for (const write of writes) write.undecided = write.waits;
      throw error;
    }
  }

  /**
   * The slot is another's: leaves in the inbox what anybody may carry, and reads what is new. What depends on the state
   * is computed again instead.
   */
  async #afterLoss({ seq, label, group }: SlotPlan<S>): Promise<void> {
    for (const { write } of group) {
      write.undecided = write.waits;
      write.lost = true;
    }
    const waiting = group.filter(
      ({ resolvedAt, content, write }) => resolvedAt === undefined && 'inline' in content && !write.waits,
    );
    // From here on others may carry them, whatever becomes of this put.
    for (const { write } of waiting) write.waits = write.undecided = true;
    const put = { after: sequence(seq - 1), label, batches: waiting.map(slotBatch) };
    const read = this.#log.read('strong', () => {});
    const left = waiting.length === 0 ? undefined : leaveInInbox(this.#log.context, put);
    // Rivals of this very moment are on their way into the inbox too: whoever joins them looks after that.
    if (left === undefined) this.#lookAhead(group);
    await Promise.all([read, left]);
  }

  /** Lists the inbox beside the read of what is new. */
  #lookAhead(group: readonly PlacedDraft<S>[]): void {
    const listing = listInbox(this.#log.context);
    listing.catch(() => {});
    for (const { write } of group) write.listing = listing;
  }

  /** What waits in the inbox and fits into the slot. Best effort: where the store does not answer, none. */
  async #carry({ state, seq, label, group }: SlotPlan<S>): Promise<readonly WaitingBatch[]> {
    const keys = new Set(group.map(({ write }) => write.keyHash));
    const { dimension } = state.head.head.schema;
    const { context } = this.#log;
    const ahead = group.find(({ write }) => write.listing !== undefined)?.write.listing;
    for (const { write } of group) write.listing = undefined;
    const listed = await (ahead ?? listInbox(context));
    const look = { seq, label, window: state.window, keys, dimension, known: this.#waiting };
    const waiting = await readInbox(context, listed, look);
    return fitting(waiting, keys, inlineBytesOf(group));
  }

  /** The head check after a win: only above the floor of an active head is the slot what every later reader will see. */
  async #acknowledge(
    state: LogState<S>,
    group: readonly PlacedDraft<S>[],
    { loaded, sinceMs }: { readonly loaded: LoadedSlot; readonly sinceMs: number },
  ): Promise<void> {
    const { seq } = loaded.slot;
    const head = await refreshHead(this.#log.context, state.head);
    if (head.head.gcFloor >= seq) {
      // A zombie below the floor. The keys are looked up again in what the head says, and written where they are not.
      await this.#log.load();
      return;
    }
    this.#log.applyOwn(state, loaded, { head, sinceMs });
    for (const { write, prepared } of group) write.settle({ sequence: seq, counts: prepared.counts });
  }

  /** A clock that is far off would make labels that retention and people cannot use: the store's date is used instead. */
  #watchClock(storeMs: number | undefined): void {
    if (storeMs === undefined) return;
    const ahead = storeMs - this.#log.context.ports.clock.wallMs();
    this.#clockOffsetMs = Math.abs(ahead) > limits.writerClockSkewMs ? ahead : 0;
  }
}

function checkLogRoom<S extends LogSink<S>>(state: LogState<S>, moreBytes: number): void {
  const { logBytes, logSlots } = tierLimits[state.head.head.schema.tier];
  const { slots, bytes } = state.unfolded;
  const over = (limit: string, value: number, maximum: number): CairnError =>
    new CairnError(
      'quota',
      'log_too_long',
      `the unfolded log is full: ${limit} would be ${value}, the maximum is ${maximum}`,
      {
        details: { limit, value, maximum },
        outcome: 'not_applied',
        retryAfterS: 60,
      },
    );
  if (slots + 1 > logSlots) throw over('log_slots', slots + 1, logSlots);
  if (bytes + moreBytes > logBytes) throw over('log_bytes', bytes + moreBytes, logBytes);
}

function answerRepeat<S extends LogSink<S>>(
  state: LogState<S>,
  write: PendingWrite<S>,
  gcFloor: Sequence,
): void {
  const entry = state.window.find(write.keyHash)!;
  // At or below the floor only what a head's own window says counts: any other slot there may be a zombie.
  if (entry.seq <= gcFloor && entry.seq > state.base.foldedSeq) return;
  if (entry.requestHash === write.request.requestHash) {
    write.settle({ sequence: entry.seq, counts: entry.counts });
    return;
  }
  const message = `idempotency key ${write.request.key} was used for another request at sequence ${entry.seq}`;
  const details = { idempotency_key: write.request.key, sequence: entry.seq };
  write.fail(
    new CairnError('conflict', 'idempotency_key_reused', message, { details, outcome: 'not_applied' }),
  );
}

function windowPassed<S extends LogSink<S>>(write: PendingWrite<S>): CairnError {
  const { key } = write.request;
  const message = `too many writes since the first try of idempotency key ${key}: it may have been applied and can no longer be looked up`;
  const details = { idempotency_key: key, first_tail: write.firstTail ?? 0 };
  return new CairnError('conflict', 'idempotency_window_passed', message, { details, outcome: 'unknown' });
}

/**
 * A batch that depends on the state is computed anew for every slot that others take: among steady writers that may never
 * end, and each time costs what it reads.
 */
function contended<S extends LogSink<S>>(write: PendingWrite<S>): unknown {
  const tries = limits.resolveTries;
  const message = `other writers took the slot in each of ${tries} tries of a write that depends on what is stored`;
  const options = { details: { tries }, outcome: 'not_applied', retryAfterS: 1 } as const;
  return failure(write, new CairnError('conflict', 'contended', message, options));
}

/** What a write is told when its round failed with `error`. */
function failure<S extends LogSink<S>>(write: PendingWrite<S>, error: unknown): unknown {
  if (!write.mayTakeEffect) return error;
  // On a dropped collection nothing counts, whether or not the slot landed.
  if (error instanceof CairnError && error.code === 'collection_gone') return error;
  return write.outcomeUnknown(error);
}
