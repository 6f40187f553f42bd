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

/**
 * Of WebCrypto: ten times as fast as a portable one on Workers, which have no other of their own. It ends when it likes, so it is for
 * the requests of a store, which do that too; what the engine hashes has to have the same trace for the same seed.
 */
export const systemSha256 = (bytes: Uint8Array): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);

/** Not on every host. A timer of 0 ms waits for 1. */
declare const setImmediate: ((done: () => void) => unknown) | undefined;

/** Of no time at all: everything else that is ready has its turn first. */
export const systemSleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    if (ms === 0 && typeof setImmediate === 'function') {
      setImmediate(resolve);
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
