/**
 * What one invocation may still do, in work: numbers that are put into indexes, bytes that are moved, requests. It is asked before
 * a job is begun, so that none begins that cannot end.
 *
 * Bytes and requests are those of the store whoever makes them: what runs beside counts too, which ends a run early and never late.
 */
import { limits } from '../base/limits.js';
import type { Work } from '../base/limits.js';
import { usageBetween } from '../store/index.js';
import type { StoreUsage } from '../store/index.js';

/** Of the requests: a run that has made no more, and begun no job, has all before it. */
const BEGINNING = 1 / 8;

export class WorkBudget {
  readonly #most: Work;
  readonly #usage: () => StoreUsage;
  readonly #before: StoreUsage;
  #numbers = 0;
  #jobs = 0;

  constructor(most: Work, usage: () => StoreUsage) {
    this.#most = most;
    this.#usage = usage;
    this.#before = usage();
  }

  get done(): Work {
    const { requests, bytesRead, bytesWritten, keysListed } = usageBetween(this.#before, this.#usage());
    // What the store makes of one call: parts of uploads, pages of lists.
    const more = bytesWritten / limits.uploadPartBytes + keysListed / limits.listPageKeys;
    return {
      numbers: this.#numbers,
      bytes: bytesRead + bytesWritten,
      requests: requests + Math.ceil(more),
    };
  }

  /** No job fits any more, however small. */
  get isSpent(): boolean {
    const { numbers, bytes, requests } = this.#most;
    const { done } = this;
    return done.numbers >= numbers || done.bytes >= bytes || done.requests >= requests;
  }

  /** Too few requests are left even to look for work. */
  get mayLook(): boolean {
    return this.done.requests < this.#most.requests;
  }

  /** Whether a job that takes so much may begin: then it has. The first of all may, whatever it takes. */
  tryBegin(job: Work): boolean {
    const { done } = this;
    const first = this.#jobs === 0 && done.requests <= this.#most.requests * BEGINNING;
    const fits =
      done.numbers + job.numbers <= this.#most.numbers &&
      done.bytes + job.bytes <= this.#most.bytes &&
      done.requests + job.requests <= this.#most.requests;
    if (!first && !fits) return false;
    this.#begun(job.numbers);
    return true;
  }

  /** Of a compaction that was done elsewhere, of which no more is known. */
  chargeWritten(bytes: number): void {
    // Of each number the vector and a code.
    this.#begun(bytes / 5);
  }

  #begun(numbers: number): void {
    this.#jobs += 1;
    this.#numbers += numbers;
  }
}
