/**
 * Equality of JSON scalars, as a set: of one type and equal, where two strings that are both instants are equal when
 * they are the same instant. This is an equivalence, so a set can hold it.
 */
import { instantKey, tryParseInstant } from './instant.js';

export class ScalarSet {
  readonly #exact: ReadonlySet<unknown>;
  /** Undefined where none of the values is an instant. */
  readonly #instants: ReadonlySet<string> | undefined;

  /** Values that are no scalars equal nothing. */
  constructor(values: readonly unknown[]) {
    this.#exact = new Set(values);
    let instants: Set<string> | undefined;
    for (const value of values) {
      const key = tryInstantKey(value);
      if (key !== undefined) (instants ??= new Set()).add(key);
    }
    this.#instants = instants;
  }

  has(value: unknown): boolean {
    if (typeof value === 'object' && value !== null) return false;
    if (this.#exact.has(value)) return true;
    if (this.#instants === undefined) return false;
    const key = tryInstantKey(value);
    return key !== undefined && this.#instants.has(key);
  }
}

function tryInstantKey(value: unknown): string | undefined {
  const instant = typeof value === 'string' ? tryParseInstant(value) : undefined;
  return instant === undefined ? undefined : instantKey(instant);
}
