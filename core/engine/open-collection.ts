/**
 * The collections that a process has open: name to uid to log, found once and kept until the collection turns out to be
 * gone.
 */
import { withAnySignal } from '../base/any-signal.js';
import type { Endable } from '../base/end-signal.js';
import { CairnError, hasCode } from '../base/errors.js';
import type { Uid } from '../base/ids.js';
import { limits, tierLimits } from '../base/limits.js';
import type { Tier } from '../base/limits.js';
import type { Ports } from '../base/ports.js';
import { SpareMemory } from '../base/spare-memory.js';
import type { Kernel } from '../kernel/index.js';
import { CollectionLog, Committer, trySegmentObject } from '../log/index.js';
import type { LogState } from '../log/index.js';
import { accountingStore } from '../store/index.js';
import type { AccountingStore, ObjectStore, StoreUsage } from '../store/index.js';
import type { Calls } from './calls.js';
import type { Catalog } from './catalog.js';
import type { Cancellation } from './compaction/index.js';
import { Compactions } from './compactions.js';
import type { CompactionRequest, Compactor, CompactResult } from './interface/index.js';
import type { SegmentStore } from './segments/index.js';
import { MinorFolds } from './minor-folds.js';
import { Table } from './table/index.js';
import { WorkBudget } from './work-budget.js';
import { WorkHints } from './work-hints.js';

export interface OpenCollection {
  readonly uid: Uid;
  readonly store: AccountingStore;
  readonly log: CollectionLog<Table>;
  readonly committer: Committer<Table>;
  /** To be told after each commit. */
  readonly hints: WorkHints;
  readonly folds: MinorFolds;
  readonly compactions: Compactions;
}

export interface YoungCollection {
  readonly collection: OpenCollection;
  readonly state: LogState<Table>;
}

export interface WantedCompaction {
  /** The log alone. */
  readonly minor: boolean;
  readonly signal: AbortSignal | undefined;
  /** What the run that asks for it has left. Default: on the edge tier that of one invocation, elsewhere none. */
  readonly budget?: WorkBudget;
}

export interface OpenCollectionsOptions {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  /** Of all requests of the database so far. */
  readonly usage: () => StoreUsage;
  readonly ports: Ports;
  readonly kernel: Kernel;
  readonly segments: SegmentStore;
  /** Of this process. */
  readonly handler: Tier;
  /** Let requests of this process share reads and slots. Off where a promise must not cross requests (Workers). */
  readonly shareRequests: boolean;
  /** Whether what a call leaves behind goes on when it is answered. Where a host freezes or ends that, the call waits. */
  readonly background: boolean;
  readonly calls: Calls;
  /** Aborted when closing begins. */
  readonly closing: Endable;
  /** Compacts in this process's stead. */
  readonly compactor?: Compactor | undefined;
  /** A write has left a hint that there is work for maintenance. */
  readonly onWorkDue?: (() => void) | undefined;
}

export class OpenCollections {
  readonly #options: OpenCollectionsOptions;
  readonly #open = new Map<string, OpenCollection>();
  /** The one used last. */
  #newest: OpenCollection | undefined;
  /** For large writes. None where requests share nothing: that is where memory is scarce. */
  readonly spare: SpareMemory;

  constructor(options: OpenCollectionsOptions) {
    this.#options = options;
    options.segments.residency.askBefore(() => this.#loaded() > 1);
    this.spare = new SpareMemory(options.shareRequests ? limits.spareMemoryBytes : 0);
  }

  get catalog(): Catalog {
    return this.#options.catalog;
  }

  get segments(): SegmentStore {
    return this.#options.segments;
  }

  /** Runs a call that closing waits for. Throws `unavailable` (`closed`). */
  run<T>(call: () => Promise<T>): Promise<T> {
    return this.#options.calls.run(call);
  }

  /**
   * Runs `use` on the collection that `name` stands for. Where it proves to be gone, the name is resolved once more: it
   * may have been made anew. Where memory is short, the collections used longest ago give theirs up, one after another.
   * Throws `not_found` (`collection_not_found`). Requires: within `run`.
   */
  async use<T>(name: string, use: (collection: OpenCollection) => Promise<T>): Promise<T> {
    let resolved = 0;
    for (;;) {
      const collection = await this.#resolve(name);
      if (collection === undefined || resolved > 1) throw collectionNotFound(name);
      try {
        return await use(collection);
      } catch (error) {
        if (hasCode(error, 'collection_gone')) {
          this.forget(name, collection.uid);
          resolved++;
        } else if (!hasCode(error, 'memory_budget_exceeded') || !this.#makeRoom(collection)) {
          throw error;
        }
      }
    }
  }

  /**
   * What is open under the name with a state that an `eventual` read takes as it is, in this step. Undefined once closing has
   * begun.
   */
  tryYoung(name: string): YoungCollection | undefined {
    const collection = this.#options.calls.closing ? undefined : this.#tryUse(name);
    const state = collection?.log.tryYoung();
    return collection === undefined || state === undefined ? undefined : { collection, state };
  }

  /** What is open under the name, without a look at the store: it may be gone. */
  peek(name: string): OpenCollection | undefined {
    return this.#open.get(name);
  }

  /** Here, or where compactions are done for this process. Closing ends it, and waits for that. */
  async compact(name: string, wanted: WantedCompaction): Promise<CompactResult> {
    return await this.#options.calls.runLong(() => this.#compact(name, wanted));
  }

  async #compact(name: string, { minor, signal, budget }: WantedCompaction): Promise<CompactResult> {
    if (this.#options.compactor !== undefined) {
      // Outside of `use`: room that is short elsewhere is not made here.
      const done = await this.#compactElsewhere({ collection: name, minor }, signal);
      budget?.chargeWritten(done.bytesWritten);
      const known = this.peek(name);
      // It is done, whatever this process makes of it: the next read tells what is wrong.
      if (known?.log.state !== undefined) await known.compactions.adopt().catch(() => {});
      return done;
    }
    return await this.use(name, async ({ compactions }) => {
      const end = this.#closingOr(signal);
      const done = minor
        ? await compactions.fold(end)
        : await compactions.all(end, budget ?? this.#ownBudget());
      await compactions.adopt();
      return done;
    });
  }

  #ownBudget(): WorkBudget | undefined {
    const { handler, usage } = this.#options;
    return handler === 'edge' ? new WorkBudget(tierLimits.edge.run, usage) : undefined;
  }

