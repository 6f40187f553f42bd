/** The rows of an index as its coding has them: what a search keeps of a query, and the table that it compares rows by. */
import type { Arena } from '../kernel/index.js';
import {
  CodeTable,
  F32Table,
  PqTable,
  layOutF32Table,
  layOutPqTable,
  layOutTable,
  wrongWord,
} from './codes/index.js';
import type { F32Scratch, PqScratch, TableScratch } from './codes/index.js';
import { readParams } from './index-directory.js';
import type { IndexDirectory } from './index-directory.js';
import type { CodesAt, Coding, KernelState, Layout, PqCoding, RowTable } from './layout/index.js';

export type CodeScratch =
  | { readonly kind: 'sq8'; readonly table: TableScratch }
  | { readonly kind: 'f32'; readonly table: F32Scratch }
  | { readonly kind: 'pq'; readonly coding: PqCoding; readonly table: PqScratch };

export function layOutCodes(layout: Layout, coding: Coding, dimension: number): CodeScratch {
  const { kind } = coding;
  if (kind === 'pq') return { kind, coding, table: layOutPqTable(layout, coding, dimension) };
  return kind === 'sq8'
    ? { kind, table: layOutTable(layout, dimension) }
    : { kind, table: layOutF32Table(layout, dimension) };
}

/** Of an index whose parameters lie in the arena. Requires: scratch of its coding. Throws `corrupt` where they make no sense. */
export function openTable(
  arena: Arena,
  state: KernelState,
  directory: IndexDirectory,
  at: CodesAt,
  scratch: CodeScratch,
): RowTable {
  const { dimension, metric } = directory.shape;
  const { codes, terms } = at;
  if (scratch.kind === 'f32')
    return new F32Table(arena, state, { dimension, metric, codes, terms, ...scratch.table });
  if (scratch.kind === 'pq') {
    mustBeBooks(arena, directory, at.params);
    return new PqTable(arena, state, { dimension, metric, coding: scratch.coding, ...at, ...scratch.table });
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

function mustBeBooks(arena: Arena, directory: IndexDirectory, params: number): void {
  const wrong = wrongWord(arena, params, directory.shape.dimension);
  if (wrong === undefined) return;
  throw directory.corrupt(directory.params().offset + wrong.offset, wrong.expected, wrong.found);
}
