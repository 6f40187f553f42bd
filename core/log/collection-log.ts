/**
 * The read side of the log for one collection in one process: cold load, strong and eventual freshening, and the move of
 * the state onto newer heads (`adoption.ts`). Holds the current state; `committer.ts` is the write side.
 *
 * Reads stage slots in private and apply them in one synchronous step once the head allows it, so any number of calls
 * may run at once without a lock.
 */
import { CairnError, corrupt } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import type { Sequence } from '../base/ids.js';
import { limits } from '../base/limits.js';
import { Adoption } from './adoption.js';
import { HeadCopies } from './head-copies.js';
import type { Head } from './head.js';
import { slotKey } from './layout.js';
import { goBack, loadPast } from './past/past-state.js';
import {
  listTail,
  mustBeUnnamed,
  mustReadHead,
  readSlots,
  readWindow,
  refreshHead,
  tryGoneKey,
  tryReadSlot,
} from './log-reader.js';
import type { LoadedHead, LoadedSlot, LogContext } from './log-reader.js';
import { holdsRestore, LogState } from './log-state.js';
import type { LogSink } from './log-state.js';
import { Stopwatch } from './stopwatch.js';

/** Probing one slot after another is right for a reader that is nearly up to date; past this many it asks LIST. */
const PROBES_BEFORE_LIST = 3;

export interface CollectionLogOptions<S extends LogSink<S>> {
  readonly context: LogContext;
  /** A new sink on what the head holds: `ready` gets that. */
  readonly newSink: (head: Head) => S;
  /**
   * Let concurrent strong reads of one process share a freshening that starts after each of them. Off where a promise
   * must not cross requests (Workers). With it a newer head's segments are taken in beside the reads; without it the
   * request that meets the head takes them in before it answers.
   */
  readonly shareReads: boolean;
}

/**
 * Told of the sink of a state that is being loaded, once what the head names is at hand and while slots are still read: for what can be
 * read beside them. The sink holds less than it will, and may never be a state's.
 */
export type Foresee<S> = (sink: S) => void;

interface OwnCheck {
  /** Read after the slot was won. */
  readonly head: LoadedHead;
  /** Before the slot was put. */
  readonly sinceMs: number;
}

interface Load<S> {
  readonly head: LoadedHead;
  /** The last slot that a listing, begun with the read of the head, has found: what the head names is not waited for that. */
  readonly listing: Promise<Sequence>;
  /** Of what the head names, begun with the read of the head, too. */
  readonly copies: HeadCopies | undefined;
  readonly foresee: Foresee<S> | undefined;
  readonly start: Stopwatch;
}

/** What a load has to release where it fails: a restore among the slots makes it another. */
interface Built<S> {
  sink: S;
}

export class CollectionLog<S extends LogSink<S>> {
  readonly context: LogContext;
  readonly #newSink: (head: Head) => S;
  readonly #shareReads: boolean;
  #state: LogState<S> | undefined;
  /** Monotonic time at which the state was last known to hold every acknowledged write. */
  #freshAtMs: number | undefined;
  #running: Promise<unknown> | undefined;
  #next: Promise<LogState<S>> | undefined;
  #released = false;
  /** What the head of a state named is mostly open still when the next one is loaded. */
  #loadedBefore = false;
  readonly #adoption: Adoption<S>;

