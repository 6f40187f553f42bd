/** From a host's threads to what a database searches with. */
import { arenaClasses } from '../kernel/index.js';
import type { ArenaPool } from '../kernel/index.js';
import type { ThreadHost } from './messages.js';
import { SearchPool } from './search-pool.js';

/** Of the memory budget, what the slots may take. */
const SLOTS_SHARE = 64;
const SLOTS_BYTES_MOST = 4_194_304; // 4 MiB

/** Starts the threads. Requires: a pool of shared memories. Throws `memory_budget_exceeded`. */
export function openSearchPool(host: ThreadHost, pool: ArenaPool): SearchPool {
  const most = Math.min(SLOTS_BYTES_MOST, pool.budgetBytes / SLOTS_SHARE);
  const arenaClass = arenaClasses.findLast((candidate) => candidate <= most) ?? arenaClasses[0];
  return new SearchPool(host, pool, pool.acquire(arenaClass));
}
