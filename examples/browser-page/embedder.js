/**
 * What makes a vector of the text that is asked: it has to be what made the vectors of the collection. This is the demo's, which knows
 * words and no meaning. For a collection of your own put a call of your model here.
 */
import { embedText } from '../../dist/cli/demo/feature-hashing.js';

/**
 * @param {string} text
 * @returns {Promise<Iterable<number>>}
 */
export function embed(text) {
  return Promise.resolve(embedText(text));
}
