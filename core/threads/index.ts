/** Threads that search indexes in shared memory: the caller's side, the other one, and what a host has to give. */
export type { ThreadEvents, ThreadHost, ThreadMessage, ThreadStart } from './messages.js';
export type { SearchPool } from './search-pool.js';
export { SearchThread } from './search-thread.js';
export { openSearchPool } from './open-search-pool.js';
