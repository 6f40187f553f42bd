/** The engine: databases and their collections. */
export { EngineDatabase } from './database.js';
export type { DatabaseOptions } from './database.js';
export type * from './types.js';
