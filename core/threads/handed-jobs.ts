/** Jobs that the caller has handed over, by slot, until it has heard how they ended. */
import { DONE, FAILED, FREE, READY, SLOTS, TAKEN } from './job-slots.js';
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
  /** Slots are filled one after another, so that what was handed over first is done first. */
  #next = 0;

  constructor(slots: JobSlots) {
    this.#slots = slots;
  }

  /** With the threads, begun or not. */
  get count(): number {
    return this.#count;
  }

  at(slot: number): Job | undefined {
    return this.#jobs[slot];
  }

  *[Symbol.iterator](): Generator<readonly [number, Job]> {
    for (let slot = 0; slot < SLOTS; slot++) {
      const job = this.#jobs[slot];
      if (job !== undefined) yield [slot, job];
    }
  }

  /** The next that is free. */
  freeSlot(): number | undefined {
    for (let look = 0; look < SLOTS; look++) {
      const slot = (this.#next + look) % SLOTS;
      if (this.#jobs[slot] === undefined) return slot;
    }
    return undefined;
  }

  /** Requires: the slot is free, and holds what the job says. */
  hand(slot: number, job: Job): void {
    this.#jobs[slot] = job;
    this.#count++;
    this.#next = (slot + 1) % SLOTS;
    this.#slots.put(slot, READY);
  }

  /** Hears what has ended, and answers how many. */
  collect(): number {
    let ended = 0;
    for (let slot = 0; slot < SLOTS && this.#count > 0; slot++) if (this.tryCollect(slot)) ended++;
    return ended;
  }

  /** Hears whether this one has ended. */
  tryCollect(slot: number): boolean {
    const job = this.#jobs[slot];
    if (job === undefined) return false;
    const state = this.#slots.state(slot);
    if (state !== DONE && state !== FAILED) return false;
    // The slot is free once the job has looked at it.
    this.#leave(slot);
    job.ended(this.#slots.slots[slot]!, state === DONE);
    this.#slots.put(slot, FREE);
    return true;
  }

  /** Whether no thread has begun it: none will. */
  tryTakeBack(slot: number): boolean {
    if (!this.#slots.tryChange(slot, READY, FREE)) return false;
    this.#leave(slot);
    return true;
  }

  /** The slot of what was handed over last, of those jobs that no thread has begun. */
  newestWaiting(): number | undefined {
    for (let back = 1; back <= SLOTS; back++) {
      const slot = (this.#next + SLOTS - back) % SLOTS;
      if (this.#jobs[slot] !== undefined && this.#slots.state(slot) === READY) return slot;
    }
    return undefined;
  }

  /** Waits until a job that a thread has begun has ended, or for so long. */
  wait(slot: number, ms: number): void {
    const state = this.#slots.state(slot);
    if (state >= TAKEN) this.#slots.wait(slot, state, ms);
  }

  isBegun(slot: number): boolean {
    return this.#slots.state(slot) >= TAKEN;
  }

  /** What the thread had begun is lost. */
  threadEnded(thread: number): void {
    for (const [slot, job] of this) {
      if (!this.#slots.tryChange(slot, TAKEN + thread, FREE)) continue;
      this.#leave(slot);
      job.lost();
    }
  }

  #leave(slot: number): void {
    this.#jobs[slot] = undefined;
    this.#count--;
  }
}
