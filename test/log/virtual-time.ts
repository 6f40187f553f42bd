/**
 * Time and chance that belong to a test: a clock that moves only when everybody waits, and random bytes from a seed.
 * The same seed gives the same run (invariant 16), however long it takes.
 */
import type { Clock, Random, Sleep } from '../../core/base/ports.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** 2026-01-01: labels and dates look like dates. */
const START_MS = 1_767_225_600_000;

export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  readonly #timers: Timer[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The store's own date. */
  readonly clock: Clock = { wallMs: () => START_MS + this.#nowMs, monotonicMs: () => this.#nowMs };

  readonly sleep: Sleep = (ms, signal) => this.until(this.#nowMs + Math.max(0, ms), signal);

  until(atMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const timer: Timer = { atMs, order: this.#order++, fire: resolve };
      this.#insert(timer);
      signal?.addEventListener('abort', () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
        resolve();
      });
    });
  }

  #insert(timer: Timer): void {
    let at = this.#timers.length;
    // Kept from last to first, so that the next one is popped.
    while (at > 0 && before(this.#timers[at - 1]!, timer)) at--;
    this.#timers.splice(at, 0, timer);
  }

  /** Moves the clock without letting anybody act: a stall of the whole machine. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Runs the world until `work` has ended. Fails where nothing is left that could end it. */
  async run<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    for (;;) {
      // Past a macrotask every promise that can go on has gone on.
      await new Promise((resolve) => setImmediate(resolve));
      if (ended) return await work;
      const timer = this.#timers.pop();
      if (timer === undefined) throw new Error('everybody waits for something that no clock brings');
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.fire();
    }
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Numbers from a seed (splitmix32): the same seed, the same numbers. */
export class Chance implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number of 32 bits. */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A whole number of 0 to `below` - 1. */
  below(below: number): number {
    return this.word() % below;
  }

  happens(probability: number): boolean {
    return this.word() < probability * 2 ** 32;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  fill(target: Uint8Array): Uint8Array {
    for (let i = 0; i < target.length; i++) target[i] = this.word();
    return target;
  }
}
