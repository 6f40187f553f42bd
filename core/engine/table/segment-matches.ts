/**
 * The rows of a segment that a view sees and whose documents satisfy a filter: by the columns where they tell, and by the
 * documents of the rows that they leave open.
 */
import type { Awaitable } from '../../base/awaitable.js';
import { countBits, rowsOfBitmap, setBit } from '../../base/bitmap.js';
import { limits } from '../../base/limits.js';
import type { CompiledFilter } from '../../filter/index.js';
import { documentOf } from '../input/index.js';
import type { View } from '../memtable/index.js';
import type { FilterRows } from '../../segment/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import type { Turns } from './turns.js';

export interface SegmentMatches {
  /** A bitmap, shared: not to be written to. */
  readonly rows: Uint8Array;
  readonly count: number;
  /** Of these the columns tell. */
  readonly least: number;
  /** Rows of which the documents were read, because the columns leave them open. */
  readonly documentsRead: number;
}

export interface MatchedView {
  /** For this step: the newest state may be seen in it. */
  readonly now: View;
  /** For later ones: as of a sequence. */
  readonly later: View;
}

/** At once where columns tell all and lie in the cache; documents are read in turns. */
export function segmentMatches(
  overlay: SegmentOverlay,
  { now, later }: MatchedView,
  filter: CompiledFilter,
  turns: Turns,
): Awaitable<SegmentMatches> {
  const { file } = overlay.segment;
  const rows = file.filterRows(filter.tree);
  return rows instanceof Promise
    ? rows.then((found) => matchesOf(overlay, later, { found, filter, turns }))
    : matchesOf(overlay, now, { found: rows, filter, turns });
}

function matchesOf(
  overlay: SegmentOverlay,
  view: View,
  {
    found: { sure, count: all, open },
    filter,
    turns,
  }: { readonly found: FilterRows; readonly filter: CompiledFilter; readonly turns: Turns },
): Awaitable<SegmentMatches> {
  const { file } = overlay.segment;
  const allowed = overlay.allowed(view);
  const rows = among(sure, allowed);
  const least = allowed === undefined ? all : countBits(rows);
  const undecided = open === undefined ? undefined : rowsOfBitmap(among(open, allowed), file.rows);
  if (undecided === undefined || undecided.length === 0)
    return { rows, count: least, least, documentsRead: 0 };
  return turns.run(async () => {
    const own = rows.slice();
    const more = await addMatches(overlay, filter, { rows: own, undecided });
    return { rows: own, count: least + more, least, documentsRead: undecided.length };
  });
}

function among(rows: Uint8Array, allowed: Uint8Array | undefined): Uint8Array {
  return allowed === undefined ? rows : rows.map((byte, i) => byte & allowed[i]!);
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
