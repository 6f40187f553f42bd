/**
 * The door `cairndb/r2`: for Workers, which reach a bucket of R2 through a binding and may not compile WebAssembly. Nothing that
 * only other hosts need is behind it.
 */
export { CairnError, isCairnError } from './base/errors.js';
export { openR2 } from './open-r2.js';
export type { R2Options } from './open-r2.js';
export { openR2Store } from './open-r2-store.js';
export type { R2StoreOptions } from './open-r2-store.js';
export type { R2Binding, R2Ports } from './store/adapters/r2/index.js';
export { cacheApi } from './store/index.js';
export type { CacheApiOptions, Invocation, WarmCache, WebCache } from './store/index.js';
