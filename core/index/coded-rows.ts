/** The rows of an index as its coding has them: what a search keeps of a query, and the table that it compares rows by. */
import type { Arena } from '../kernel/index.js';
import {
  CodeTable,
  F32Table,
  PqTable,
  RabitqTable,
  layOutF32Table,
  layOutPqTable,
  layOutRabitqTable,
  layOutTable,
  wrongWord,
} from './codes/index.js';
import type { F32Scratch, PqScratch, RabitqScratch, TableScratch } from './codes/index.js';
import { readParams } from './index-directory.js';
import type { IndexDirectory } from './index-directory.js';
import type { CodesAt, Coding, KernelState, Layout, PqCoding, RowTable } from './layout/index.js';

export type CodeScratch =
  | { readonly kind: 'sq8'; readonly table: TableScratch }
  | { readonly kind: 'f32'; readonly table: F32Scratch }
  | { readonly kind: 'rabitq'; readonly table: RabitqScratch }
  | { readonly kind: 'pq'; readonly coding: PqCoding; readonly table: PqScratch };

export interface ScannedShape {
  readonly dimension: number;
  /** Of the index, or of so many of it as are compared at a time. */
  readonly rows: number;
  readonly leaves: number;
}

export function layOutCodes(layout: Layout, coding: Coding, shape: ScannedShape): CodeScratch {
  const { dimension } = shape;
  const { kind } = coding;
  if (kind === 'pq') return { kind, coding, table: layOutPqTable(layout, coding, dimension) };
  if (kind === 'f32') return { kind, table: layOutF32Table(layout, dimension) };
  if (kind === 'rabitq') return { kind, table: layOutRabitqTable(layout, shape) };
  return { kind, table: layOutTable(layout, dimension) };
}

/**
 * Of an index whose parameters lie in the arena. `rows`: with which it begins. Requires: scratch of its coding, for so many rows.
 * Throws `corrupt` where the parameters make no sense.
 */
export function openTable(
  arena: Arena,
  state: KernelState,
  directory: IndexDirectory,
  { rows, ...at }: CodesAt & { readonly rows: number },
  scratch: CodeScratch,
): RowTable {
  const { dimension, metric } = directory.shape;
  const { codes, terms } = at;
  if (scratch.kind === 'f32')
    return new F32Table(arena, state, { dimension, metric, codes, terms, ...scratch.table });
  if (scratch.kind === 'rabitq') return openRabitq(arena, state, directory, { ...at, rows }, scratch.table);
  if (scratch.kind === 'pq') {
    mustBeBooks(arena, directory, at.params);
    const { params } = at;
    const { coding } = scratch;
    return new PqTable(arena, state, { dimension, metric, coding, params, codes, ...scratch.table });
  }
  return openSq8(arena, state, directory, at, scratch.table);
}

function openSq8(
  arena: Arena,
  state: KernelState,
  directory: IndexDirectory,
  { params: lows, codes, terms }: CodesAt,
  scratch: TableScratch,
): CodeTable {
  const { dimension, metric } = directory.shape;
  const { exact } = directory;
  // A copy: reading the parameters of a query needs no view of the arena then.
  const numbers = arena.f32.slice(lows / 4, lows / 4 + 2 * dimension);
  const params = { ...readParams(directory, directory.params(), numbers), exact };
  const exactLows = exact ? lows : undefined;
  return new CodeTable(arena, state, { dimension, metric, params, codes, terms, exactLows, ...scratch });
}

function openRabitq(
  arena: Arena,
  state: KernelState,
  directory: IndexDirectory,
  { params: centroids, codes, rows }: CodesAt & { readonly rows: number },
  scratch: RabitqScratch,
): RabitqTable {
  const { shape, unit, leafStarts, coding } = directory;
  const section = directory.params();
  const numbers = arena.f32.subarray(centroids / 4, (centroids + section.length) / 4);
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw directory.corrupt(section.offset + bad * 4, 'a finite number', `${numbers[bad]}`);
  const { dimension, metric } = shape;
  const bits = coding.kind === 'rabitq' ? coding.bits : 0;
  return new RabitqTable(arena, state, {
    ...{ dimension, metric, rows, bits, unit, starts: leafStarts, codes, centroids },
    ...scratch,
  });
}

function mustBeBooks(arena: Arena, directory: IndexDirectory, params: number): void {
  const wrong = wrongWord(arena, params, directory.shape.dimension);
  if (wrong === undefined) return;
  throw directory.corrupt(directory.params().offset + wrong.offset, wrong.expected, wrong.found);
}
