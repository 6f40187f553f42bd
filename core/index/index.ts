/** The index's door: SQ8 codes and HNSW graphs in an arena, built, copied and searched. */
export { RangeTrainer } from './codes/index.js';
export { IndexBuilder } from './index-builder.js';
export type { BuilderOptions, BuilderSize, BuiltSection, GraphOptions } from './index-builder.js';
export { rankOfAllowed } from './index-memory.js';
export type { Hits, ScanRequest, WalkRequest } from './index-memory.js';
export { CodeStream } from './code-stream.js';
export { IndexDirectory } from './index-directory.js';
export type { DirectoryOptions } from './index-directory.js';
export { SearchIndex } from './search-index.js';
export type { GraphSource } from './graph/index.js';
export { acquireBytes, codeStride, indexSectionKinds } from './layout/index.js';
export type { CodeParams, IndexNumbers, IndexSection, IndexSectionKind, IndexShape } from './layout/index.js';
export { projectedOutputsMost, trainProjection } from './projection/index.js';
export type { Projection } from './projection/index.js';
export { hasLeafCodes, LeafEncoder, LeafScan } from './leaves/index.js';
export type { CentroidCodes } from './leaves/index.js';
export { OrderPlanner } from './order/index.js';
export type { OrderOptions, RowOrder } from './order/index.js';
