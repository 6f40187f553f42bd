/**
 * Memory for a compaction in a pool that queries fill: their indexes make room, and are read again when somebody asks.
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
