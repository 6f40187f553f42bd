/** The index's door: codes of rows and HNSW graphs in an arena, built, copied and searched. */
export { PqTrainer, RangeTrainer, pqSampleRows, rangeUnit } from './codes/index.js';
export type { PqBooks } from './codes/index.js';
export { IndexBuilder } from './index-builder.js';
export type { BuilderOptions, BuiltSection } from './index-builder.js';
export type { BuilderSize, GraphOptions } from './builder-layout.js';
export { rankOfAllowed } from './index-memory.js';
export type { Hits, ScanRequest, WalkRequest } from './index-memory.js';
export type { CodePlan } from './row-coders.js';
export { CodeStream } from './code-stream.js';
export { IndexDirectory, codingOf, isCodedAs } from './index-directory.js';
export type { DirectoryOptions } from './index-directory.js';
export { SearchIndex } from './search-index.js';
export type { GraphSource } from './graph/index.js';
export { acquireBytes, codeSizes, indexSectionKinds, isCoarse } from './layout/index.js';
export type {
  CodeParams,
  Coding,
  IndexNumbers,
  IndexSection,
  IndexSectionKind,
  IndexShape,
  PlacedLeaves,
} from './layout/index.js';
export { projectedOutputsMost, trainProjection } from './projection/index.js';
export type { Projection } from './projection/index.js';
export { hasLeafCodes, LeafEncoder, LeafScan, SecondLeaves } from './leaves/index.js';
export type { CentroidCodes, EncodedLeaf, LeafEncoderOptions } from './leaves/index.js';
export { OrderPlanner, rowsOf } from './order/index.js';
export type { GroupedRows, GroupLeaves, LeafSplitter, OrderOptions, RowGroup } from './order/index.js';
