/**
 * The calls that a database has under way, so that closing it can refuse new ones and wait for these.
 */
import { CairnError } from '../base/errors.js';

/**
 * Counted, not kept in a set: of a set to which calls come and go, each table that it has outgrown holds the next one, and with it the
 * answers of all calls of that time, until the old generation of the heap is collected.
 */
export class Calls {
  #running = 0;
  #waiting = 0;
  #closed = false;
  /** Told when none runs any more. */
  readonly #closing: (() => void)[] = [];
  readonly #ended = (): void => {
    this.#running--;
    if (this.#running === 0) for (const tell of this.#closing.splice(0)) tell();
  };
  readonly #answered = (): void => {
    this.#waiting--;
    this.#ended();
  };

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
    this.#running++;
    this.#waiting++;
    running.then(this.#answered, this.#answered);
    return running;
  }

  /** The same for one that may compute for minutes. */
  runLong<T>(call: () => Promise<T>): Promise<T> {
    this.mustBeOpen();
    const running = call();
    this.#running++;
    running.then(this.#ended, this.#ended);
    return running;
  }

  /** Refuses calls from now on, and resolves when those under way have ended, however they did. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#closing.push(resolve));
  }
}
