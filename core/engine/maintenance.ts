/**
 * Maintenance: one run compacts the collections that have work, as far as its budget goes, and collects what nothing needs
 * any more. Work is found by the hints that writers leave, and once a day by a pass over all collections, which finds
 * what hints missed.
 *
 * A run that may wait sleeps D between fence and delete; one of many at intervals remembers the fence instead, and a later
 * run deletes. Budgets count work, not time: on some platforms the clock stands still while code computes. A run that has spent its
 * own ends between two jobs, or two collections, and leaves the hints for the next one, wherever that is.
 */
import { utf8Encode } from '../base/bytes.js';
import { CairnError, hasCode } from '../base/errors.js';
import { isUid } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports, Random } from '../base/ports.js';
import { PASS_KEY, removeDeadJobs } from '../log/index.js';
import { PROBES_PREFIX, SUBREQUESTS_EXHAUSTED } from '../store/index.js';
import type { ObjectStore } from '../store/index.js';
import { raiseFence } from './collector/index.js';
import { hasMerge } from './compaction/index.js';
import type { Handler } from './compaction/index.js';
import type { Collector, Fence, Look } from './collector/index.js';
import type { CompactResult, MaintainResult } from './interface/index.js';
import type { WorkBudget } from './work-budget.js';

export interface MaintenanceOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly collector: Collector;
  /** Only its collections are compacted. */
  readonly namespace: Uid;
  /** Of this process. */
  readonly handler: Handler;
  /** Off where a promise must not cross requests (Workers). */
  readonly shareRequests: boolean;
  /** Of one run, from now on. */
  readonly budget: () => WorkBudget;
  /** Log that fits into the memory of this process, with what is made of it. */
  readonly foldableBytes: number;
  readonly compact: (name: string, run: Compaction) => Promise<CompactResult>;
}

export interface Compaction {
  readonly signal: AbortSignal;
  readonly budget: WorkBudget;
}

export interface MaintenanceRun {
  readonly signal: AbortSignal;
  /** Sleep until what was fenced may be deleted. */
  readonly wait: boolean;
}

interface WaitingFence {
  readonly fence: Fence;
  /** Monotonic time at which the fence had been read back. */
  readonly sinceMs: number;
}

/** A result that is being added up. */
type Tally = { -readonly [K in keyof MaintainResult]: MaintainResult[K] } & {
  left: { collection: string; reason: string }[];
  failures: { collection: string; code: string; message: string }[];
};

interface OwnRun extends MaintenanceRun, Compaction {
  readonly tally: Tally;
  readonly fences: Map<Uid, WaitingFence>;
}

const TOO_LARGE = 'collection_too_large_for_handler';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** How often a process looks whether the pass of the day has been made. */
const PASS_LOOK_MS = 60 * 60 * 1_000;

