/** A check of all that a store holds of its collections, and of what nothing names any more. */
export { scrubStore } from './scrub.js';
