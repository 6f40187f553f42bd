/** The index's door: SQ8 codes and HNSW graphs in an arena, built, copied and searched. */
export { RangeTrainer } from './code-params.js';
export { IndexBuilder } from './index-builder.js';
export type { BuilderOptions, BuilderSize, BuiltSection, GraphOptions } from './index-builder.js';
export type { Hits, ScanRequest, WalkRequest } from './index-memory.js';
export { SearchIndex, type AttachOptions, type GraphSource } from './search-index.js';
export { indexSectionKinds } from './shape.js';
export type { Projection } from './projection.js';
export { projectedOutputsMost, trainProjection } from './projection-trainer.js';
export type { CodeParams, IndexNumbers, IndexSection, IndexSectionKind, IndexShape } from './shape.js';
export type { RowOrder } from './leaf-order.js';
export { OrderPlanner, type OrderOptions } from './order-planner.js';
export { acquireBytes } from './index-arena.js';
