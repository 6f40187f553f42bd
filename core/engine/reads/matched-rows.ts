/**
 * The records of a selection with their documents, from wherever they lie: what is counted by its values or put in order.
 * Both are found by reading the documents of all of them.
 */
import { rowsOfBitmap } from '../../base/bitmap.js';
import { row as asRow } from '../../base/ids.js';
import type { Row } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { documentOf } from '../input/index.js';
import type { JsonObject } from '../interface/index.js';
import type { Memtable } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';
import { segmentMatches, Turns } from '../table/index.js';
import type { Selection } from './count.js';

export interface MatchedRow<R extends number> {
  readonly row: R;
  /** Shared with others: never to be handed out. */
  readonly document: JsonObject;
  /** Characters of its JSON text. */
  readonly metadataLength: number;
}

/** In the step that the state is given out in. */
export function* matchedInMemtable(
  memtable: Memtable,
  { filter, view }: Selection,
): Generator<MatchedRow<Row>> {
  for (let i = 0; i < memtable.rowCount; i++) {
    const row = asRow(i);
    if (!memtable.isVisible(row, view)) continue;
    const document = memtable.document(row);
    if (filter !== undefined && !filter.test(document)) continue;
    yield { row, document, metadataLength: memtable.metadataText(row).length };
  }
}

/** In the order of rows, in which documents are read fastest. `view` is as of a sequence: the reading takes many ticks. */
export async function* matchedInSegment(
  overlay: SegmentOverlay,
  { filter, view }: Selection,
): AsyncGenerator<readonly MatchedRow<number>[]> {
  const { file } = overlay.segment;
  const matches =
    filter === undefined
      ? overlay.allowed(view)
      : (await segmentMatches(overlay, { now: view, later: view }, filter, new Turns())).rows;
  const rows = rowsOfBitmap(matches, file.rows);
  for (let at = 0; at < rows.length; at += limits.walkRows) {
    const part = rows.subarray(at, at + limits.walkRows);
    const texts = await file.documents(part);
    yield Array.from(part, (row, i) => {
      const text = texts[i]!;
      return { row, document: documentOf(text), metadataLength: text.length };
    });
  }
}
