/**
 * Repeats requests that failed as `unavailable` and may simply be asked again: get, list and delete. A put is never
 * repeated here: a silent repeat turns a put that won into a visible refusal, so only the log, which can recognise its
 * own bytes, decides about puts. Neither is an upload: its bytes are the caller's, who makes the object again under another name.
 */
import { isCairnError } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Random, Sleep } from '../base/ports.js';
import { ForwardingStore } from './forwarding.js';
import { SUBREQUESTS_EXHAUSTED } from './invocation-store.js';
import type { GetOptions, GetResult, ListedObject, ListOptions, ObjectStore } from './object-store.js';

export interface RetryingOptions {
  readonly sleep: Sleep;
  /** Spreads the waits, so that clients that failed together do not come back together. */
  readonly random: Random;
}

export function retryingStore(inner: ObjectStore, options: RetryingOptions): ObjectStore {
  return new RetryingStore(inner, options);
}

/**
 * Milliseconds to wait before try number `attempt` + 1 (the first try is 0): doubled each time up to the limit, then
 * cut by up to half at random; at least what the store itself asked for, within the same limit.
 */
export function retryDelayMs(attempt: number, random: Random, retryAfterS: number = 0): number {
  const full = Math.min(limits.retryMaxMs, limits.retryBaseMs * 2 ** attempt);
  const bytes = random.fill(new Uint8Array(2));
  const fraction = (bytes[0]! * 256 + bytes[1]!) / 65_536;
  return Math.max(full * (1 - fraction / 2), Math.min(limits.retryMaxMs, retryAfterS * 1_000));
}

class RetryingStore extends ForwardingStore {
  readonly #options: RetryingOptions;

  constructor(inner: ObjectStore, options: RetryingOptions) {
    super(inner);
    this.#options = options;
  }

  override get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#retry(() => this.inner.get(key, options));
  }

  override list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.#retry(() => this.inner.list(prefix, options));
  }

  override delete(keys: readonly string[]): Promise<void> {
    return this.#retry(() => this.inner.delete(keys));
  }

  async #retry<T>(request: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        if (!isAgain(error) || attempt >= limits.readRetries) throw error;
        await this.#options.sleep(retryDelayMs(attempt, this.#options.random, error.retryAfterS));
      }
    }
  }
}

/** Whether the same request may be answered when it is made again. */
function isAgain(error: unknown): error is CairnError {
  return isCairnError(error) && error.kind === 'unavailable' && error.code !== SUBREQUESTS_EXHAUSTED;
}
