/**
 * Tells once, to whoever listens, that something ends. What an AbortController does, but of the language alone: on Workers one of
 * those belongs to the request that made it, and another that listens to it fails.
 */

/** What of an AbortSignal it takes to be ended by it. */
export interface Endable {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export class EndSignal implements Endable {
  readonly #listeners = new Set<() => void>();
  #aborted = false;

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    for (const listener of this.#listeners) listener();
  }
}
