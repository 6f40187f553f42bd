/**
 * A process that may stall for hours and die at any await: clocks of its own, chance, waiting, and a way to the bucket.
 * What it awaits when it dies never comes back; a request that was on its way arrives or does not.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Ports, Random, Sleep } from '../../core/base/ports.js';
import type { Invocation } from '../../core/store/index.js';
import { Chance } from '../log/virtual-time.js';
import { digests } from './kernel.js';
import type { Bucket } from './bucket.js';
import type { Faults } from './faults.js';
import type { Report } from './report.js';
import { SimStore } from './store.js';
import type { World } from './world.js';
import { portableDeflate } from '../../core/segment/index.js';

export interface Surroundings {
  readonly world: World;
  readonly bucket: Bucket;
  readonly faults: Faults;
  readonly report: Report;
}

export interface Nature {
  /** How fast its monotonic clock goes. Any two are within a factor of two of each other: the fence stands on that. */
  readonly rate: number;
  /** How far its wall clock is off. */
  readonly skewMs: number;
  /** Of an await, that the wall clock jumps there. */
  readonly jumps: number;
  readonly latencyMs: number;
}

interface Pending {
  readonly resolve: (value: undefined) => void;
}

const DIED = undefined;

const invocations = new AsyncLocalStorage<Invocation>();

/** To follow invocations costs every await of the thread several times what it is, until nobody does. */
export function forgetInvocations(): void {
  invocations.disable();
}

export class SimProcess {
  readonly lane: number;
  readonly name: string;
  readonly around: Surroundings;
  readonly store: SimStore;
  readonly ports: Ports;
  readonly chance: Chance;
  readonly nature: Nature;
  dead = false;
  /** Answers that were damaged on their way, so far: after one, an error may say `corrupt`. */
  damaged = 0;
  /** Requests that one call may make, chosen anew for each; undefined: nobody counts. */
  requestsMost: readonly number[] | undefined;
  /** Whose request is being made. */
  readonly invocation = (): Invocation | undefined => invocations.getStore();
  /** Keys that it has seen in a listing. */
  readonly listed: Set<string> = new Set();
  #pausedUntilMs = 0;
  #awaitsLeft = Infinity;
  #skewMs: number;
  readonly #calls = new Set<Pending>();

  constructor(around: Surroundings, lane: number, nature: Nature, seed: number) {
    this.around = around;
    this.lane = lane;
    this.name = `p${lane}`;
    this.nature = nature;
    this.chance = new Chance(seed);
    this.#skewMs = nature.skewMs;
    this.store = new SimStore(this);
    const random: Random = new Chance(this.chance.word());
    this.ports = { clock: this.#clock, sleep: this.#sleep, random, digests, deflate: portableDeflate };
  }

  readonly #clock: Clock = {
    wallMs: () => this.around.world.storeClock.wallMs() + this.#skewMs,
    monotonicMs: () => this.around.world.nowMs * this.nature.rate,
  };

  readonly #sleep: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const atMs = this.around.world.nowMs + Math.max(0, ms) / this.nature.rate;
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const event = this.deliver(atMs, true, wake);
      const abort = (): void => {
        event.cancelled = true;
        resolve();
      };
      signal?.addEventListener('abort', abort, { once: true });
    });

  /** Lets `run` happen to the process, unless it is dead by then: the end of an await. */
  deliver(atMs: number, timer: boolean, run: () => void): { cancelled: boolean } {
    const { world, report } = this.around;
    const handle = { cancelled: false };
    const happen = (): void => {
      if (this.dead || handle.cancelled) return;
      if (this.#pausedUntilMs > world.nowMs) {
        event = world.plan({ atMs: this.#pausedUntilMs, lane: this.lane, timer: true, run: happen });
        return;
      }
      if (--this.#awaitsLeft <= 0) {
        report.count('crashes');
        this.die();
        return;
      }
      if (this.nature.jumps > 0 && this.chance.happens(this.nature.jumps)) {
        this.#skewMs = this.chance.below(7_200_000) - 3_600_000;
        report.count('clock jumps');
      }
      run();
    };
    let event = world.plan({ atMs, lane: this.lane, timer, run: happen });
    return {
      get cancelled() {
        return handle.cancelled;
      },
      set cancelled(value) {
        handle.cancelled = value;
        event.cancelled = value;
      },
    };
  }

  /** It dies after so many further awaits. */
  dieAfter(awaits: number): void {
    this.#awaitsLeft = awaits;
  }

  die(): void {
    if (this.dead) return;
    this.dead = true;
    this.around.world.note(`${this.name} dies`);
    this.store.die();
    for (const { resolve } of this.#calls) resolve(DIED);
    this.#calls.clear();
  }

  /** Nothing happens to it for so long: SIGSTOP, a frozen isolate. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.around.world.nowMs + ms);
  }

  #invoke<T>(start: () => Promise<T>): Promise<T> {
    if (this.requestsMost === undefined) return start();
    return invocations.run({ limit: this.chance.pick(this.requestsMost), used: 0 }, start);
  }

  /** What comes of a call, for somebody outside; undefined where the process dies under it. */
  call<T extends object>(start: () => Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      if (this.dead) {
        resolve(DIED);
        return;
      }
      const pending: Pending = { resolve };
      this.#calls.add(pending);
      const run = async (): Promise<void> => {
        try {
          const value = await this.#invoke(start);
          if (this.#calls.delete(pending)) resolve(value);
        } catch (error) {
          if (this.#calls.delete(pending)) reject(error);
        }
      };
      void run();
    });
  }
}
