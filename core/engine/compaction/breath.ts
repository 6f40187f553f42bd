/**
 * Lets others run while a compaction computes, and ends it where it was called off. By the clock where the clock moves; on
 * hosts whose clock stands still during computation, by the number of pieces of work.
 */
import { CairnError } from '../../base/errors.js';
import type { Ports } from '../../base/ports.js';

const WORK_MS = 4;
const WORK_PIECES = 64;
/** A call that is under way goes from one small read to the next, each a turn of the event loop: so long it has the loop to itself. */
const WAITED_FOR_MS = 1;

/** Called between pieces of work of a few milliseconds. Throws `compaction_cancelled`. */
export type Breathe = () => Promise<void>;

/** An AbortSignal is one. Less is asked, because some hosts tie signals to the request that made them (Workers). */
export interface Cancellation {
  readonly aborted: boolean;
}

export interface BreathingOptions {
  readonly signal: Cancellation | undefined;
  readonly waitedFor: (() => boolean) | undefined;
}

export function breathing({ clock, sleep }: Ports, { signal, waitedFor }: BreathingOptions): Breathe {
  let since = clock.monotonicMs();
  let pieces = 0;
  return async () => {
    mustGoOn(signal);
    pieces++;
    if (clock.monotonicMs() - since < WORK_MS && pieces < WORK_PIECES) return;
    await sleep(waitedFor?.() === true ? WAITED_FOR_MS : 0);
    mustGoOn(signal);
    since = clock.monotonicMs();
    pieces = 0;
  };
}

/** Throws `compaction_cancelled`. */
export function mustGoOn(signal: Cancellation | undefined): void {
  if (signal?.aborted !== true) return;
  throw new CairnError('unavailable', 'compaction_cancelled', 'the compaction was called off', {
    outcome: 'not_applied',
  });
}