export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #fences = new Map<Uid, WaitingFence>();
  #passLookedMs: number | undefined;
  /** Runs of one process come one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  /** What fails for one collection is reported in the result and does not stop the others. */
  async run(run: MaintenanceRun): Promise<MaintainResult> {
    // Then a run waits for no other, and one that sleeps deletes behind its own fences alone.
    if (!this.#options.shareRequests) return await this.#run(run);
    const result = this.#last.then(() => this.#run(run));
    this.#last = result.catch(() => {});
    return await result;
  }

  async #run(run: MaintenanceRun): Promise<MaintainResult> {
    const tally = newTally();
    // After its sleep a run deletes behind all that it has, whatever others that run meanwhile have raised.
    const own = run.wait && !this.#options.shareRequests;
    const fences = own ? new Map<Uid, WaitingFence>() : this.#fences;
    if (run.signal.aborted) return tally;
    try {
      await this.#runWithin({ ...run, tally, fences, budget: this.#options.budget() });
    } catch (error) {
      // The host lets this run ask no more. One that has got nowhere says so: the next one would not either.
      const { compacted, objects, abandonedJobs } = tally;
      if (!hasCode(error, SUBREQUESTS_EXHAUSTED) || compacted + objects + abandonedJobs === 0) throw error;
      tally.more = true;
    }
    return { ...tally, more: tally.more || run.signal.aborted || fences.size > 0 };
  }

  async #runWithin(run: OwnRun): Promise<void> {
    const { ports, collector } = this.#options;
    const { signal, wait, tally, budget } = run;
    await this.#deleteBehindFences(run, false);
    const hinted = rotated(await collector.hinted(), ports.random);
    for (const uid of hinted) {
      if (signal.aborted) return;
      if (!budget.mayLook) {
        tally.more = true;
        break;
      }
      await this.#tendGuarded(uid, run);
    }
    if (budget.mayLook) await this.#passIfDue(run, new Set(hinted));
    if (wait && run.fences.size > 0 && !signal.aborted) {
      await ports.sleep(limits.fenceMs, signal);
      await this.#deleteBehindFences(run, true);
    }
  }

  /** The pass of the day over all collections that have no hint, or what is left of it. */
  async #passIfDue(run: OwnRun, tended: ReadonlySet<Uid>): Promise<void> {
    const { store, collector } = this.#options;
    const { signal, tally, budget } = run;
    const due = await this.#duePass();
    if (due === undefined) return;
    tally.pass = true;
    let last = due.after;
    for await (const uid of collector.uidsAfter(last)) {
      if (signal.aborted) return;
      if (!budget.mayLook) {
        await store.put(PASS_KEY, utf8Encode(last ?? ''), { if: 'any' });
        this.#passLookedMs = undefined;
        tally.more = true;
        return;
      }
      await collector.unlessCorrupt([], () => collector.retireOrphan(uid));
      if (!tended.has(uid)) await this.#tendGuarded(uid, run);
      last = uid;
    }
    await this.#sweepProbes();
  }

  /**
   * The mark is set before the pass: of many processes one makes it, and what it misses the next day's finds. It holds the uid
   * behind which a pass that was ended early goes on.
   */
  async #duePass(): Promise<{ readonly after: Uid | undefined } | undefined> {
    const { store, ports } = this.#options;
    const nowMs = ports.clock.monotonicMs();
    if (this.#passLookedMs !== undefined && nowMs - this.#passLookedMs < PASS_LOOK_MS) return undefined;
    this.#passLookedMs = nowMs;
    const mark = await store.get(PASS_KEY);
    const text = mark.status === 'found' ? String.fromCharCode(...mark.bytes.subarray(0, 64)) : '';
    const after = isUid(text) ? text : undefined;
    const young = mark.status === 'found' && Math.abs(ports.clock.wallMs() - mark.modifiedMs) < DAY_MS;
    if (young && after === undefined) return undefined;
    await store.put(PASS_KEY, new Uint8Array(0), { if: 'any' });
    return { after };
  }

  /** What a start that was killed had put to try the store. Younger ones may be of one that goes on. */
  async #sweepProbes(): Promise<void> {
    const { store, ports } = this.#options;
    const left: string[] = [];
    for (const { key } of await store.list(PROBES_PREFIX, { limit: limits.probesSwept })) {
      // One that cannot be read, for want of its customer key, is in nobody's way.
      const probe = await store.get(key).catch(() => undefined);
      if (probe?.status === 'found' && ports.clock.wallMs() - probe.modifiedMs > PASS_LOOK_MS) left.push(key);
    }
    if (left.length > 0) await store.delete(left);
  }

  async #tendGuarded(uid: Uid, run: OwnRun): Promise<void> {
    run.tally.collections++;
    await this.#guarded(uid, run, () => this.#tend(uid, run));
  }

  async #tend(uid: Uid, run: OwnRun): Promise<void> {
    const { collector, namespace } = this.#options;
    const context = collector.context(uid);
    let look = await collector.look(uid);
    if (look?.head.state === 'active') {
      const dead = look.head.jobs.length > 0 ? await removeDeadJobs(context, limits.deadJobMs) : [];
      run.tally.abandonedJobs += dead.length;
      // Their inputs are free again.
      if (dead.length > 0) look = await collector.look(uid);
      if (look?.due === true && look.head.namespace === namespace) look = await this.#compact(look, run);
    }
    if (look?.garbage === true && !run.fences.has(uid)) {
      const fence = await raiseFence(context, look.head);
      const sinceMs = this.#options.ports.clock.monotonicMs();
      if (fence !== undefined) run.fences.set(uid, { fence, sinceMs });
    }
    if (look !== undefined) await collector.tendBranches(look.head);
    if (!run.fences.has(uid)) await collector.forgetIfDone(uid);
  }

  /** Compacts within the budget, and looks again. */
  async #compact(look: Look, { tally, signal, budget }: OwnRun): Promise<Look | undefined> {
    const { collector, compact, handler, foldableBytes } = this.#options;
    const { name, uid } = look.head;
    if (budget.isSpent) {
      tally.more = true;
      return look;
    }
    const leave = (): void => void tally.left.push({ collection: uid, reason: TOO_LARGE });
    if (look.unfoldedBytes > foldableBytes || !(look.logDue || hasMerge(look.head, handler))) {
      leave();
      return look;
    }
    let done: CompactResult;
    try {
      done = await compact(name, { signal, budget });
    } catch (error) {
      if (!hasCode(error, 'memory_budget_exceeded')) throw error;
      leave();
      return await collector.look(uid);
    }
    if (done.more) tally.more = true;
    if (done.tooLarge) leave();
    const idle = done.foldedSlots === 0 && done.segmentsMerged === 0;
    if (!idle) tally.compacted++;
    tally.foldedSlots += done.foldedSlots;
    tally.segmentsWritten += done.segmentsWritten;
    tally.segmentsMerged += done.segmentsMerged;
    tally.rowsWritten += done.rowsWritten;
    tally.bytesWritten += done.bytesWritten;
    return await collector.look(uid);
  }

  /** `all`: the caller has slept D since the last of them was raised. */
  async #deleteBehindFences(run: OwnRun, all: boolean): Promise<void> {
    const { collector, ports } = this.#options;
    for (const [uid, { fence, sinceMs }] of run.fences) {
      if (run.signal.aborted) return;
      if (!all && ports.clock.monotonicMs() - sinceMs < limits.fenceMs) continue;
      // First: a fence whose delete fails is raised again, so that its next wait is a whole one.
      run.fences.delete(uid);
      await this.#guarded(uid, run, async () => {
        const { objects, bytes } = await collector.deleteBehind(uid, fence);
        run.tally.objects += objects;
        run.tally.bytes += bytes;
        await collector.forgetIfDone(uid);
      });
    }
  }

  async #guarded(uid: Uid, run: OwnRun, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // What an abort has ended is no failure.
      if (run.signal.aborted) return;
      if (!(error instanceof CairnError) || error.code === SUBREQUESTS_EXHAUSTED) throw error;
      run.tally.failures.push({ collection: uid, code: error.code, message: error.message });
    }
  }
}

function newTally(): Tally {
  return {
    collections: 0,
    compacted: 0,
    foldedSlots: 0,
    segmentsWritten: 0,
    segmentsMerged: 0,
    rowsWritten: 0,
    bytesWritten: 0,
    objects: 0,
    bytes: 0,
    abandonedJobs: 0,
    pass: false,
    more: false,
    left: [],
    failures: [],
  };
}

/** Begins anywhere, so that no collection that has work again and again comes before all others in each run. */
function rotated(uids: readonly Uid[], random: Random): readonly Uid[] {
  if (uids.length < 2) return uids;
  const [high, low] = random.fill(new Uint8Array(2));
  const start = (high! * 256 + low!) % uids.length;
  return [...uids.slice(start), ...uids.slice(0, start)];
}
