/** Cairn, the embedded library: the public door. */
export { CairnError, isCairnError } from './base/errors.js';
export type { Corruption, ErrorDetails, ErrorKind, Outcome } from './base/errors.js';
export { limits } from './base/limits.js';
export type { Tier } from './base/limits.js';
export type { Clock, Random, Sleep } from './base/ports.js';
export type * from './engine/index.js';
export { open } from './open-threaded.js';
export type { OpenOptions } from './open.js';
export { cacheApi } from './store/index.js';
export type { CacheApiOptions, WarmCache, WebCache } from './store/index.js';
