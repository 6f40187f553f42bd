/** RaBitQ codes: rotation, the leaves whose centroids they are relative to, the table that a query is compared by. */
export { RabitqCoder, layOutRabitqCoder } from './rabitq-coder.js';
export type { RabitqCoderPlace, RabitqPlan } from './rabitq-coder.js';
export { LEAVES_MOST, RabitqTable, layOutRabitqTable } from './rabitq-table.js';
export type { RabitqScratch } from './rabitq-table.js';