  async #compactElsewhere(
    wanted: Omit<CompactionRequest, 'signal'>,
    signal?: AbortSignal,
  ): Promise<CompactResult> {
    const { compactor, closing } = this.#options;
    return await withAnySignal([closing, signal], (end) => compactor!({ ...wanted, signal: end }));
  }

  /** A writer's: here too, where it failed elsewhere, because without it the log ends at its limit. */
  async #minorFold(name: string, compactions: Compactions): Promise<void> {
    if (this.#options.compactor !== undefined) {
      try {
        await this.#compactElsewhere({ collection: name, minor: true });
        return;
      } catch (error) {
        if (hasCode(error, 'compaction_cancelled')) return;
      }
    }
    await compactions.fold(this.#closingOr(undefined));
  }

  #closingOr(signal: AbortSignal | undefined): Cancellation {
    const { calls } = this.#options;
    return {
      get aborted(): boolean {
        return calls.closing || signal?.aborted === true;
      },
    };
  }

  /** An index is read again for what it weighs; a collection's log costs a request per slot. */
  #makeRoom(wanted: OpenCollection): boolean {
    return this.#options.segments.residency.evictOldest() || this.#unloadOldest(wanted);
  }

  /** Collections of which the log is in memory. */
  #loaded(): number {
    let count = 0;
    for (const { log } of this.#open.values()) if (log.state !== undefined) count++;
    return count;
  }

  /** Frees the memory of one other collection. False where none has any. */
  #unloadOldest(wanted: OpenCollection): boolean {
    for (const collection of this.#open.values()) {
      if (collection === wanted || collection.log.state === undefined) continue;
      collection.log.unload();
      return true;
    }
    return false;
  }

  forget(name: string, uid: Uid): void {
    const collection = this.#open.get(name);
    if (collection?.uid !== uid) return;
    this.#open.delete(name);
    collection.log.release();
  }

  /** Waits for writes whose callers have given up, then frees all memory. Requires: no call under way. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#open.values()].map(({ committer, folds }) => Promise.all([committer.idle(), folds.settle()])),
    );
    await this.#options.segments.warmth.end();
    const logs = [...this.#open.values()].map(({ log }) => log);
    for (const log of logs) log.release();
    await Promise.all(logs.map((log) => log.settle()));
    this.#open.clear();
    this.#options.segments.close();
  }

  async #resolve(name: string): Promise<OpenCollection | undefined> {
    const known = this.#tryUse(name);
    if (known !== undefined) return known;
    const uid = await this.#options.catalog.find(name);
    if (uid === undefined) return undefined;
    // Whoever was first counts, also with another uid: the older of the two is found out when it is used, and a log that
    // was pushed out of the map would keep its memory for ever.
    const meanwhile = this.#open.get(name);
    if (meanwhile !== undefined) return meanwhile;
    const collection = this.#make(name, uid);
    this.#open.set(name, collection);
    this.#newest = collection;
    return collection;
  }

  /** What is open under the name, as the one that was used last. */
  #tryUse(name: string): OpenCollection | undefined {
    const known = this.#open.get(name);
    // Of the one used last: it is at its place in the order.
    if (known === undefined || known === this.#newest) return known;
    // A map walks in the order of insertion: the first is the one used longest ago.
    this.#open.delete(name);
    this.#open.set(name, known);
    this.#newest = known;
    return known;
  }

  #make(name: string, uid: Uid): OpenCollection {
    const { ports, kernel, segments, handler, shareRequests, background } = this.#options;
    const store = accountingStore(this.#options.store, (key) => trySegmentObject(key) !== undefined);
    const log = new CollectionLog<Table>({
      context: { store, ports, uid },
      newSink: (head) => new Table({ kernel, segments, store, head }),
      shareReads: shareRequests,
    });
    const committer = new Committer({ log, groupCommit: shareRequests, spare: this.spare });
    const hints = new WorkHints({
      // Not counted as the collection's own requests.
      store: this.#options.store,
      ports,
      uid,
      onDue: this.#options.onWorkDue,
      beside: background,
    });
    const compactions = new Compactions({
      log,
      kernel,
      segments,
      handler,
      shareRequests,
      waitedFor: () => this.#options.calls.waitedFor,
    });
    const folds = new MinorFolds({
      log,
      handler,
      fold: () => this.#minorFold(name, compactions),
      closing: this.#closingOr(undefined),
      beside: background,
    });
    return { uid, store, log, committer, hints, folds, compactions };
  }
}

function collectionNotFound(name: string): CairnError {
  return new CairnError('not_found', 'collection_not_found', `there is no collection ${name}`, {
    details: { collection: name },
  });
}
