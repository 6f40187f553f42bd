/** The engine: databases and their collections. */
export { EngineDatabase } from './database.js';
export type { DatabaseOptions } from './database.js';
export { mustBeObject, mustBeTier, mustHaveOnly, optionalBoolean, optionalInteger } from './input/index.js';
export type * from './interface/index.js';
