/** What a write that depends on the state means there. */
export { SlotView } from './slot-view.js';
export { resolveWrite } from './write-resolver.js';
