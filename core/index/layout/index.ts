/** How an index lies in memory, and what the kernels are told of it. */
export { acquireBytes } from './index-arena.js';
export { KernelState } from './kernel-state.js';
export type { StateField } from './kernel-state.js';
export { RABITQ_STATE_BYTES, rabitqOffsets } from './rabitq-state.js';
export { Layout, SECTION_ALIGNMENT, codeStride, indexSectionKinds, sectionBytes } from './shape.js';
export type {
  CodeParams,
  IndexNumbers,
  IndexSection,
  IndexSectionKind,
  IndexShape,
  SectionSizes,
} from './shape.js';
export { HOP_BYTES, HOP_SIZE, NO_ROW, stateOffsets } from './state.js';
