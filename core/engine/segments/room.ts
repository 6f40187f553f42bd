/**
 * Memory in a pool that the indexes of queries fill: they make room, and are read again when somebody asks.
 */
import { hasCode } from '../../base/errors.js';

/** `evict` gives memory back and is false where there is nothing left to give. Throws `memory_budget_exceeded`. */
export function withRoom<T>(evict: () => boolean, make: () => T): T {
  for (;;) {
    try {
      return make();
    } catch (error) {
      if (!hasCode(error, 'memory_budget_exceeded') || !evict()) throw error;
    }
  }
}

/** Undefined where no memory is left to give. */
export function tryWithRoom<T>(evict: () => boolean, make: () => T): T | undefined {
  try {
    return withRoom(evict, make);
  } catch (error) {
    if (hasCode(error, 'memory_budget_exceeded')) return undefined;
    throw error;
  }
}
