/** The order of a segment's rows: clusters, near ones side by side. */
export { inSpace } from './centroids.js';
export type { RowOrder } from './leaf-order.js';
export { OrderPlanner } from './order-planner.js';
export type { OrderOptions } from './order-planner.js';
