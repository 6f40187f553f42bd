/** The rows of an index as its coding has them: what a search keeps of a query, and the table that it compares rows by. */
import type { Arena } from '../kernel/index.js';
import { CodeTable, F32Table, layOutF32Table, layOutTable } from './codes/index.js';
import type { F32Scratch, TableScratch } from './codes/index.js';
import { readParams } from './index-directory.js';
import type { IndexDirectory } from './index-directory.js';
import type { CodesAt, Coding, KernelState, Layout, RowTable } from './layout/index.js';

export type CodeScratch =
  | { readonly kind: 'sq8'; readonly table: TableScratch }
  | { readonly kind: 'f32'; readonly table: F32Scratch };

export function layOutCodes(layout: Layout, { kind }: Coding, dimension: number): CodeScratch {
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
