/** SQ8 codes: their ranges, the tables that rows and queries are compared by. */
export { RangeTrainer, inverseLengths, rangeUnit } from './code-params.js';
export { CodeTable, kindOf, layOutTable, scaleOf } from './code-table.js';
export type { TableScratch } from './code-table.js';
export { layOutRowTables, makeRowTables } from './row-tables.js';
export type { RowTablePlace } from './row-tables.js';
