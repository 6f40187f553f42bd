/**
 * The rows of a plan, 16,384 at a time: those that surely satisfy the filter, and those that may. Both are masks; `and` and
 * `or` join like with like, `not` swaps them. Nothing waits here: everything was read before.
 */
import { bitmapBytes, countBits } from '../../base/bitmap.js';
import { MASK_ROWS } from '../../kernel/index.js';
import type { RowMasks } from '../../kernel/index.js';
import type { ByteRange } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import type { ColumnTest, FilterPlan, OpenColumn } from './filter-plan.js';
import { LeafSpans } from './leaf-summaries.js';
import type { RowSpan } from './leaf-summaries.js';
import { OrdinalTest } from './ordinal-test.js';
import type { OrdinalRun } from './term-selection.js';

/** Shared: not to be written to. */
export interface FilterRows {
  /** A bitmap of the rows that satisfy the filter. */
  readonly sure: Uint8Array;
  /** Of these. */
  readonly count: number;
  /** Of those besides that only their documents tell of; undefined: there are none. */
  readonly open: Uint8Array | undefined;
}

/** Numbers of masks; the same where both are the same rows. */
interface Bounds {
  lower: number;
  upper: number;
}

const PLACES = 0;
const ENTRIES = 1;
const PART = 2;
const FIRST_FREE = 3;

/** Terms of a column, and where they may be. */
interface CompiledRuns {
  readonly test: OrdinalTest;
  readonly spans: LeafSpans;
}

interface CompiledTest {
  readonly sure: CompiledRuns;
  readonly unsure: CompiledRuns;
}

export interface MaskContext {
  readonly rows: number;
  readonly leafStarts: Uint32Array;
  readonly masks: RowMasks;
  readonly wrongAt: (offset: number) => Wrong;
}

export function rowsOfPlan(plan: FilterPlan, context: MaskContext): FilterRows {
  return new PlanRun(context).run(plan);
}

class PlanRun {
  readonly #rows: number;
  readonly #leafStarts: Uint32Array;
  readonly #masks: RowMasks;
  readonly #wrongAt: (offset: number) => Wrong;
  readonly #tests = new Map<ColumnTest, CompiledTest>();
  #part: RowSpan = { first: 0, rows: 0 };

  constructor({ rows, leafStarts, masks, wrongAt }: MaskContext) {
    this.#rows = rows;
    this.#leafStarts = leafStarts;
    this.#masks = masks;
    this.#wrongAt = wrongAt;
  }

  run(plan: FilterPlan): FilterRows {
    const masks = this.#masks;
    const sure = new Uint8Array(bitmapBytes(this.#rows));
    let open: Uint8Array | undefined;
    for (let first = 0; first < this.#rows; first += MASK_ROWS) {
      const rows = Math.min(MASK_ROWS, this.#rows - first);
      this.#part = { first, rows };
      const { lower, upper } = this.#bounds(plan, FIRST_FREE);
      masks.read(lower, rows, sure, first / 8);
      if (lower === upper) continue;
      masks.andNot(upper, lower, rows);
      if (masks.count(upper, rows) === 0) continue;
      open ??= new Uint8Array(sure.length);
      masks.read(upper, rows, open, first / 8);
    }
    return { sure, count: countBits(sure), open };
  }

  /** Writes to masks from `at` on; the answer is two of the first two of them. */
  #bounds(plan: FilterPlan, at: number): Bounds {
    const masks = this.#masks;
    const { rows } = this.#part;
    if (plan.kind === 'tests') return this.#testBounds(plan.tests, at);
    if (plan.kind === 'and' || plan.kind === 'or') return this.#groupBounds(plan, at);
    if (plan.kind === 'not') {
      const { lower, upper } = this.#bounds(plan.part, at);
      masks.not(lower, rows);
      if (upper !== lower) masks.not(upper, rows);
      return { lower: upper, upper: lower };
    }
    if (plan.kind === 'every') masks.fill(at, rows);
    else masks.clear(at);
    if (plan.kind !== 'unknown') return { lower: at, upper: at };
    masks.fill(at + 1, rows);
    return { lower: at, upper: at + 1 };
  }

  #groupBounds({ kind, parts }: FilterPlan & { readonly kind: 'and' | 'or' }, at: number): Bounds {
    const masks = this.#masks;
    const { rows } = this.#part;
    const join = (target: number, other: number): void =>
      kind === 'and' ? masks.and(target, other, rows) : masks.or(target, other, rows);
    const joined = this.#bounds(parts[0]!, at);
    for (const part of parts.slice(1)) {
      if (kind === 'and' && masks.count(joined.upper, rows) === 0) break;
      const next = this.#bounds(part, at + 2);
      if (joined.lower === joined.upper && next.lower !== next.upper) {
        joined.upper = joined.lower === at ? at + 1 : at;
        masks.copy(joined.upper, joined.lower);
      }
      join(joined.lower, next.lower);
      if (joined.upper !== joined.lower) join(joined.upper, next.upper);
    }
    return joined;
  }

  #testBounds(tests: readonly ColumnTest[], at: number): Bounds {
    const masks = this.#masks;
    masks.clear(at);
    for (const test of tests) this.#addRows(at, test, this.#compiled(test).sure);
    if (tests.every(({ unsure }) => unsure.length === 0)) return { lower: at, upper: at };
    masks.copy(at + 1, at);
    for (const test of tests) this.#addRows(at + 1, test, this.#compiled(test).unsure);
    return { lower: at, upper: at + 1 };
  }

