/**
 * What makes a vector of the text that is asked: the one that made the vectors of the collection. This is the demo's, which knows
 * words and no meaning. For a collection of your own, export a function of yours here that gives numbers for a text, or a promise of
 * them.
 */
export { embedText } from '../../dist/cli/demo/feature-hashing.js';
