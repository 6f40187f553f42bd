/**
 * The fold that a writer asks for where no compactor came in time: the log alone into a segment without a graph. It keeps
 * the log within what memory holds and a cold open bears.
 */
import type { Tier } from '../base/limits.js';
import type { CollectionLog } from '../log/index.js';
import { wantsMinorFold } from './compaction/index.js';
import type { Cancellation } from './compaction/index.js';
import type { Table } from './table/index.js';

export interface MinorFoldsOptions {
  readonly log: CollectionLog<Table>;
  /** Of this process: one that holds less folds a log earlier than its collection asks for. */
  readonly handler: Tier;
  readonly fold: () => Promise<unknown>;
  /** Folding is given up where the database closes: the next writer does it. */
  readonly closing: Cancellation;
  /** Fold beside the writes. Off where what an answered request leaves behind is frozen or ended: there the write that finds it due waits. */
  readonly beside: boolean;
}

export class MinorFolds {
  readonly #options: MinorFoldsOptions;
  #running: Promise<void> | undefined;

  constructor(options: MinorFoldsOptions) {
    this.#options = options;
  }

  /** After a commit. Never fails: a write that stands must not end in an error of a fold. */
  async foldWhenDue(): Promise<void> {
    if (!this.#isDue()) return;
    if (!this.#options.beside) {
      await this.#fold();
      return;
    }
    this.#running ??= this.#fold().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when no fold is under way. */
  async settle(): Promise<void> {
    await this.#running;
  }

  #isDue(): boolean {
    const { state } = this.#options.log;
    if (state === undefined || this.#options.closing.aborted) return false;
    const { schema, segments, jobs } = state.head.head;
    // A fold that is under way somewhere makes another one useless.
    if (jobs.some(({ fold }) => fold !== undefined)) return false;
    const tier = this.#options.handler === 'edge' ? 'edge' : schema.tier;
    return wantsMinorFold({ tier, ...state.unfolded }, segments.length);
  }

  async #fold(): Promise<void> {
    try {
      await this.#options.fold();
    } catch {
      // Whatever was in the way: the next write finds the log as long, and the log's own limit holds writers back.
    }
  }
}
