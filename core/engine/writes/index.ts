/** What a write that depends on the state means there. */
export { resolveWrite } from './write-resolver.js';
