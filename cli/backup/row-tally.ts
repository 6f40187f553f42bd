/** Counts rows as they are imported, and how many records they must have left, though time goes on. */
import type { PartRow } from './part.js';

export interface RowTallyOptions {
  readonly nowMs: () => number;
  /** False where a soft-deleted record is gone at once. */
  readonly keepsDeleted: boolean;
}

export class RowTally {
  readonly #options: RowTallyOptions;
  #rows = 0;
  #gone = 0;
  #expiring = 0;
  /** Of the expiring ones, those that had expired when they were counted, and when the next one does. */
  #expired = 0;
  #soonestMs = Infinity;

  constructor(options: RowTallyOptions) {
    this.#options = options;
  }

  get rows(): number {
    return this.#rows;
  }

  add({ record, deleted }: PartRow): void {
    this.#rows++;
    if (deleted && !this.#options.keepsDeleted) this.#gone++;
    else if (typeof record.expiresAt === 'string') this.#addExpiring(Date.parse(record.expiresAt));
  }

  #addExpiring(ms: number): void {
    this.#expiring++;
    if (ms > this.#options.nowMs()) this.#soonestMs = Math.min(this.#soonestMs, ms);
    else this.#expired++;
  }

  /** Exact where none has expired since it was added. To be asked after the collection was. */
  leastCount(): number {
    const past = this.#soonestMs > this.#options.nowMs() ? this.#expired : this.#expiring;
    return this.#rows - this.#gone - past;
  }
}
