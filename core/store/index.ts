/** The door of the store layer: the port, the wrappers and the adapter that needs no platform. */
export type {
  ByteRange,
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreVersion,
  Upload,
} from './object-store.js';
export { PROBES_PREFIX } from './object-store.js';
export { accountingStore, usageBetween } from './accounting.js';
export type { AccountingStore, ReadUsage, StoreOutcome, StoreUsage } from './accounting.js';
export { boundingStore } from './bounding.js';
export type { BoundingOptions } from './bounding.js';
export { putDecided } from './decided-put.js';
export { holdingStore } from './holding.js';
export type { HoldingStore } from './holding.js';
export { hedgingStore } from './hedging.js';
export type { HedgingOptions } from './hedging.js';
export { meteringStore, SUBREQUESTS_EXHAUSTED } from './invocation-store.js';
export type { Invocation, MeteringOptions } from './invocation-store.js';
export { passingStore } from './passing.js';
export { retryDelayMs, retryingStore } from './retrying.js';
export type { RetryingOptions } from './retrying.js';
export { memoryStore } from './adapters/memory.js';
export type { MemoryStoreOptions } from './adapters/memory.js';
export { cacheApi } from './adapters/cache-api.js';
export type { CacheApiOptions, WebCache } from './adapters/cache-api.js';
export {
  clampRange,
  mustBeKey,
  mustBeList,
  mustBePut,
  mustBeRange,
  pastEnd,
  uploadEnded,
} from './request-checks.js';
export { PageCache } from './page-cache.js';
export type {
  PageCacheOptions,
  PageCacheUsage,
  PagedHandle,
  PagedObject,
  PageReading,
} from './page-cache.js';
export { knownChecksums, mustMatchPage, mustMatchPages } from './page-checksums.js';
export type { PageChecksums } from './page-checksums.js';
export { PageSet } from './page-set.js';
export { getChecked, readRange } from './range-read.js';
export type { RangeRead } from './range-read.js';
export type { WarmCache } from './warm-cache.js';
export { warmStore } from './warm-store.js';
export type { WarmPlace, WarmStoreOptions } from './warm-store.js';
