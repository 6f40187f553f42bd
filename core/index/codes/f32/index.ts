/** Rows as they were given. */
export { F32Coder, layOutF32Coder } from './f32-coder.js';
export type { F32CoderPlace } from './f32-coder.js';
export { F32Table, layOutF32Table } from './f32-table.js';
export type { F32Scratch } from './f32-table.js';
