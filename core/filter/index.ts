/**
 * Filters: one tree, two spellings, and the evaluator that defines their meaning. docs/FILTERS.md is the user's page.
 */
export type { FieldFilter, Filter, ListFilter, OrderOp, Scalar } from './ast.js';
export { compileFilter, matches } from './evaluate.js';
export type { CompiledFilter, DocumentTest } from './evaluate.js';
export { compareInstants, tryParseInstant } from './instant.js';
export type { Instant } from './instant.js';
export { parseFilter } from './parse.js';
export { matchPattern, tryParseGlob } from './pattern.js';
export { filterToJson, filterToText } from './print.js';
export { filterPaths } from './shape.js';
