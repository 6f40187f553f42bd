/** The kernel layer's door: arithmetic in WebAssembly, and the memory it works in. */
export { Arena } from './arena.js';
export { arenaChecksums } from './arena-checksums.js';
export { ArenaPool, type ArenaPoolUsage } from './arena-pool.js';
export { createDigests, type Sha256 } from './digests.js';
export { compileEmbeddedKernel } from './embedded.js';
export { Kernel, type KernelOptions } from './kernel.js';
export { OWN_SCRATCH, freeRowLocks, lendToNobody, tryCall } from './kernel-threads.js';
export type { CallScratch, KernelCall, KernelThreads, LentArena } from './kernel-threads.js';
export type { KernelExports, KernelMemory, KernelModule, Simd } from './kernel-module.js';
export {
  INDEX_STATE_OFFSET,
  PAYLOAD_OFFSET,
  arenaBytes,
  arenaClassFor,
  arenaClasses,
  stateOffset,
  type ArenaClass,
} from './layout.js';
export {
  KERNEL_DOT,
  KERNEL_L1,
  KERNEL_L2,
  cosineScale,
  higherIsNearer,
  isKeptByRotation,
  kernelMetric,
  metrics,
  scoreOf,
  type Metric,
} from './metric.js';
export {
  MASK_COUNT,
  MASK_ROWS,
  MASK_SET_SIZE,
  RowMasks,
  type OrdinalSet,
  type OrdinalWidth,
  type TestedOrdinals,
} from './row-masks.js';
export { RowBlock, type BlockHits, type BlockQuery, type BlockSearch } from './row-block.js';
export { RowScorer, type NearestRows } from './row-scorer.js';
