/** A search that a thread may do, or the caller: whoever begins it first, once. */
import type { BegunSearch, Candidates, IndexSearch } from '../engine/index.js';
import type { Job } from './handed-jobs.js';
import type { Slot } from './job-slots.js';
import { getCandidates } from './search-job.js';

/** The index that is searched, which stays where it is while a search of it is with a thread. */
export interface HeldIndex {
  readonly number: number;
  handed(): void;
  back(): void;
}

export interface SearchWays {
  readonly wanted: IndexSearch;
  readonly here: () => Candidates;
  /** Ensures: it has ended. */
  readonly take: (search: PoolSearch) => void;
  /** Whether the thread that has this slot is at it. */
  readonly isBegun: (slot: number) => boolean;
}

export class PoolSearch implements BegunSearch, Job {
  readonly index: HeldIndex;
  readonly wanted: IndexSearch;
  readonly #ways: SearchWays;
  #slot: number | undefined;
  #found: Candidates | undefined;
  #failed: { readonly error: unknown } | undefined;

  constructor(index: HeldIndex, ways: SearchWays) {
    this.index = index;
    this.wanted = ways.wanted;
    this.#ways = ways;
  }

  /** Undefined: no thread has it. */
  get slot(): number | undefined {
    return this.#slot;
  }

  /** A thread is at it. */
  get isBegun(): boolean {
    return this.#slot !== undefined && this.#ways.isBegun(this.#slot);
  }

  get hasEnded(): boolean {
    return this.#found !== undefined || this.#failed !== undefined;
  }

  candidates(): Candidates {
    if (!this.hasEnded) this.#ways.take(this);
    if (this.#failed !== undefined) throw this.#failed.error;
    return this.#found!;
  }

  handed(slot: number): void {
    this.#slot = slot;
    this.index.handed();
  }

  takenBack(): void {
    this.#slot = undefined;
    this.index.back();
  }

  ended(slot: Slot, done: boolean): void {
    // What failed there tells here why.
    if (!done) this.runHere();
    else if (!this.hasEnded) this.#found = getCandidates(slot);
    this.takenBack();
  }

  /** Here and now: the index may leave as soon as no thread has it. */
  lost(): void {
    this.runHere();
    this.takenBack();
  }

  runHere(): void {
    if (this.hasEnded) return;
    try {
      this.#found = this.#ways.here();
    } catch (error) {
      this.#failed = { error };
    }
  }
}
