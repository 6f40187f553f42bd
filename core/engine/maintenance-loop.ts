/**
 * Maintenance at intervals, until the database is closed. A run that failed is nobody's call: the next one is made after
 * the same interval, and finds the same work.
 */
import type { Sleep } from '../base/ports.js';

export interface MaintenanceLoopOptions {
  readonly run: (signal: AbortSignal) => Promise<unknown>;
  readonly sleep: Sleep;
  readonly intervalMs: number;
}

/** How long an ending waits for a run that was told to stop. */
const STOP_MS = 1_000;

export class MaintenanceLoop {
  readonly #options: MaintenanceLoopOptions;
  readonly #end = new AbortController();
  #pause = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: MaintenanceLoopOptions) {
    this.#options = options;
    this.#running = this.#loop();
  }

  /** Makes the next run now, or right after the one under way. */
  wake(): void {
    this.#pause.abort();
  }

  /** Tells a run under way to stop, and waits for that, not for the run's whole work. */
  async end(): Promise<void> {
    this.#end.abort();
    this.#pause.abort();
    const stopped = new AbortController();
    const settled = this.#running.then(() => stopped.abort());
    await Promise.race([settled, this.#options.sleep(STOP_MS, stopped.signal)]);
  }

  async #loop(): Promise<void> {
    const { run, sleep, intervalMs } = this.#options;
    for (;;) {
      await sleep(intervalMs, this.#pause.signal);
      if (this.#end.signal.aborted) return;
      this.#pause = new AbortController();
      await run(this.#end.signal).catch(() => {});
      if (this.#end.signal.aborted) return;
    }
  }
}
