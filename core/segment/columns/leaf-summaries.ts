/**
 * What the leaves of a segment have of a column: of each its least and its greatest ordinal. Rows lie in the order of
 * clusters, and what lies together is often alike, so that many leaves have no value that a filter selects. A summary only
 * rules out: the rows of all other leaves are tested.
 *
 *   summaries := low[leaves], high[leaves]       of the width of ordinals; both 0 where no row of the leaf has a value
 */
import type { Wrong } from '../id-blocks.js';
import type { OpenColumn } from './filter-plan.js';
import type { OrdinalRun } from './term-selection.js';

type Ordinals = Uint8Array | Uint16Array | Uint32Array;

/** Rows side by side. */
export interface RowSpan {
  readonly first: number;
  readonly rows: number;
}

/** Spans begin and end where a word of a mask does. */
const WORD_ROWS = 64;
/** Fewer rows between two spans are tested with them, because to begin anew takes longer. A set takes longer to test than a range. */
const RANGE_GAP_ROWS = 1_024;
const SET_GAP_ROWS: number = 2 * WORD_ROWS;

/** A row has more to say than its leaf: of fewer ordinals than leaves a summary would be the larger part of the column. */
export function areWorthSummaries(ordinals: number, leaves: number): boolean {
  return leaves > 1 && ordinals > leaves;
}

export class LeafSummaryWriter {
  readonly #leafStarts: Uint32Array;
  readonly #low: Ordinals;
  readonly #high: Ordinals;
  #leaf = 0;

  /** `room` is of zeros, two for each leaf. */
  constructor(leafStarts: Uint32Array, room: Ordinals) {
    this.#leafStarts = leafStarts;
    this.#low = room.subarray(0, leafStarts.length);
    this.#high = room.subarray(leafStarts.length);
  }

  /** Requires: rows in their order. */
  add(row: number, ordinal: number): void {
    while (row >= (this.#leafStarts[this.#leaf + 1] ?? Infinity)) this.#leaf++;
    const low = this.#low[this.#leaf]!;
    if (low === 0 || ordinal < low) this.#low[this.#leaf] = ordinal;
    if (ordinal > this.#high[this.#leaf]!) this.#high[this.#leaf] = ordinal;
  }
}

/** The rows whose leaves may have a value of a selection, asked for part by part. */
export class LeafSpans {
  /** First rows and ends in turn, ascending; undefined: all rows. */
  readonly #bounds: readonly number[] | undefined;
  #next = 0;

  private constructor(bounds: readonly number[] | undefined) {
    this.#bounds = bounds;
  }

  /** Throws by `wrong`, whose offsets count from the start of the summaries, where what rules a leaf out is no summary. */
  static of(
    { column, pages }: OpenColumn,
    runs: readonly OrdinalRun[],
    segment: { readonly leafStarts: Uint32Array; readonly rows: number },
    wrong: Wrong,
  ): LeafSpans {
    const { summaries, width, order } = column;
    if (summaries.length === 0 || runs.length === 0) return new LeafSpans(undefined);
    const { leafStarts, rows } = segment;
    const leaves = leafStarts.length;
    const ordinals = ordinalsOf(pages.bytes(summaries.offset, summaries.length), width);
    const { terms } = order;
    const selected = new OrdinalRuns(runs);
    const { first, end } = selected;
    const gap = selected.apart ? SET_GAP_ROWS : RANGE_GAP_ROWS;
    const bounds: number[] = [];
    // The leaf behind the last one that may have a value; there is none before.
    let next = -1;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const low = ordinals[leaf]!;
      const high = ordinals[leaves + leaf]!;
      if (high < first || low >= end || (selected.apart && !selected.meet(low, high))) {
        // Of the other leaves all rows are tested, whatever is said of them.
        if (low > high || high > terms)
          throw wrong(width * leaf, `the least and the greatest of ${terms} terms`, `${low} and ${high}`);
        continue;
      }
      if (leaf !== next) {
        if (next < 0) bounds.push(wordBefore(leafStarts[leaf]!));
        else if (leafStarts[leaf]! - leafStarts[next]! >= gap)
          bounds.push(wordBehind(leafStarts[next]!), wordBefore(leafStarts[leaf]!));
      }
      next = leaf + 1;
    }
    if (next >= 0) bounds.push(next === leaves ? rows : wordBehind(leafStarts[next]!));
    return new LeafSpans(bounds);
  }

  /** Those in `part`: itself where all of it is. Requires: parts in their order, which begin where a word of a mask does. */
  within(part: RowSpan): readonly RowSpan[] {
    const bounds = this.#bounds;
    if (bounds === undefined) return [part];
    const partEnd = part.first + part.rows;
    while (this.#next < bounds.length && bounds[this.#next + 1]! <= part.first) this.#next += 2;
    const spans: RowSpan[] = [];
    for (let i = this.#next; i < bounds.length && bounds[i]! < partEnd; i += 2) {
      const first = Math.max(part.first, bounds[i]!);
      const rows = Math.min(partEnd, bounds[i + 1]!) - first;
      if (rows === part.rows) return [part];
      spans.push({ first, rows });
    }
    return spans;
  }
}

/** A selection, asked whether a term of it is between two others. */
class OrdinalRuns {
  readonly first: number;
  readonly end: number;
  /** There is more than one, so that not all between `first` and `end` are selected. */
  readonly apart: boolean;
  readonly #runs: readonly OrdinalRun[];

  /** Runs may overlap, and be in any order. Requires: one at least. */
  constructor(runs: readonly OrdinalRun[]) {
    this.#runs = runs.length === 1 ? runs : joined(runs);
    this.first = this.#runs[0]![0];
    this.end = this.#runs.at(-1)![1];
    this.apart = this.#runs.length > 1;
  }

  /** Requires: `high` is not before all of it, and `low` not behind. */
  meet(low: number, high: number): boolean {
    const runs = this.#runs;
    let [from, to] = [0, runs.length - 1];
    // The first run that does not end before `low`: the last one does not.
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (runs[middle]![1] <= low) from = middle + 1;
      else to = middle;
    }
    return runs[from]![0] <= high;
  }
}

/** In their order, none of which meets the next. */
function joined(runs: readonly OrdinalRun[]): readonly OrdinalRun[] {
  const found: OrdinalRun[] = [];
  for (const [from, to] of runs.toSorted((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last !== undefined && from <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to)];
    else found.push([from, to]);
  }
  return found;
}

function wordBefore(row: number): number {
  return row - (row % WORD_ROWS);
}

function wordBehind(row: number): number {
  return wordBefore(row + WORD_ROWS - 1);
}

/** A view, of bytes that begin anywhere a copy. */
function ordinalsOf(bytes: Uint8Array, width: number): Ordinals {
  if (width === 1) return bytes;
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const count = bytes.length / width;
  return width === 2
    ? new Uint16Array(buffer, byteOffset, count)
    : new Uint32Array(buffer, byteOffset, count);
}
