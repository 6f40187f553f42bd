/** How rows are coded, one folder for each coding, and the tables that rows and queries are compared by. */
export { F32Coder, F32Table, layOutF32Coder, layOutF32Table } from './f32/index.js';
export type { F32CoderPlace, F32Scratch } from './f32/index.js';
export {
  PqCoder,
  PqTable,
  PqTrainer,
  layOutPqCoder,
  layOutPqTable,
  pqSampleRows,
  wrongWord,
} from './pq/index.js';
export type { PqBooks, PqCoderPlace, PqPlan, PqScratch } from './pq/index.js';
export {
  LEAVES_MOST,
  RabitqCoder,
  RabitqTable,
  layOutRabitqCoder,
  layOutRabitqTable,
  rotationSigns,
} from './rabitq/index.js';
export type { RabitqCoderPlace, RabitqPlan, RabitqScratch } from './rabitq/index.js';
export {
  CodeTable,
  RangeTrainer,
  inverseLengths,
  kindOf,
  layOutRowTables,
  layOutTable,
  makeRowTables,
  rangeUnit,
} from './sq8/index.js';
export type { RowTablePlace, TableScratch } from './sq8/index.js';
