/**
 * A filter made ready for a segment: which columns it reads, and which of their terms satisfy each of its tests. In waves:
 * one for the ordinals and term indexes of all columns together, one for blocks of terms. Small columns need the first alone.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { filterPaths } from '../../filter/index.js';
import type { FieldFilter, Filter } from '../../filter/index.js';
import type { ByteRange, PageSet } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import type { Column, ColumnIndex } from './column-index.js';
import { TermReader } from './term-reader.js';
import { trySelect } from './term-selection.js';
import type { ColumnSide, Selection, TermFilter } from './term-selection.js';

/** A column whose ordinals are here. */
export interface OpenColumn {
  readonly column: Column;
  readonly pages: PageSet;
}

/** The rows with a value whose term is selected. */
export interface ColumnTest extends OpenColumn, Selection {}

export type FilterPlan =
  | { readonly kind: 'every' | 'none' | 'unknown' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterPlan[] }
  | { readonly kind: 'not'; readonly part: FilterPlan }
  /** One of the tests holds. */
  | { readonly kind: 'tests'; readonly tests: readonly ColumnTest[] };

/** How a plan reads its segment. */
export interface ColumnSource {
  readonly index: ColumnIndex;
  /** At once where all pages are cached. */
  readonly read: (ranges: readonly ByteRange[]) => Awaitable<PageSet>;
  /** Makes errors of offsets that count from one in the segment. */
  readonly wrongAt: (offset: number) => Wrong;
}

/** Blocks of terms that are missing are known once the indexes are here: of more waves none has anything to read. */
const WAVES = 2;

/** Throws `corrupt`, or `unavailable` (`object_gone`). */
export function planFilter(source: ColumnSource, filter: Filter): Awaitable<FilterPlan> {
  const columns = columnsOf(source.index, filter);
  return andThen(source.read(columns.map(firstRange)), (pages) => {
    const open = new Map<Column, TermReader>();
    for (const column of columns) {
      const terms = new TermReader(column, pages, source.wrongAt);
      if (isSmall(column)) terms.takeAll(pages);
      open.set(column, terms);
    }
    return tryPlan(source, filter, { pages, open, wave: 1 });
  });
}

interface OpenColumns {
  readonly pages: PageSet;
  readonly open: ReadonlyMap<Column, TermReader>;
  readonly wave: number;
}

function tryPlan(source: ColumnSource, filter: Filter, columns: OpenColumns): Awaitable<FilterPlan> {
  const plan = new Planner(source.index, columns).plan(filter);
  const readers = [...columns.open.values()];
  const missing = readers.flatMap((terms) => terms.missing());
  if (missing.length === 0) return plan;
  assertInternal(columns.wave < WAVES, 'blocks of terms are missing that were not before');
  return andThen(source.read(missing), (pages) => {
    for (const terms of readers) terms.take(pages);
    return tryPlan(source, filter, { ...columns, wave: columns.wave + 1 });
  });
}

function columnsOf(index: ColumnIndex, filter: Filter): readonly Column[] {
  return filterPaths(filter).flatMap((path) => {
    const { direct, elements } = index.find(path) ?? {};
    return [direct, elements].filter((column) => column !== undefined);
  });
}

function isSmall({ numbersAt, textsAt }: Column): boolean {
  return numbersAt.length + textsAt.length <= limits.termsReadWholeBytes;
}

/** From the indexes to the ordinals, and to the end of the terms where these are few. */
function firstRange(column: Column): ByteRange {
  const { firstNumbers, ordinals, textsAt } = column;
  const last = isSmall(column) ? textsAt : ordinals;
  return { offset: firstNumbers.offset, length: last.offset + last.length - firstNumbers.offset };
}

class Planner {
  readonly #index: ColumnIndex;
  readonly #columns: OpenColumns;

  constructor(index: ColumnIndex, columns: OpenColumns) {
    this.#index = index;
    this.#columns = columns;
  }

  /** Of no use where a term is missing afterwards. */
  plan(filter: Filter): FilterPlan {
    if ('path' in filter) return this.#planField(filter);
    if (filter.op === 'all') return { kind: 'every' };
    if (filter.op === 'not') return { kind: 'not', part: this.plan(filter.filter) };
    return { kind: filter.op, parts: filter.filters.map((part) => this.plan(part)) };
  }

  #planField(filter: FieldFilter): FilterPlan {
    const { path } = filter;
    if (!('values' in filter) || filter.op !== 'contains_all') return this.#planTest(filter as TermFilter);
    // Each value for itself, wherever in the row it is; none at all asks that the path is there.
    const parts: TermFilter[] = [
      { op: 'exists', path },
      ...filter.values.map((value): TermFilter => ({ op: 'contains', path, value })),
    ];
    return { kind: 'and', parts: parts.map((part) => this.#planTest(part)) };
  }

  #planTest(filter: TermFilter): FilterPlan {
    const columns = this.#index.find(filter.path);
    if (columns === undefined) return { kind: 'unknown' };
    const tests = [
      ...this.#testsOf(columns.direct, 'direct', filter),
      ...this.#testsOf(columns.elements, 'elements', filter),
    ];
    return tests.length === 0 ? { kind: 'none' } : { kind: 'tests', tests };
  }

  #testsOf(column: Column | undefined, side: ColumnSide, filter: TermFilter): readonly ColumnTest[] {
    if (column === undefined) return [];
    const { open, pages } = this.#columns;
    const selection = trySelect(filter, side, open.get(column)!);
    if (selection === undefined || selection.sure.length + selection.unsure.length === 0) return [];
    return [{ column, pages, sure: selection.sure, unsure: selection.unsure }];
  }
}
