/** The unfolded log in memory, and exact search over it. */
export { exactSearch } from './exact-search.js';
export type { Hit } from './exact-search.js';
export { DAY_MS, Memtable, NEWEST } from './memtable.js';
export type { View } from './memtable.js';
export type { Shadow } from './shadows.js';
