/**
 * What can go wrong with a request, and how often. `store.ts` does it.
 *
 *   put     lost           never arrives: unknown (a time-out, a 503)
 *           unanswered     arrives, and nobody is told: unknown
 *           late           unknown now, arrives later: up to 40 times a request's time, some after minutes or hours
 *           duplicate      arrives twice: now, and later once more
 *           conflict       409, undecided: unknown, does not arrive
 *           throttled      429: unknown, does not arrive
 *           retried        applied, reported as refused: 412 after an SDK's own silent retry
 *           full           certainly not applied: throws
 *   get     unavailable, truncated (short of what was asked), flipped (one bit)
 *   list    unavailable
 *   delete  unavailable (half of it done), late (does not arrive now), duplicate
 *   any     slow           request or answer take up to 40 times as long, some for minutes
 */
import type { Chance } from '../log/virtual-time.js';

export type Operation = 'put' | 'get' | 'list' | 'delete';
export type Fault =
  | 'lost'
  | 'unanswered'
  | 'late'
  | 'duplicate'
  | 'conflict'
  | 'throttled'
  | 'retried'
  | 'full'
  | 'unavailable'
  | 'truncated'
  | 'flipped'
  | 'slow';

const FAULTS: Readonly<Record<Operation, readonly Fault[]>> = {
  put: [
    'lost',
    'unanswered',
    'late',
    'late',
    'duplicate',
    'conflict',
    'throttled',
    'retried',
    'full',
    'slow',
  ],
  get: ['unavailable', 'unavailable', 'truncated', 'flipped', 'slow', 'slow'],
  list: ['unavailable', 'slow'],
  delete: ['unavailable', 'late', 'duplicate', 'slow'],
};

/** Every kind, as it is counted: `put late`. */
export const everyFault: readonly string[] = Object.entries(FAULTS).flatMap(([operation, faults]) =>
  [...new Set(faults)].map((fault) => `${operation} ${fault}`),
);

export class Faults {
  readonly #chance: Chance;
  /** Of a request. 0: none any more. */
  rate: number;
  /** Of a look for a slot, that it arrives when a collector may have been there since it was sent. 0: never. */
  staleRate = 0;
  /** Only of lanes below this: the servers. */
  staleLanes = 0;

  constructor(chance: Chance, rate: number) {
    this.#chance = chance;
    this.rate = rate;
  }

  next(operation: Operation): Fault | undefined {
    if (this.rate === 0 || !this.#chance.happens(this.rate)) return undefined;
    return this.#chance.pick(FAULTS[operation]);
  }

  /** How late a look for a slot arrives, where it is one of those. */
  staleMs(operation: Operation, key: string, lane: number): number {
    if (this.staleRate === 0 || lane >= this.staleLanes) return 0;
    if (operation !== 'get' || !key.includes('/log/')) return 0;
    return this.#chance.happens(this.staleRate) ? 62_000 + this.#chance.below(40_000) : 0;
  }

  /** How much later than a request that takes `usualMs`. */
  delayMs(usualMs: number): number {
    const dice = this.#chance.below(20);
    if (dice < 14) return usualMs * (1 + this.#chance.below(40));
    if (dice < 17) return 1_000 + this.#chance.below(110_000);
    return 60_000 + this.#chance.below(dice < 19 ? 240_000 : 5 * 3_600_000);
  }
}
