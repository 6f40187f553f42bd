/** The unfolded log in memory, and exact search over it. */
export { exactSearch } from './exact-search.js';
export { Memtable, NEWEST } from './memtable.js';
export type { View } from './memtable.js';
export { measureRecall, sampleRows } from './recall.js';