  #compiled(test: ColumnTest): CompiledTest {
    let compiled = this.#tests.get(test);
    if (compiled === undefined) {
      compiled = { sure: this.#compile(test, test.sure), unsure: this.#compile(test, test.unsure) };
      this.#tests.set(test, compiled);
    }
    return compiled;
  }

  #compile(open: OpenColumn, runs: readonly OrdinalRun[]): CompiledRuns {
    const { width, summaries } = open.column;
    const segment = { rows: this.#rows, leafStarts: this.#leafStarts };
    return {
      test: new OrdinalTest(runs, width),
      spans: LeafSpans.of(open, runs, segment, this.#wrongAt(summaries.offset)),
    };
  }

  /** Adds the rows that have a value of which the test holds. */
  #addRows(target: number, open: OpenColumn, { test, spans }: CompiledRuns): void {
    if (test.isEmpty) return;
    const masks = this.#masks;
    const part = this.#part;
    const within = spans.within(part);
    if (within.length === 0) return;
    if (open.column.sparse) {
      // As one: where a row is in the list takes longer to find than its neighbours take to test.
      const [{ first }, last] = [within[0]!, within.at(-1)!];
      this.#addListed(target, open, test, { first, rows: last.first + last.rows - first });
      return;
    }
    if (within[0] !== part) masks.clear(PLACES);
    for (const span of within) this.#findPlaces(open, test, span, span.first - part.first);
    masks.or(target, PLACES, part.rows);
  }

  /** The same of a sparse column, and of some rows of the part. */
  #addListed(target: number, open: OpenColumn, test: OrdinalTest, { first, rows }: RowSpan): void {
    const masks = this.#masks;
    const { column, pages } = open;
    const from = this.#placeOf(open, first);
    const count = this.#placeOf(open, first + rows) - from;
    const wrong = this.#wrongAt(column.list.offset + 4 * from);
    if (count < 0 || count > rows) throw wrong(0, `at most ${rows} of as many rows`, `${count}`);
    this.#findPlaces(open, test, { first: from, rows: count }, 0);
    pages.copyInto(column.list.offset + 4 * from, 4 * count, masks.ordinals, 0);
    const part = this.#part;
    if (!masks.tryAddListed(target, { places: PLACES, count }, part))
      throw wrong(0, `rows from ${part.first} on, below ${part.first + part.rows}`, 'others');
  }

  /** The places, of those of a span, at which a value is of which the test holds; the first has bit `at`. */
  #findPlaces(
    { column, pages }: OpenColumn,
    test: OrdinalTest,
    { first, rows: places }: RowSpan,
    at: number,
  ): void {
    const masks = this.#masks;
    const { ordinals, starts, multiple, width, entries } = column;
    if (width === 0) {
      masks.fill(PLACES, places);
    } else if (!multiple) {
      pages.copyInto(ordinals.offset + width * first, width * places, masks.ordinals, 0);
      test.run(masks, { mask: PLACES, part: PART }, { width, count: places, at });
    } else {
      if (at === 0) masks.clear(PLACES);
      pages.copyInto(starts.offset + 4 * first, 4 * (places + 1), masks.starts, 0);
      const from = wordAt(masks.starts, 0);
      const end = wordAt(masks.starts, places);
      if (from > end || end > entries) {
        const wrong = this.#wrongAt(starts.offset + 4 * first);
        throw wrong(0, `entries in their order, of ${entries}`, `${from} to ${end}`);
      }
      for (let base = from; base < end; base += MASK_ROWS) {
        const count = Math.min(MASK_ROWS, end - base);
        pages.copyInto(ordinals.offset + width * base, width * count, masks.ordinals, 0);
        test.run(masks, { mask: ENTRIES, part: PART }, { width, count, at: 0 });
        masks.addOwners(PLACES, { at, rows: places }, ENTRIES, { base, count });
      }
    }
  }

  /** The first place of a sparse column whose row is not before `row`. */
  #placeOf({ column, pages }: OpenColumn, row: number): number {
    const { list }: { readonly list: ByteRange } = column;
    let low = 0;
    let high = column.positions;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (wordAt(pages.bytes(list.offset + 4 * middle, 4), 0) < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function wordAt(bytes: Uint8Array, i: number): number {
  const at = 4 * i;
  return bytes[at]! + bytes[at + 1]! * 0x100 + bytes[at + 2]! * 0x1_0000 + bytes[at + 3]! * 0x100_0000;
}
