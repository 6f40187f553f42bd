/** How an index lies in memory, and what the kernels are told of it. */
export { forkStates } from './fork-states.js';
export type { ScratchBlock } from './fork-states.js';
export { acquireBytes } from './index-arena.js';
export { KernelState } from './kernel-state.js';
export type { StateField } from './kernel-state.js';
export {
  PQ_CENTROIDS,
  codeSizes,
  codeStride,
  codingNumbers,
  isCoarse,
  paddedDimension,
  pqCompressions,
  pqStride,
  pqSubVectors,
} from './coding.js';
export type { CodeSizes, Coding, PqCoding } from './coding.js';
export { putQuery } from './row-table.js';
export type {
  CoderPlace,
  CodesAt,
  InputRows,
  PlacedLeaves,
  QueryConstants,
  RowCoder,
  RowTable,
} from './row-table.js';
export { RABITQ_STATE_BYTES, putRabitqState } from './rabitq-state.js';
export { Layout, SECTION_ALIGNMENT, indexSectionKinds, sectionBytes } from './shape.js';
export type {
  CodeParams,
  IndexNumbers,
  IndexSection,
  IndexSectionKind,
  IndexShape,
  SectionSizes,
} from './shape.js';
export { HOP_BYTES, HOP_SIZE, NO_ROW, stateOffsets } from './state.js';
