/** The engine: databases and their collections. */
export { EngineDatabase } from './database.js';
export type { DatabaseOptions } from './database.js';
export { mustBeObject, mustHaveOnly, optionalBoolean, optionalInteger } from './input-shape.js';
export { mustBeTier } from './settings.js';
export type * from './types.js';
