/** The engine: databases and their collections. */
export { EngineDatabase } from './database.js';
export type { DatabaseOptions } from './database.js';
export { mustBeObject, mustHaveOnly, optionalBoolean, optionalInteger } from './input/input-shape.js';
export { mustBeTier } from './input/settings.js';
export type * from './interface/index.js';
