/**
 * Equality of JSON scalars, as a set: of one type and equal, where two strings that are both instants are equal when
 * they are the same instant. This is an equivalence, so a set can hold it.
 */
import { instantKey, tryParseInstant } from './instant.js';

export class ScalarSet {
  readonly #exact: ReadonlySet<unknown>;
  readonly #instants: ReadonlySet<string>;

  /** Values that are no scalars equal nothing. */
  constructor(values: readonly unknown[]) {
    this.#exact = new Set(values);
    const instants = new Set<string>();
    for (const value of values) {
      const key = tryInstantKey(value);
      if (key !== undefined) instants.add(key);
    }
    this.#instants = instants;
  }

  has(value: unknown): boolean {
    if (typeof value === 'object' && value !== null) return false;
    if (this.#exact.has(value)) return true;
    if (this.#instants.size === 0) return false;
    const key = tryInstantKey(value);
    return key !== undefined && this.#instants.has(key);
  }
}

function tryInstantKey(value: unknown): string | undefined {
  const instant = typeof value === 'string' ? tryParseInstant(value) : undefined;
  return instant === undefined ? undefined : instantKey(instant);
}
