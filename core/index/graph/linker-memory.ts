/**
 * The memory through which threads link rows together:
 *
 * ```
 * shared:  u32 pivot[HOP_SIZE] | u32 row[ROWS_TOGETHER] | what is found for them
 * scratch of each thread: a block of weighed rows, and distances
 * ```
 */
import { alignUp } from '../../base/bytes.js';
import type { Arena, KernelCall, LentArena } from '../../kernel/index.js';
import { HOP_SIZE, SECTION_ALIGNMENT, codeStride } from '../layout/index.js';

/** Rows of a part at most. Larger ones find more neighbours than the walks of the refinement need, and cost more. */
export const PART_ROWS = 128;
/** Parts that a row goes to. */
export const FANOUT = 3;
/** Parts that are compared, each on its own, before others are cut. */
export const PARTS_TOGETHER = 16;
/** Rows that threads are given at once. */
export const ROWS_TOGETHER: number = PARTS_TOGETHER * PART_ROWS;
/** Rows of which the distances to the pivots are in memory together. */
export const DEALT_AT_ONCE = 128;
/** Lists of links that are chosen on one state of the graph. */
export const LISTS_TOGETHER = 1_024;
const BLOCK_BYTES = 48;

export interface LinkerMemory {
  readonly arena: Arena;
  readonly lent: LentArena;
  /** Address of what all threads see, `linkerBytes`. */
  readonly shared: number;
  readonly m: number;
  /** A number below `limit`. */
  readonly draw: (limit: number) => number;
}

/** Bytes of scratch of each thread. */
export function linkerScratchBytes(dimension: number): number {
  const distances = Math.max(PART_ROWS * (PART_ROWS + 4), DEALT_AT_ONCE * HOP_SIZE) * 4;
  return alignUp(codeStride(dimension) * 8 + BLOCK_BYTES + distances, SECTION_ALIGNMENT);
}

/** Bytes of what all threads see. */
export function linkerBytes(m: number): number {
  const found = Math.max(ROWS_TOGETHER * FANOUT * 4, LISTS_TOGETHER * listBytes(m));
  return (HOP_SIZE + ROWS_TOGETHER) * 4 + found;
}

/** Of a list of links and their distances, outside of the graph. */
export function listBytes(m: number): number {
  return (2 * m + 1) * 4;
}

export function pivotsAt({ shared }: LinkerMemory): number {
  return shared;
}

export function rowsAt({ shared }: LinkerMemory): number {
  return shared + HOP_SIZE * 4;
}

export function foundAt({ shared }: LinkerMemory): number {
  return shared + (HOP_SIZE + ROWS_TOGETHER) * 4;
}

export function slices(
  count: number,
  each: number,
  call: (from: number, count: number) => KernelCall,
): KernelCall[] {
  return Array.from({ length: Math.ceil(count / each) }, (_, i) =>
    call(i * each, Math.min(each, count - i * each)),
  );
}
