/** HNSW graphs: levels, links of many rows at once, copies. */
export { copyLevels, copyLists } from './graph-copy.js';
export { adoptUnmet, linkFresh, linkerBytes, linkerScratchBytes } from './graph-linker.js';
export type { LinkedRows } from './graph-linker.js';
export type { GraphSource } from './graph-source.js';
export { drawLevels, fitLevels, layOutLevels, upperListsMost } from './levels.js';
