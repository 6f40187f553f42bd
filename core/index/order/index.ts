/** The order of a segment's rows: near ones side by side, in groups, and in these in leaves. */
export { inSpace, rowsOf } from './centroids.js';
export type { GroupLeaves, LeafSplitter } from './leaf-splitter.js';
export { OrderPlanner } from './order-planner.js';
export type { GroupedRows, OrderOptions, RowGroup } from './order-planner.js';
