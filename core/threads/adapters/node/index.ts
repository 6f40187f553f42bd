/** Threads of Node. */
export { nodeThreads } from './node-threads.js';
