/** The public vocabulary of collections. */
export type * from './types.js';
