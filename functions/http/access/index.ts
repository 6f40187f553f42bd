/** Who may call, from where, and how much at once. */
export { createGuard } from './guard.js';
export type { Access, Guard, GuardSettings } from './guard.js';
export { Load } from './load.js';
export type { Admission, LoadLimits } from './load.js';
export { isLoopbackHost } from './loopback.js';
export { isPreflight, Origins } from './origins.js';
