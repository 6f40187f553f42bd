/** Jobs that the caller has handed over, by slot, until it has heard how they ended. */
import { CALLER_WAITS, DONE, FAILED, FREE, READY, SLOTS, TAKEN } from './job-slots.js';
import type { JobSlots, Slot } from './job-slots.js';

export interface Job {
  /** A thread has done it, or could not. Called once. */
  readonly ended: (slot: Slot, done: boolean) => void;
  /** Its thread has ended in the middle of it. Called once, in the place of the other. */
  readonly lost: () => void;
}

export class HandedJobs {
  readonly #slots: JobSlots;
  readonly #jobs: (Job | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #count = 0;

  constructor(slots: JobSlots) {
    this.#slots = slots;
  }

  /** With the threads, begun or not. */
  get count(): number {
    return this.#count;
  }

  *[Symbol.iterator](): Generator<readonly [number, Job]> {
    for (let slot = 0; slot < SLOTS; slot++) {
      const job = this.#jobs[slot];
      if (job !== undefined) yield [slot, job];
    }
  }

  /** The first that is free. */
  freeSlot(): number | undefined {
    const slot = this.#count === SLOTS ? -1 : this.#jobs.indexOf(undefined);
    return slot < 0 ? undefined : slot;
  }

  /** Requires: the slot is free, and holds what the job says. */
  hand(slot: number, job: Job): void {
    this.#jobs[slot] = job;
    this.#count++;
    this.#slots.put(slot, READY);
  }

  /** Hears what has ended, and answers how many. */
  collect(): number {
    let ended = 0;
    for (let slot = 0; slot < SLOTS && this.#count > 0; slot++) {
      const job = this.#jobs[slot];
      if (job === undefined) continue;
      const state = this.#slots.state(slot);
      if (state !== DONE && state !== FAILED) continue;
      // The slot is free once the job has looked at it.
      this.#jobs[slot] = undefined;
      this.#count--;
      job.ended(this.#slots.slots[slot]!, state === DONE);
      this.#slots.put(slot, FREE);
      ended++;
    }
    return ended;
  }

  /** Whether no thread has begun it: none will. */
  tryTakeBack(slot: number): boolean {
    if (!this.#slots.tryChange(slot, READY, FREE)) return false;
    this.#jobs[slot] = undefined;
    this.#count--;
    return true;
  }

  /** Waits until a job that a thread has begun has ended, or for so long. */
  wait(slot: number, ms: number): void {
    const state = this.#slots.state(slot);
    if (state >= TAKEN) this.#slots.wait(slot, state, ms);
  }

  isBegun(slot: number): boolean {
    return this.#slots.state(slot) >= TAKEN;
  }

  /** From now on the next job that ends wakes the caller. */
  askToBeWoken(): void {
    Atomics.store(this.#slots.words, CALLER_WAITS, 1);
  }

  /** What the thread had begun is lost. */
  threadEnded(thread: number): void {
    for (const [slot, job] of this) {
      if (!this.#slots.tryChange(slot, TAKEN + thread, FREE)) continue;
      this.#jobs[slot] = undefined;
      this.#count--;
      job.lost();
    }
  }
}
