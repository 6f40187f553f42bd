/**
 * Starts, prods and stops the maintenance thread of a server. A thread that ends by itself, out of memory for one, is
 * started again after a while; a compaction that it had not committed is simply done again.
 */
import { Worker } from 'node:worker_threads';
import { describeMaintenanceFailure } from './maintenance-messages.js';
import type { MaintenanceSettings, ToParent, ToWorker } from './maintenance-messages.js';

export interface MaintenanceThreadOptions extends MaintenanceSettings {
  /** Called with what is worth a line of the server's log. */
  readonly onFailure: (failure: string) => void;
}

/** How long a thread that was told to stop may take before it is ended. */
const STOP_MS = 1_500;
const RESTART_MS = 30_000;

export class MaintenanceThread {
  readonly #options: MaintenanceThreadOptions;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: MaintenanceThreadOptions) {
    this.#options = options;
    this.#start();
  }

  /** A write has left a hint: the next run need not wait for its interval. */
  due(): void {
    this.#tell('due');
  }

  /** Resolves when the thread has ended, after `STOP_MS` at the latest. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#tell('stop');
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #start(): void {
    const { onFailure, store, memoryBudgetBytes, intervalMs } = this.#options;
    const workerData: MaintenanceSettings = { store, memoryBudgetBytes, intervalMs };
    const worker = new Worker(new URL('./maintenance-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    worker.on('message', ({ failure }: ToParent) => onFailure(failure));
    worker.on('error', (error) => onFailure(describeMaintenanceFailure(error)));
    worker.on('exit', () => {
      this.#worker = undefined;
      if (!this.#stopping) this.#restart = setTimeout(() => this.#start(), RESTART_MS);
    });
  }
}
