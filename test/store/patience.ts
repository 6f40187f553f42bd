/** The sleep of a store under test: pauses before another try are short, and whoever waits in vain gives up soon. */
import { limits } from '../../core/base/limits.js';
import type { Sleep } from '../../core/base/ports.js';
import { systemSleep } from '../../core/system-ports.js';

const PAUSE_MS = 5;
/** Long enough for what does come, on a machine that has other things to do. */
const IN_VAIN_MS = 500;

export interface Patience {
  readonly sleep: Sleep;
  /** Runs a call whose answers do not come: what would take ten seconds takes half of one. */
  readonly inVain: <T>(call: () => Promise<T>) => Promise<T>;
}

export function makePatience(): Patience {
  let longestMs = Number.POSITIVE_INFINITY;
  return {
    // Pauses are shorter than any time that an answer has.
    sleep: (ms, signal) => systemSleep(ms <= limits.retryMaxMs ? PAUSE_MS : Math.min(ms, longestMs), signal),
    inVain: async (call) => {
      longestMs = IN_VAIN_MS;
      try {
        return await call();
      } finally {
        longestMs = Number.POSITIVE_INFINITY;
      }
    },
  };
}
