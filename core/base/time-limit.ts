/**
 * A time limit for a call that waits on others. The work itself goes on: what it changes is safe to change late.
 */
import { CairnError } from './errors.js';
import type { Outcome } from './errors.js';
import type { Sleep } from './ports.js';

const DONE = 'done';
/** What finds all it needs in memory, or in a local file, is through before so many; they take a few microseconds. */
const TICKS_WITHOUT_TIMER = 100;

/**
 * Rejects with `unavailable` (`timeout`) where `work` takes longer than `ms`. `outcome`: what is then known of its effect;
 * `unknown` for work that changes something, because it goes on.
 */
export async function withTimeLimit<T>(
  sleep: Sleep,
  ms: number,
  work: Promise<T>,
  outcome?: Outcome,
): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  work.then(settle, settle);
  for (let tick = 0; tick < TICKS_WITHOUT_TIMER; tick++) {
    if (settled) return await work;
    await Promise.resolve();
  }
  const done = new AbortController();
  const limit = sleep(ms, done.signal).then((): T => {
    // Woken because the race is over: nobody looks, and an error with its stack costs more than all the rest of this.
    if (done.signal.aborted) return undefined as T;
    throw new CairnError('unavailable', 'timeout', `no answer within ${ms} ms`, {
      details: { timeout_ms: ms },
      retryAfterS: 1,
      ...(outcome === undefined ? {} : { outcome }),
    });
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    // The race is over: whichever of the two still fails now is nobody's concern.
    limit.catch(() => {});
    work.catch(() => {});
    // A reason of one's own: the default one is an exception with a stack, made anew for every call.
    done.abort(DONE);
  }
}
