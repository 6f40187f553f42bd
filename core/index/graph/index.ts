/** HNSW graphs: levels, links of many rows at once, copies. */
export { copyLevels, copyLists } from './graph-copy.js';
export { adoptUnmet, linkFresh } from './graph-linker.js';
export type { LinkedRows } from './graph-linker.js';
export type { GraphSource } from './graph-source.js';
export { linkerBytes, linkerScratchBytes } from './linker-memory.js';
export { drawLevels, fitLevels, layOutLevels, upperListsMost } from './levels.js';
export { insertNodes } from './node-inserter.js';
export type { InsertedNodes } from './node-inserter.js';
