/**
 * The rows of a segment whose documents satisfy a filter, found by reading all documents that a view sees.
 */
import { bitmapBytes, rowsOfBitmap, setBit } from '../../base/bitmap.js';
import { limits } from '../../base/limits.js';
import type { DocumentTest } from '../../filter/index.js';
import { documentOf } from '../input/index.js';
import type { View } from '../memtable/index.js';
import type { SegmentOverlay } from '../segments/index.js';

/** A bitmap. `view` is as of a sequence: the reading takes many ticks. */
export async function segmentMatches(
  overlay: SegmentOverlay,
  view: View,
  filter: DocumentTest,
): Promise<Uint8Array> {
  const { file } = overlay.segment;
  const matches = new Uint8Array(bitmapBytes(file.rows));
  const rows = rowsOfBitmap(overlay.allowed(view), file.rows);
  for (let at = 0; at < rows.length; at += limits.walkRows) {
    const part = rows.subarray(at, at + limits.walkRows);
    const documents = await file.documents(part);
    part.forEach((row, i) => {
      if (filter(documentOf(documents[i]!))) setBit(matches, row);
    });
  }
  return matches;
}
