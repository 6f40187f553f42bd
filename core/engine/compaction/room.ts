/**
 * Memory for a compaction in a pool that queries fill: their indexes make room, and are read again when somebody asks.
 */
import { CairnError } from '../../base/errors.js';

/** `evict` gives memory back and is false where there is nothing left to give. Throws `memory_budget_exceeded`. */
export function withRoom<T>(evict: () => boolean, make: () => T): T {
  for (;;) {
    try {
      return make();
    } catch (error) {
      const full = error instanceof CairnError && error.code === 'memory_budget_exceeded';
      if (!full || !evict()) throw error;
    }
  }
}
