/** The engine: databases and their collections. */
export { EngineDatabase } from './database.js';
export type { DatabaseOptions, DatabaseThreads } from './database.js';
export { mustBeObject, mustBeTier, mustHaveOnly, optionalBoolean, optionalInteger } from './input/index.js';
export type * from './interface/index.js';
export { searchIndex } from './reads/index.js';
export type {
  BegunSearch,
  Candidates,
  IndexSearch,
  LoadedIndex,
  SearchGroup,
  SharedIndex,
  ThreadedIndex,
} from './segments/index.js';
