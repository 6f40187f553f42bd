/**
 * Virtual time: a queue of events and a loop that lets one happen after another. Between two events every promise that
 * can go on goes on, and nothing else does, so a run is a function of its seed (invariant 16).
 */
import type { Clock } from '../../core/base/ports.js';
import type { Order, SimEvent } from './schedule.js';

/** Something that must not happen. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** 2026-01-01: labels and dates look like dates. */
const START_MS = 1_767_225_600_000;
/** Of one run. More is a loop without an end. */
const STEPS_MAX = 200_000;

export interface Planned {
  readonly atMs: number;
  readonly lane: number;
  /** It may not happen earlier, whatever the scheduler. */
  readonly timer?: boolean;
  readonly run: () => void;
}

/** The lane of what nobody in particular does: puts on their way, the clients. */
export const NOBODY = -1;

export class World {
  readonly #order: Order;
  readonly #stepsMax: number;
  #nowMs = 0;
  #added = 0;
  #violation: Violation | undefined;
  steps = 0;
  /** Told of everything that happens. */
  onNote: ((text: string) => void) | undefined;
  /** Of everything that happened, in order: two runs are the same where it is. */
  trace = 0x811c9dc5;

  constructor(order: Order, stepsMax: number = STEPS_MAX) {
    this.#order = order;
    this.#stepsMax = stepsMax;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The store's own date. */
  readonly storeClock: Pick<Clock, 'wallMs'> = { wallMs: () => START_MS + this.#nowMs };

  plan({ atMs, lane, timer = false, run }: Planned): SimEvent {
    const event = { atMs, lane, timer, run, order: this.#added++, cancelled: false };
    this.#order.add(event);
    return event;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.plan({ atMs: this.#nowMs + ms, lane: NOBODY, timer: true, run: resolve });
    });
  }

  note(text: string): void {
    this.onNote?.(text);
    let hash = this.trace;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.trace = Math.imul(hash ^ this.#nowMs, 0x01000193) >>> 0;
  }

  /** Notes that an invariant is broken, whoever catches what is thrown: the run ends with the first. */
  fail(what: string): Violation {
    this.#violation ??= new Violation(what);
    return this.#violation;
  }

  /** Runs until `work` has ended. Fails where nothing is left that could end it. */
  async run<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    for (;;) {
      // Past a macrotask every promise that can go on has gone on.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#violation !== undefined) throw this.#violation;
      if (this.#violation !== undefined) throw this.#violation;
      if (this.#violation !== undefined) throw this.#violation;
      if (ended) return await work;
      const event = this.#next();
      if (event === undefined) throw new Error('everybody waits for something that nothing brings');
      if (++this.steps > this.#stepsMax) throw new Error(`no end after ${this.#stepsMax} steps`);
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      event.run();
    }
  }

  #next(): SimEvent | undefined {
    for (;;) {
      const event = this.#order.next(this.#nowMs);
      if (event === undefined || !event.cancelled) return event;
    }
  }
}
