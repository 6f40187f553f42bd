/** The public vocabulary: what goes in and what comes out. */
export type * from './collection.js';
export type * from './explanation.js';
export type * from './reads.js';
export type * from './scrub.js';
export type * from './settings.js';
export type * from './snapshots.js';
export type * from './upkeep.js';
export type * from './values.js';
export type * from './writes.js';
