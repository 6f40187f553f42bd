/** Calls of kernels on one arena by all threads, the caller's own among them. */
import { CairnError } from '../base/errors.js';
import { freeRowLocks, tryCall } from '../kernel/index.js';
import type { Arena, CallScratch, KernelCall, LentArena } from '../kernel/index.js';
import { putCall } from './call-job.js';
import type { HandedJobs, Job } from './handed-jobs.js';
import type { JobSlots } from './job-slots.js';

/** Calls that wait for each thread beside the one that it does. */
const WAITING_EACH = 1;
/** Until the caller looks after others again. */
const WAIT_MS = 2;
/** How long threads may take to end calls of a few milliseconds, whatever else the machine does: one that has died never does. */
const TAKE_BACK_MS = 10_000;

export interface CallsHost {
  readonly slots: JobSlots;
  readonly handed: HandedJobs;
  /** Threads that are alive. */
  readonly alive: () => number;
  /** The threads know the arena by this number. */
  readonly arena: number;
  readonly forget: () => void;
}

export class SharedCalls implements LentArena {
  readonly #host: CallsHost;
  readonly #arena: Arena;
  readonly #scratch: CallScratch;
  readonly #underWay = new Set<CallJob>();
  #lost = false;

  constructor(host: CallsHost, arena: Arena, scratch: CallScratch) {
    this.#host = host;
    this.#arena = arena;
    this.#scratch = scratch;
  }

  *all(calls: readonly KernelCall[]): Generator<void> {
    const { handed } = this.#host;
    const left = [...calls];
    let next = 0;
    while (next < left.length || this.#underWay.size > 0) {
      handed.collect();
      if (this.#lost) throw threadLost();
      next = this.#handOver(left, next);
      const own = left[next] ?? this.#tryTakeOneBack();
      if (own !== undefined) {
        if (next < left.length) next++;
        if (!tryCall(this.#arena, own, this.#scratch.at)) left.push(own);
      } else {
        const [job] = this.#underWay;
        if (job !== undefined) handed.wait(job.slot, WAIT_MS);
        handed.collect();
        if (this.#underWay.size === 0) continue;
      }
      yield;
    }
    if (this.#lost) throw threadLost();
  }

  takeBack(): boolean {
    const { handed, forget } = this.#host;
    while (this.#tryTakeOneBack() !== undefined);
    // Of a thread that is gone another one may hope for its lock. What they build is no more.
    freeRowLocks(this.#arena);
    let leftMs = TAKE_BACK_MS;
    for (const { slot } of this.#underWay) {
      for (; leftMs > 0 && handed.isBegun(slot); leftMs -= WAIT_MS) handed.wait(slot, WAIT_MS);
    }
    handed.collect();
    forget();
    return this.#underWay.size === 0;
  }

  /** As many as the threads have to do for a while; answers which is next. */
  #handOver(calls: readonly KernelCall[], first: number): number {
    const { slots, handed, arena, alive } = this.#host;
    const room = alive() * (1 + WAITING_EACH);
    let next = first;
    while (next < calls.length - 1 && this.#underWay.size < room) {
      const slot = handed.freeSlot();
      if (slot === undefined) break;
      const call = calls[next++]!;
      const job = new CallJob(call, slot, (ended, done) => {
        this.#underWay.delete(ended);
        if (!done) this.#lost = true;
      });
      putCall(slots.slots[slot]!, arena, call);
      this.#underWay.add(job);
      handed.hand(slot, job);
    }
    if (next > first) slots.signal(next - first);
    return next;
  }

  #tryTakeOneBack(): KernelCall | undefined {
    for (const job of this.#underWay) {
      if (!this.#host.handed.tryTakeBack(job.slot)) continue;
      this.#underWay.delete(job);
      return job.call;
    }
    return undefined;
  }
}

class CallJob implements Job {
  readonly call: KernelCall;
  readonly slot: number;
  readonly #tell: (job: CallJob, done: boolean) => void;

  constructor(call: KernelCall, slot: number, tell: (job: CallJob, done: boolean) => void) {
    this.call = call;
    this.slot = slot;
    this.#tell = tell;
  }

  ended(_: unknown, done: boolean): void {
    this.#tell(this, done);
  }

  lost(): void {
    this.#tell(this, false);
  }
}

function threadLost(): CairnError {
  const message = 'a thread that built an index has ended: the next compaction builds it anew';
  return new CairnError('unavailable', 'thread_lost', message, { retryAfterS: 1 });
}
