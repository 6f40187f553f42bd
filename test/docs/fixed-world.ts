/**
 * Time and chance for what is counted: they go on only as the calls themselves make them, so that every run asks the same
 * of its store. All processes of a world share them.
 */
import { limits, open } from '../../core/index.js';
import type { Database } from '../../core/index.js';
import type { ObjectStore } from '../../core/store/index.js';

export class FixedWorld {
  readonly clock = { wallMs: (): number => this.#nowMs, monotonicMs: (): number => this.#nowMs };
  readonly random = {
    fill: <T extends Uint8Array>(target: T): T => target.map(() => this.#nextByte()) as T,
  };
  readonly #open: Database[] = [];
  #seed = 1;
  #nowMs: number = Date.UTC(2030, 0, 1);

  /** Another process at the store. */
  async process(store: ObjectStore): Promise<Database> {
    const { clock, random } = this;
    const database = await open('memory:', {
      store,
      clock,
      random,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    });
    this.#open.push(database);
    return database;
  }

  now(): string {
    return new Date(this.#nowMs).toISOString();
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((database) => database.close()));
  }

  /** Time passes where somebody waits for it, a collector for its fence too. A time limit is not waited for. */
  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal !== undefined && ms !== limits.fenceMs) return new Promise(() => {});
    this.pass(ms);
    return Promise.resolve();
  }

  #nextByte(): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
    return this.#seed >>> 24;
  }
}
