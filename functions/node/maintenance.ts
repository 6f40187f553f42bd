/**
 * Starts, asks, prods and stops the maintenance thread of a server. A thread that ends by itself, out of memory for one, is
 * started again after a while, or at once where a compaction is asked for; what it had not committed is simply done again.
 */
import { Worker } from 'node:worker_threads';
import { CairnError } from '../../core/base/errors.js';
import type { CompactionRequest, CompactResult } from '../../core/index.js';
import { describeError, fromErrorMessage } from './error-message.js';
import type { MaintenanceSettings, ToParent, ToWorker } from './maintenance-messages.js';

export interface MaintenanceThreadOptions extends MaintenanceSettings {
  /** Called with what is worth a line of the server's log. */
  readonly onFailure: (failure: string) => void;
  /** How long after its end a thread is started again. Default 30,000. */
  readonly restartMs?: number;
  /** Makes the thread. Default: one that runs `maintenance-worker.js`. */
  readonly newWorker?: (workerData: MaintenanceSettings) => Worker;
}

interface PendingCompaction {
  readonly resolve: (result: CompactResult) => void;
  readonly reject: (error: CairnError) => void;
}

/** How long a thread that was told to stop may take before it is ended. */
const STOP_MS = 1_500;
const RESTART_MS = 30_000;

export class MaintenanceThread {
  readonly #options: MaintenanceThreadOptions;
  readonly #compactions = new Map<number, PendingCompaction>();
  #lastId = 0;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: MaintenanceThreadOptions) {
    this.#options = options;
  }

  /** Starts the thread, unless it runs. */
  start(): void {
    if (this.#worker !== undefined || this.#stopping) return;
    clearTimeout(this.#restart);
    const { onFailure, newWorker = defaultWorker } = this.#options;
    const { store, options, memoryBudgetBytes, intervalMs } = this.#options;
    const worker = newWorker({ store, options, memoryBudgetBytes, intervalMs });
    this.#worker = worker;
    worker.on('message', (message: ToParent) => this.#hear(message));
    worker.on('error', (error) => onFailure(describeError(error)));
    worker.on('exit', (code) => this.#ended(code));
  }

  /** A write has left a hint: the next run need not wait for its interval. */
  due(): void {
    this.#tell({ say: 'due' });
  }

  /** Has the thread compact a collection: a `Compactor`. Throws `compactor_lost` where the thread ends meanwhile. */
  async compact({ collection, minor, signal }: CompactionRequest): Promise<CompactResult> {
    if (this.#stopping || signal.aborted) throw cancelled();
    this.start();
    const id = ++this.#lastId;
    const cancel = (): void => this.#tell({ say: 'cancel', id });
    signal.addEventListener('abort', cancel);
    try {
      return await new Promise<CompactResult>((resolve, reject) => {
        this.#compactions.set(id, { resolve, reject });
        this.#tell({ say: 'compact', id, collection, minor });
      });
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#compactions.delete(id);
    }
  }

  /** Resolves when the thread has ended, after `STOP_MS` at the latest. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#tell({ say: 'stop' });
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: ToParent): void {
    if (message.say === 'failure') {
      this.#options.onFailure(message.failure);
      return;
    }
    const pending = this.#compactions.get(message.id);
    if (message.say === 'compacted') pending?.resolve(message.result);
    else pending?.reject(fromErrorMessage(message.error));
  }

  #ended(code: number): void {
    this.#worker = undefined;
    for (const { reject } of this.#compactions.values()) reject(this.#stopping ? cancelled() : lost());
    if (this.#stopping) return;
    const { onFailure, restartMs = RESTART_MS } = this.#options;
    onFailure(`the maintenance thread has ended with exit code ${code}, and is started again`);
    this.#restart = setTimeout(() => this.start(), restartMs);
  }
}

function defaultWorker(workerData: MaintenanceSettings): Worker {
  return new Worker(new URL('./maintenance-worker.js', import.meta.url), { workerData });
}

function cancelled(): CairnError {
  return new CairnError('unavailable', 'compaction_cancelled', 'the compaction was called off');
}

function lost(): CairnError {
  const message =
    'the thread that compacted has ended: what it had not committed is done again by the next compaction';
  return new CairnError('unavailable', 'compactor_lost', message, { outcome: 'unknown', retryAfterS: 1 });
}
