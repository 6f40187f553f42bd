/**
 * The rows of a segment that a view sees and whose documents satisfy a filter: by the columns where they tell, and by the
 * documents of the rows that they leave open.
 */
import { andThen } from '../../base/awaitable.js';
import type { Awaitable } from '../../base/awaitable.js';
import { countBits, rowsOfBitmap, setBit } from '../../base/bitmap.js';
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import { documentOf } from '../input/index.js';
import type { View } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import type { Turns } from './turns.js';

export interface SegmentMatches {
  /** A bitmap, the caller's own. */
  readonly rows: Uint8Array;
  readonly count: number;
  /** Of these the columns tell. */
  readonly least: number;
  /** Rows of which the documents were read, because the columns leave them open. */
  readonly documentsRead: number;
}

/**
 * At once where columns tell all and lie in the cache; documents are read in turns. `view` is as of a sequence: that may take
 * many ticks.
 */
export function segmentMatches(
  overlay: SegmentOverlay,
  view: View,
  filter: CompiledFilter,
  turns: Turns,
): Awaitable<SegmentMatches> {
  const { file } = overlay.segment;
  return andThen(file.filterRows(filter.tree), ({ sure, open }) => {
    const allowed = overlay.allowed(view);
    const rows = among(sure, allowed);
    const least = countBits(rows);
    const undecided = open === undefined ? undefined : rowsOfBitmap(among(open, allowed), file.rows);
    if (undecided === undefined || undecided.length === 0)
      return { rows, count: least, least, documentsRead: 0 };
    return turns.run(async () => {
      const more = await addMatches(overlay, filter, { rows, undecided });
      return { rows, count: least + more, least, documentsRead: undecided.length };
    });
  });
}

/** Changes `rows`. */
function among(rows: Uint8Array, allowed: Uint8Array | undefined): Uint8Array {
  if (allowed !== undefined) for (let i = 0; i < rows.length; i++) rows[i]! &= allowed[i]!;
  return rows;
}

/** Adds those of the undecided rows that satisfy the filter, and answers how many. */
async function addMatches(
  { segment: { file } }: SegmentOverlay,
  { test }: CompiledFilter,
  { rows, undecided }: { readonly rows: Uint8Array; readonly undecided: Uint32Array },
): Promise<number> {
  let count = 0;
  for (let at = 0; at < undecided.length; at += limits.walkRows) {
    const part = undecided.subarray(at, at + limits.walkRows);
    const documents = await file.documents(part);
    part.forEach((row, i) => {
      if (!test(documentOf(documents[i]!))) return;
      setBit(rows, row);
      count++;
    });
  }
  return count;
}
