/**
 * Memory for what loads have on their way, where each request of a load has buffers of its own: one room for all of them, or every
 * request that comes while an index is read would hold as much as the first. Nobody waits for a promise of another, so who finds no
 * room looks again; and as a host may end a request in the middle, what was not heard of for `limits.placeLostMs` is given up.
 */
import { limits } from '../base/limits.js';
import type { Clock, Sleep } from '../base/ports.js';

export interface LoadRoomOptions {
  readonly bytes: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly sleep: Sleep;
}

/** Room that somebody has. */
export interface RoomTaken {
  readonly bytes: number;
  /** When its owner went on last. */
  heardMs: number;
}

export class LoadRoom {
  readonly #options: LoadRoomOptions;
  readonly #taken = new Set<RoomTaken>();

  constructor(options: LoadRoomOptions) {
    this.#options = options;
  }

  /** Undefined where there is too little. Where nobody has any there is enough. */
  tryTake(bytes: number): RoomTaken | undefined {
    const heardMs = this.#options.clock.monotonicMs();
    let held = 0;
    for (const taken of this.#taken) {
      if (taken.heardMs < heardMs - limits.placeLostMs) this.#taken.delete(taken);
      else held += taken.bytes;
    }
    if (held > 0 && held + bytes > this.#options.bytes) return undefined;
    const taken = { bytes, heardMs };
    this.#taken.add(taken);
    return taken;
  }

  goOn(taken: RoomTaken): void {
    taken.heardMs = this.#options.clock.monotonicMs();
  }

  give(taken: RoomTaken): void {
    this.#taken.delete(taken);
  }

  /** Until somebody may have given some back. */
  async lookLater(): Promise<void> {
    await this.#options.sleep(limits.placeWaitMs);
  }
}
