/**
 * Maintenance: one run compacts the collections that have work, as far as its budget goes, and collects what nothing needs
 * any more. Work is found by the hints that writers leave, and once a day by a pass over all collections, which finds
 * what hints missed.
 *
 * A run that may wait sleeps D between fence and delete; one of many at intervals remembers the fence instead, and a later
 * run deletes. Budgets count rows and bytes, not time: on some platforms the clock stands still while code computes.
 */
import { CairnError } from '../base/errors.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { PASS_KEY, removeDeadJobs } from '../log/index.js';
import { PROBES_PREFIX } from '../store/index.js';
import type { ObjectStore } from '../store/index.js';
import { lookAt, raiseFence } from './collector/index.js';
import type { Collector, Fence, Look } from './collector/index.js';
import type { CompactResult, MaintainResult } from './interface/index.js';

export interface MaintenanceOptions {
  readonly store: ObjectStore;
  readonly ports: Ports;
  readonly collector: Collector;
  /** Only its collections are compacted. */
  readonly namespace: Uid;
  readonly compact: (name: string, signal: AbortSignal) => Promise<CompactResult>;
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
  failures: { collection: string; code: string; message: string }[];
};

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
    const result = this.#last.then(() => this.#run(run));
    this.#last = result.catch(() => {});
    return await result;
  }

  async #run(run: MaintenanceRun): Promise<MaintainResult> {
    const { ports } = this.#options;
    const tally = newTally();
    if (run.signal.aborted) return tally;
    await this.#deleteBehindFences(tally, run, false);
    for (const uid of await this.#withWork(tally)) {
      if (run.signal.aborted) break;
      tally.collections++;
      await this.#guarded(tally, uid, run, () => this.#tend(uid, tally, run));
    }
    if (run.wait && this.#fences.size > 0 && !run.signal.aborted) {
      await ports.sleep(limits.fenceMs, run.signal);
      await this.#deleteBehindFences(tally, run, true);
    }
    return { ...tally, more: tally.more || run.signal.aborted || this.#fences.size > 0 };
  }

  /** Hinted collections first; in the pass of the day all others too. */
  async #withWork(tally: Tally): Promise<ReadonlySet<Uid>> {
    const { collector } = this.#options;
    const hinted = await collector.hinted();
    if (!(await this.#isPassDue())) return new Set(hinted);
    const uids = await collector.uids();
    for (const uid of uids) {
      await collector.unlessCorrupt([], () => collector.retireOrphan(uid));
    }
    await this.#sweepProbes();
    tally.pass = true;
    return new Set([...hinted, ...uids]);
  }

  /** The mark is set before the pass: of many processes one makes it, and what it misses the next day's finds. */
  async #isPassDue(): Promise<boolean> {
    const { store, ports } = this.#options;
    const nowMs = ports.clock.monotonicMs();
    if (this.#passLookedMs !== undefined && nowMs - this.#passLookedMs < PASS_LOOK_MS) return false;
    this.#passLookedMs = nowMs;
    const mark = await store.get(PASS_KEY);
    if (mark.status === 'found' && Math.abs(ports.clock.wallMs() - mark.modifiedMs) < DAY_MS) return false;
    await store.put(PASS_KEY, new Uint8Array(0), { if: 'any' });
    return true;
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

  async #tend(uid: Uid, tally: Tally, run: MaintenanceRun): Promise<void> {
    const { collector, namespace } = this.#options;
    const context = collector.context(uid);
    let look = await lookAt(context);
    if (look?.head.state === 'active') {
      if (look.head.jobs.length > 0) {
        tally.abandonedJobs += (await removeDeadJobs(context, limits.deadJobMs)).length;
      }
      if (look.due && look.head.namespace === namespace) look = await this.#compact(look, tally, run);
    }
    if (look?.garbage === true && !this.#fences.has(uid)) {
      const fence = await raiseFence(context, look.head);
      const sinceMs = this.#options.ports.clock.monotonicMs();
      if (fence !== undefined) this.#fences.set(uid, { fence, sinceMs });
    }
    if (look !== undefined) await collector.tendBranches(look.head);
    if (!this.#fences.has(uid)) await collector.forgetIfDone(uid);
  }

  /** Compacts within the budget, and looks again. */
  async #compact(look: Look, tally: Tally, { signal }: MaintenanceRun): Promise<Look | undefined> {
    if (tally.rowsWritten >= limits.maintenanceRows || tally.bytesWritten >= limits.maintenanceBytes) {
      tally.more = true;
      return look;
    }
    const { collector, compact } = this.#options;
    const done = await compact(look.head.name, signal);
    tally.compacted++;
    tally.foldedSlots += done.foldedSlots;
    tally.segmentsWritten += done.segmentsWritten;
    tally.segmentsMerged += done.segmentsMerged;
    tally.rowsWritten += done.rowsWritten;
    tally.bytesWritten += done.bytesWritten;
    return await lookAt(collector.context(look.head.uid));
  }

  /** `all`: the caller has slept D since the last of them was raised. */
  async #deleteBehindFences(tally: Tally, run: MaintenanceRun, all: boolean): Promise<void> {
    const { collector, ports } = this.#options;
    for (const [uid, { fence, sinceMs }] of this.#fences) {
      if (run.signal.aborted) return;
      if (!all && ports.clock.monotonicMs() - sinceMs < limits.fenceMs) continue;
      // First: a fence whose delete fails is raised again, so that its next wait is a whole one.
      this.#fences.delete(uid);
      await this.#guarded(tally, uid, run, async () => {
        const { objects, bytes } = await collector.deleteBehind(uid, fence);
        tally.objects += objects;
        tally.bytes += bytes;
        await collector.forgetIfDone(uid);
      });
    }
  }

  async #guarded(tally: Tally, uid: Uid, run: MaintenanceRun, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // What an abort has ended is no failure.
      if (run.signal.aborted) return;
      if (!(error instanceof CairnError)) throw error;
      tally.failures.push({ collection: uid, code: error.code, message: error.message });
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
    failures: [],
  };
}
