/**
 * The compactions of one open collection in this process. Whole ones run one after another: of two at once the second
 * would find its inputs taken, and answer before the work is done. A minor fold waits for nobody, as it keeps the log
 * short while segments are merged. One that is under way when a whole compaction is asked for is called off: it would write
 * rows that the other has to read again, to write them anew.
 */
import { limits } from '../base/limits.js';
import type { Tier, Work } from '../base/limits.js';
import type { Kernel } from '../kernel/index.js';
import type { CollectionLog } from '../log/index.js';
import { compactOnce, mustGoOn } from './compaction/index.js';
import type { Cancellation, CompactionResult } from './compaction/index.js';
import type { CompactResult } from './interface/index.js';
import type { SegmentStore } from './segments/index.js';
import type { Table } from './table/index.js';
import type { WorkBudget } from './work-budget.js';

export interface CompactionsOptions {
  readonly log: CollectionLog<Table>;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  /** Of this process. */
  readonly handler: Tier;
  /** Off where a promise must not cross requests (Workers): there nothing waits for another request's compaction. */
  readonly shareRequests: boolean;
  /** Whether other calls wait for this process. */
  readonly waitedFor: () => boolean;
}

type Total = { -readonly [K in keyof CompactionResult]: CompactionResult[K] };

export class Compactions {
  readonly #options: CompactionsOptions;
  /** The last whole one that was asked for. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** The minor folds under way. Never rejects. */
  #folding: Promise<unknown> = Promise.resolve();
  /** Of the minor folds begun since the last whole compaction began. */
  #foldsEnd = { aborted: false };
  #foldsBegun = 0;

  constructor(options: CompactionsOptions) {
    this.#options = options;
  }

  /** One job after another until there is no more work, or none that fits the budget. Throws what a job throws; the jobs before it stand. */
  async all(signal: Cancellation, budget?: WorkBudget): Promise<CompactResult> {
    if (!this.#options.shareRequests) return await this.#all(signal, budget);
    const result = this.#last.then(() => this.#all(signal, budget));
    this.#last = result.catch(() => {});
    return await result;
  }

  /** The log alone, into a segment without a graph. */
  async fold(signal: Cancellation): Promise<CompactResult> {
    const superseded = this.#foldsEnd;
    const ended: Cancellation = {
      get aborted() {
        return signal.aborted || superseded.aborted;
      },
    };
    const result = compactOnce({ ...this.#jobOptions(ended), flat: true });
    if (this.#options.shareRequests) {
      this.#foldsBegun++;
      this.#folding = Promise.allSettled([this.#folding, result]);
    }
    return await result;
  }

  /** Who asked for a compaction wants to query what came of it, wherever it was done. */
  async adopt(): Promise<void> {
    const { log } = this.#options;
    await log.read('strong', () => {});
    await log.settle();
  }

  async #all(signal: Cancellation, budget: WorkBudget | undefined): Promise<CompactResult> {
    if (this.#options.shareRequests) {
      this.#foldsEnd.aborted = true;
      this.#foldsEnd = { aborted: false };
    }
    let total: Total | undefined;
    for (let round = 0; round < limits.compactionJobs; round++) {
      await this.#folding;
      mustGoOn(signal);
      const folds = this.#foldsBegun;
      const tryBegin = budget && ((job: Work): boolean => budget.tryBegin(job));
      const done = await compactOnce({ ...this.#jobOptions(signal), tryBegin });
      total = total === undefined ? done : add(total, done);
      const idle = done.foldedSlots === 0 && done.segmentsMerged === 0;
      if (done.more || (idle && folds === this.#foldsBegun)) return total;
    }
    return { ...total!, more: true };
  }

  #jobOptions(signal: Cancellation): Parameters<typeof compactOnce>[0] {
    const { log, kernel, segments, handler, waitedFor } = this.#options;
    return { log, kernel, segments, handler, waitedFor, signal };
  }
}

function add(total: Total, done: CompactionResult): Total {
  return {
    foldedSlots: total.foldedSlots + done.foldedSlots,
    segmentsWritten: total.segmentsWritten + done.segmentsWritten,
    segmentsMerged: total.segmentsMerged + done.segmentsMerged,
    rowsIn: total.rowsIn + done.rowsIn,
    rowsWritten: total.rowsWritten + done.rowsWritten,
    rowsDropped: total.rowsDropped + done.rowsDropped,
    bytesWritten: total.bytesWritten + done.bytesWritten,
    sequence: done.sequence,
    more: done.more,
    tooLarge: done.tooLarge,
  };
}
