/**
 * The time limit of a write until the log takes it over, which keeps a limit of its own from there: only the log knows
 * whether a write that is late may still count.
 */
import { CairnError } from '../base/errors.js';
import type { Sleep } from '../base/ports.js';
import { withTimeLimit } from '../base/time-limit.js';

/**
 * Runs `work`, which calls `begin` at the moment after which it can no longer be given up. Where that does not come within
 * `ms`, rejects with `unavailable` (`timeout`), and `begin` throws, so that nothing happens behind the caller's back.
 */
export async function withLimitedStart<T>(
  sleep: Sleep,
  ms: number,
  work: (begin: () => void) => Promise<T>,
): Promise<T> {
  let expired = false;
  let setBegun!: () => void;
  const begun = new Promise<void>((resolve) => (setBegun = resolve));
  const running = work(() => {
    if (expired) throw notBegun(ms);
    setBegun();
  });
  try {
    await withTimeLimit(sleep, ms, Promise.race([begun, running]));
  } catch (error) {
    expired = true;
    throw error instanceof CairnError && error.code === 'timeout' ? notBegun(ms) : error;
  }
  return await running;
}

function notBegun(ms: number): CairnError {
  return new CairnError('unavailable', 'timeout', `the write was not begun within ${ms} ms`, {
    details: { timeout_ms: ms },
    outcome: 'not_applied',
    retryAfterS: 1,
  });
}