  constructor(options: CollectionLogOptions<S>) {
    this.context = options.context;
    this.#newSink = options.newSink;
    this.#shareReads = options.shareReads;
    this.#adoption = new Adoption({
      context: options.context,
      beside: options.shareReads,
      isCurrent: (state) => state === this.#state,
      drop: () => this.#replace(undefined),
    });
  }

  /** The state as it stands, if any was loaded. */
  get state(): LogState<S> | undefined {
    return this.#state;
  }

  /** The state, loaded where there is none. Not necessarily fresh. */
  async loaded(): Promise<LogState<S>> {
    if (this.#state !== undefined) await this.#adoption.keepUp(this.#state);
    return this.#state ?? (await this.load());
  }

  /** Takes a head that was read: where its records lie elsewhere, the state follows in its own time. */
  learn(state: LogState<S>, head: LoadedHead): void {
    state.learn(head);
    if (this.#shareReads) void this.#adoption.keepUp(state);
  }

  /** What kept the state from the newest head the last time that it was to go there; undefined where nothing did. */
  get adoptionFailure(): unknown {
    return this.#adoption.failure;
  }

  /** Resolves when the state is not being moved onto a newer head. After `release` no further move begins. */
  async settle(): Promise<void> {
    await this.#adoption.settle();
  }

  /** Gives memory back; the next call loads again. */
  unload(): void {
    this.#loadedBefore = false;
    this.#replace(undefined);
  }

  /** Gives memory back for good; a call still under way ends in an error. */
  release(): void {
    this.#released = true;
    this.#replace(undefined);
  }

  /**
   * Runs `use` on a state that holds every write acknowledged before this call (`strong`) or is at most 10 s old
   * (`eventual`). `use` is synchronous, because the next tick may replace the state and reuse its memory.
   * Cost, warm: one probe and one conditional GET in parallel; `eventual` nothing while the state is young. `foresee` counts where the
   * state is loaded for this call and not for one that began before.
   */
  async read<T>(
    consistency: 'strong' | 'eventual',
    use: (state: LogState<S>) => T,
    foresee?: Foresee<S>,
  ): Promise<T> {
    for (let round = 0; round < limits.freshenRounds; round++) {
      const young = consistency === 'eventual' ? this.tryYoung() : undefined;
      const state = young ?? (await this.#strong(foresee));
      if (state === this.#state) return use(state);
    }
    throw this.#contended();
  }

  /**
   * A state of its own as of `seq`, which that of `head` has passed; undefined where it is no longer kept. The caller
   * releases its sink. Cost: a GET per head copy that is looked at (log2 of those that are kept; one for a snapshot),
   * then as a load from a head.
   */
  async past(head: Head, seq: Sequence): Promise<LogState<S> | undefined> {
    return await loadPast(this.context, this.#newSink, { head, seq });
  }

  async #strong(foresee: Foresee<S> | undefined): Promise<LogState<S>> {
    if (!this.#shareReads) return await this.#freshen(foresee);
    // One that is under way may have started too early for this call: wait for the next, together with all who come until then.
    this.#next ??= (this.#running ?? Promise.resolve()).then(
      () => this.#startNext(foresee),
      () => this.#startNext(foresee),
    );
    return await this.#next;
  }

  /** The state, where an `eventual` read takes it as it is: for this step. */
  tryYoung(): LogState<S> | undefined {
    const age = this.#freshAtMs === undefined ? Infinity : this.#monotonicMs() - this.#freshAtMs;
    return age >= 0 && age < limits.eventualStalenessMs ? this.#state : undefined;
  }

  /**
   * Takes in the slot that a writer of this process won, once it has checked the head: the state is then as fresh as a
   * strong read that began at `sinceMs`. Nothing happens where a read came first. The commit stands whether or not this
   * process has the memory to hold it: where it has not, the next read says so.
   */
  applyOwn(state: LogState<S>, loaded: LoadedSlot, { head, sinceMs }: OwnCheck): void {
    if (state !== this.#state || !state.follows(loaded)) return;
    if (holdsRestore(loaded)) {
      this.#replace(undefined);
      return;
    }
    try {
      state.apply(loaded);
      this.#freshAtMs = Math.max(this.#freshAtMs ?? 0, sinceMs);
    } catch {
      this.#replace(undefined);
    }
    this.learn(state, head);
  }

  #startNext(foresee: Foresee<S> | undefined): Promise<LogState<S>> {
    this.#next = undefined;
    return this.#start(foresee);
  }

  #start(foresee: Foresee<S> | undefined): Promise<LogState<S>> {
    const run = this.#freshen(foresee);
    const settled = run.finally(() => {
      if (this.#running === settled) this.#running = undefined;
    });
    settled.catch(() => {});
    this.#running = settled;
    return run;
  }

  async #freshen(foresee?: Foresee<S>): Promise<LogState<S>> {
    for (let round = 0; round < limits.freshenRounds; round++) {
      const state = this.#state;
      const fresh = await (state === undefined ? this.#tryLoad(foresee) : this.#tryFreshen(state));
      if (fresh === undefined) continue;
      await this.#adoption.keepUp(fresh);
      if (fresh === this.#state) return fresh;
    }
    throw this.#contended();
  }

  #contended(): CairnError {
    const message = `no stable state in ${limits.freshenRounds} rounds of reading`;
    return new CairnError('unavailable', 'read_contended', message, { retryAfterS: 1 });
  }

  async #tryFreshen(state: LogState<S>): Promise<LogState<S> | undefined> {
    const from = state.position.seq;
    const start = new Stopwatch(this.context.ports.clock);
    const [staged, head] = await Promise.all([
      this.#stage(from, state.head.head.schema.dimension),
      refreshHead(this.context, state.head),
    ]);
    if (staged === undefined) return this.#reload();
    let current = head;
    if (!(start.withinFence && head.head.gcFloor <= from)) {
      // Slow, or the floor moved past us: only a head read after the last 404 can say whether the staged slots are real.
      current = await refreshHead(this.context, head);
      const { gcFloor, foldedSeq, foldedChain } = current.head;
      const joins = staged.some(({ slot }) => slot.seq === foldedSeq && slot.chain === foldedChain);
      if (!(gcFloor <= from || joins)) return this.#reload();
    }
    if (state !== this.#state) return undefined;
    return this.#accept(state, current, staged, start) ? state : this.#reload();
  }

  /** False where the staged slots do not continue the state: it, or they, were zombies below the floor; or one is a restore. */
  #accept(state: LogState<S>, head: LoadedHead, staged: readonly LoadedSlot[], start: Stopwatch): boolean {
    // What it goes back to has to be read: a load does that.
    if (staged.some(holdsRestore)) return false;
    for (const loaded of staged) {
      if (loaded.slot.seq <= state.position.seq) continue;
      if (!state.follows(loaded)) return false;
      try {
        state.apply(loaded);
      } catch (error) {
        // Half of a slot may be in: such a state must not answer anybody.
        this.#replace(undefined);
        throw error;
      }
    }
    state.learn(head);
    if (!state.isOfHead) return false;
    this.#freshAtMs = start.monotonicMs;
    return true;
  }

  /** All slots after `from`, up to a probe that found none. Undefined where there is a hole: slots were collected. */
  async #stage(from: Sequence, dimension: number): Promise<readonly LoadedSlot[] | undefined> {
    const staged: LoadedSlot[] = [];
    for (;;) {
      const loaded = await tryReadSlot(this.context, sequence(from + staged.length + 1), dimension);
      if (loaded === undefined) return staged;
      staged.push(loaded);
      if (staged.length % PROBES_BEFORE_LIST !== 0) continue;
      const last = from + staged.length;
      const tail = await listTail(this.context);
      const missing = await readSlots(this.context, { after: last, last: tail, dimension }, (slots) => {
        staged.push(...slots);
      });
      if (missing !== undefined) return undefined;
    }
  }

  /**
   * Loads from the head, whatever is held. Cost: head, LIST and root together, then the slots together, and beside them what the
   * head names and the root has no copy of.
   */
  async load(): Promise<LogState<S>> {
    this.#replace(undefined);
    return await this.#freshen();
  }

  #reload(): undefined {
    this.#replace(undefined);
    return undefined;
  }

  async #tryLoad(foresee: Foresee<S> | undefined): Promise<LogState<S> | undefined> {
    const start = new Stopwatch(this.context.ports.clock);
    const listing = listTail(this.context);
    // Whichever fails first is what the caller is told.
    listing.catch(() => {});
    const reading = mustReadHead(this.context);
    const root = this.#loadedBefore ? undefined : new HeadCopies(this.context);
    const head = await reading;
    const copies = head.head.segments.length === 0 ? undefined : root;
    const state = await this.#tryBuild({ head, listing, copies, foresee, start });
    if (state === undefined) return undefined;
    // A load that another call overtook is not needed: the next round freshens that one's state.
    if (this.#state === undefined && !this.#released) {
      this.#replace(state);
      this.#loadedBefore = true;
      this.#freshAtMs = start.monotonicMs;
      return state;
    }
    state.sink.release();
    if (this.#released) throw new CairnError('unavailable', 'closed', 'the collection was closed');
    return undefined;
  }

  /** Undefined where the slots do not count, or what the head names was collected. */
  async #tryBuild(load: Load<S>): Promise<LogState<S> | undefined> {
    const built: Built<S> = { sink: this.#newSink(load.head.head) };
    try {
      const state = await this.#build(load, built);
      if (state !== undefined) return state;
    } catch (error) {
      built.sink.release();
      const key = tryGoneKey(error);
      if (key === undefined) throw error;
      await mustBeUnnamed(this.context, load.head, key);
      return undefined;
    }
    built.sink.release();
    return undefined;
  }

  /** What the head names and its window at once, and the slots after it as soon as they are listed. */
  async #build(
    { head, listing, copies, foresee, start }: Load<S>,
    built: Built<S>,
  ): Promise<LogState<S> | undefined> {
    const { foldedSeq, schema } = head.head;
    const { sink } = built;
    const ready = sink.ready(copies);
    // Nothing depends on it.
    if (foresee !== undefined) ready.then(() => foresee(sink)).catch(() => {});
    const loading = readWindow(this.context, head.head, copies).then(
      (window) => new LogState(head, sink, window),
    );
    // Whichever fails first is what the caller is told.
    for (const promise of [ready, loading]) promise.catch(() => {});
    let missing: Sequence | undefined;
    try {
      const range = { after: foldedSeq, last: await listing, dimension: schema.dimension };
      missing = await readSlots(this.context, range, async (slots) => {
        const state = await loading;
        for (const slot of slots) state.apply(slot);
      });
      if (missing === undefined) {
        const state = await loading;
        await goBack(this.context, this.#newSink, state);
        built.sink = state.sink;
      }
    } catch (error) {
      // Slots that do not fit together are no damage where some were collected, and zombies came in their place.
      const corruption = error instanceof CairnError && error.kind === 'corrupt';
      if (!corruption || (await this.#stillAbove(head))) throw error;
      return undefined;
    }
    if (missing !== undefined) await this.#mustBeCollected(head, missing);
    // What a segment holds does not depend on when it is read; what a slot holds does.
    const usable = missing === undefined && (start.withinFence || (await this.#stillAbove(head)));
    if (!usable) return undefined;
    await ready;
    return await loading;
  }

  /** After a slow load: the slots read are real where the floor is still at or below where reading began. */
  async #stillAbove(head: LoadedHead): Promise<boolean> {
    const current = await refreshHead(this.context, head);
    return current.head.gcFloor <= head.head.foldedSeq;
  }

  /** Invariant 2: above the floor of a head read after the slot was missed, the log has no holes. */
  async #mustBeCollected(head: LoadedHead, missing: Sequence): Promise<void> {
    const current = await refreshHead(this.context, head);
    if (missing <= current.head.gcFloor) return;
    const key = slotKey(this.context.uid, missing);
    throw corrupt({ key, offset: 0, expected: 'a slot, as later ones are there', found: 'no object' });
  }

  #replace(state: LogState<S> | undefined): void {
    const old = this.#state;
    this.#state = state;
    this.#freshAtMs = undefined;
    if (old !== undefined && old !== state) old.sink.release();
  }

  #monotonicMs(): number {
    return this.context.ports.clock.monotonicMs();
  }
}
