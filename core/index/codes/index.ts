/** SQ8 codes: their ranges, the tables that rows and queries are compared by. */
export { RangeTrainer, inverseLengths } from './code-params.js';
export { CodeTable, kindOf, layOutTable } from './code-table.js';
export type { QueryConstants, TableScratch } from './code-table.js';
export { paddedDimension, rotationSigns } from './rotation.js';
export { layOutRowTables, makeRowTables } from './row-tables.js';
export type { RowTablePlace } from './row-tables.js';
