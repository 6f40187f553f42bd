/** Collection of what nothing needs, and what there is to do for a collection. */
export { Collector } from './collector.js';
export type { CollectorOptions } from './collector.js';
export { raiseFence } from './fence.js';
export type { Fence } from './fence.js';
export { abandonedOutputs, floorOf, garbageBelow } from './garbage.js';
export { garbageOfDropped, isWorthFolding } from './look.js';
export type { Look, Unfolded } from './look.js';
