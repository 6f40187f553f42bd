/** Folds the log into segments, and segments into larger ones. */
export { compactOnce } from './compactor.js';
export type { CompactionResult, CompactOptions } from './compactor.js';
export { hasMerge, hasMergeOfTier } from './inputs.js';
export { wantsMinorFold } from './policy.js';
export type { Handler } from './policy.js';
export { mustGoOn } from './breath.js';
export type { Cancellation } from './breath.js';
export { forkState } from './fork.js';
export type { ForkOptions } from './fork.js';
