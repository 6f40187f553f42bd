/**
 * The real clock, chance and timers: the one place in core that names them. Everything else takes them as ports.
 */
import type { Clock, Random, Sleep } from './base/ports.js';

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const systemRandom: Random = {
  fill: (target) => crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
};

export const systemSleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
