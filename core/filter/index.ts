/**
 * Filters: one tree, two spellings, and the evaluator that defines their meaning. docs/FILTERS.md is the user's page.
 */
export type { Filter, Scalar } from './ast.js';
export { compileFilter, matches } from './evaluate.js';
export type { DocumentTest } from './evaluate.js';
export { fieldValues } from './field-values.js';
export { tryParseInstant } from './instant.js';
export { compareOrderKeys, compareScalars, orderKey } from './order.js';
export type { OrderKey } from './order.js';
export { parseFilter } from './parse.js';
export { filterToJson, filterToText } from './print.js';
export { filterPaths } from './shape.js';
