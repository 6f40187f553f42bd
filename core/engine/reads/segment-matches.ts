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
  /** Rows of which the documents were read; 0: the columns told of all. */
  readonly documentsRead: number;
}

/** Documents are read in turns. At once where columns tell all and lie in the cache. `view` is as of a sequence: the reading may take many ticks. */
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
    const undecided = open === undefined ? undefined : among(open, allowed);
    if (undecided === undefined || countBits(undecided) === 0) return { rows, documentsRead: 0 };
    const left = { rows, undecided: rowsOfBitmap(undecided, file.rows) };
    return turns.run(() => readDocuments(overlay, filter, left));
  });
}

/** Changes `rows`. */
function among(rows: Uint8Array, allowed: Uint8Array | undefined): Uint8Array {
  if (allowed !== undefined) for (let i = 0; i < rows.length; i++) rows[i]! &= allowed[i]!;
  return rows;
}

/** Adds those of the undecided rows that satisfy the filter. */
async function readDocuments(
  { segment: { file } }: SegmentOverlay,
  { test }: CompiledFilter,
  { rows, undecided }: { readonly rows: Uint8Array; readonly undecided: Uint32Array },
): Promise<SegmentMatches> {
  for (let at = 0; at < undecided.length; at += limits.walkRows) {
    const part = undecided.subarray(at, at + limits.walkRows);
    const documents = await file.documents(part);
    part.forEach((row, i) => {
      if (test(documentOf(documents[i]!))) setBit(rows, row);
    });
  }
  return { rows, documentsRead: undecided.length };
}
