/** The door of what only Node can do: the file store and fast digests. */
export { nodeSha256 } from './sha256.js';
