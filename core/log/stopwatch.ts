/**
 * How long reading takes, against the fence: a collector that raised the floor after the first request of a reader
 * cannot have deleted anything before D is over. By two clocks, as each may be wrong.
 */
import { limits } from '../base/limits.js';
import type { Clock } from '../base/ports.js';

/** Half the fence, because the clock of the collector may be faster. */
const ACCEPT_MS = limits.fenceMs / 2;

export class Stopwatch {
  readonly monotonicMs: number;
  readonly #wallMs: number;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallMs = clock.wallMs();
    this.monotonicMs = clock.monotonicMs();
  }

  /** Whether nothing that was there when it was started can have been deleted, and another come in its place. */
  get withinFence(): boolean {
    const isShort = (ms: number): boolean => ms >= 0 && ms < ACCEPT_MS;
    return (
      isShort(this.#clock.wallMs() - this.#wallMs) && isShort(this.#clock.monotonicMs() - this.monotonicMs)
    );
  }
}
