/** Exports of collections into folders, and imports of these and of single files. */
export { exportCollection } from './export-collection.js';
export { importCollection } from './import-collection.js';
export type { ImportResult } from './import-collection.js';
export { METRICS, PART_FORMATS } from './manifest.js';
export type { PartFormat } from './manifest.js';
