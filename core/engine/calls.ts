/**
 * The calls that a database has under way, so that closing it can refuse new ones and wait for these.
 */
import { CairnError } from '../base/errors.js';

export class Calls {
  readonly #running = new Set<Promise<unknown>>();
  #waiting = 0;
  #closed = false;

  /** Whether closing has begun: then work that can be done again is given up. */
  get closing(): boolean {
    return this.#closed;
  }

  /** Whether somebody waits for an answer that is no matter of minutes: then what computes for long gives way. */
  get waitedFor(): boolean {
    return this.#waiting > 0;
  }

  /** Throws `unavailable` (`closed`). */
  mustBeOpen(): void {
    if (this.#closed) throw new CairnError('unavailable', 'closed', 'the database was closed');
  }

  /** Runs a call that `close` is to wait for. Throws `unavailable` (`closed`). */
  run<T>(call: () => Promise<T>): Promise<T> {
    this.mustBeOpen();
    const running = call();
    this.#waiting++;
    this.#running.add(running);
    const ended = (): void => {
      this.#waiting--;
      this.#running.delete(running);
    };
    running.then(ended, ended);
    return running;
  }

  /** The same for one that may compute for minutes. */
  async runLong<T>(call: () => Promise<T>): Promise<T> {
    this.mustBeOpen();
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Refuses calls from now on, and resolves when those under way have ended, however they did. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }
}
