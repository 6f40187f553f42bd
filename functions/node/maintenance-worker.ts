/**
 * Maintenance in a thread of its own, so that a compaction, which computes for seconds, holds up no answer: its own runs,
 * and the compactions that the server is asked for. Opens the same store by its URL with a memory of its own; meets the
 * server in the bucket only, like any other process.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import { describeError, toErrorMessage } from './error-message.js';
import type { CompactMessage, MaintenanceSettings, ToParent, ToWorker } from './maintenance-messages.js';

class MaintenanceWorker {
  readonly #settings: MaintenanceSettings;
  readonly #port: MessagePort;
  readonly #tell: (message: ToParent) => void;
  readonly #stop = new AbortController();
  #pause = new AbortController();
  #database: Promise<Database> | undefined;
  /** What fails in every run is told once. */
  #told = new Set<string>();
  readonly #compactions = new Map<number, AbortController>();

  constructor(settings: MaintenanceSettings, port: MessagePort) {
    this.#settings = settings;
    this.#port = port;
    this.#tell = (message) => port.postMessage(message);
    port.on('message', (message: ToWorker) => this.#hear(message));
  }

  /** Runs maintenance at intervals until it is told to stop. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#maintain();
      await sleep(this.#settings.intervalMs, this.#pause.signal);
      this.#pause = new AbortController();
    }
    await this.#database?.then((database) => database.close()).catch(() => {});
    this.#port.close();
  }

  #hear(message: ToWorker): void {
    switch (message.say) {
      case 'compact':
        void this.#compact(message);
        return;
      case 'cancel':
        this.#compactions.get(message.id)?.abort();
        return;
      case 'stop':
        this.#stop.abort();
        this.#pause.abort();
        return;
      case 'due':
        this.#pause.abort();
    }
  }

  async #maintain(): Promise<void> {
    try {
      const database = await this.#opened();
      const { failures } = await database.maintain({ signal: this.#stop.signal, wait: false });
      this.#tellNew(
        failures.map(({ collection, code, message }) => `collection ${collection}: ${code}: ${message}`),
      );
    } catch (error) {
      this.#tellNew([describeError(error)]);
    }
  }

  async #compact({ id, collection, minor }: CompactMessage): Promise<void> {
    const end = new AbortController();
    this.#compactions.set(id, end);
    try {
      const database = await this.#opened();
      const result = await database.collection(collection).compact({ minor, signal: end.signal });
      this.#tell({ say: 'compacted', id, result });
    } catch (error) {
      this.#tell({ say: 'refused', id, error: toErrorMessage(error) });
    } finally {
      this.#compactions.delete(id);
    }
  }

  /** Tried anew by whoever needs it next, where it failed. */
  #opened(): Promise<Database> {
    const { store, options, memoryBudgetBytes } = this.#settings;
    this.#database ??= open(store, { ...options, memoryBudgetBytes, createStore: false }).catch(
      (error: unknown) => {
        this.#database = undefined;
        throw error;
      },
    );
    return this.#database;
  }

  #tellNew(failures: readonly string[]): void {
    for (const failure of failures) if (!this.#told.has(failure)) this.#tell({ say: 'failure', failure });
    this.#told = new Set(failures);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

if (!isMainThread) await new MaintenanceWorker(workerData as MaintenanceSettings, parentPort!).run();
