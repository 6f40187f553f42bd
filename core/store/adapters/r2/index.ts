/** The door of the R2 store. It needs no platform, only a binding. */
export type { R2Binding } from './r2-binding.js';
export { openR2Bucket } from './r2-store.js';
export type { R2Location } from './r2-store.js';
export type { R2Ports } from './r2-requests.js';
