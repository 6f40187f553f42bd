/** How the rows of a filter are found in a segment: by its columns at once, by the documents of the rows that they leave open. */
import { beforeAll, describe, expect, test } from 'vitest';
import { rowsOfBitmap } from '../../../core/base/bitmap.js';
import { compiledFilter, parseFilter } from '../../../core/filter/index.js';
import { NEWEST } from '../../../core/engine/memtable/index.js';
import { Turns } from '../../../core/engine/table/turns.js';
import { segmentMatches } from '../../../core/engine/table/segment-matches.js';
import type { SegmentMatches } from '../../../core/engine/table/segment-matches.js';
import { SegmentOverlay } from '../../../core/engine/segments/index.js';
import type { SegmentReader } from '../../../core/segment/index.js';
import { newStore, openSegment, rowsOf, writeSegment } from '../../segment/fixture.js';

const view = { asOf: NEWEST, nowMs: 1_000, includeDeleted: false };
const long = (row: number): string => `a long beginning that all of them have ${row % 10} of them`;

describe('the rows of a filter', () => {
  let overlay: SegmentOverlay;
  let reader: SegmentReader;

  beforeAll(async () => {
    const ids = Array.from({ length: 100 }, (_, row) => `id-${row}`);
    const rows = rowsOf(ids, { document: (row) => JSON.stringify({ n: row, long: long(row) }) });
    const store = newStore();
    reader = await openSegment(store, await writeSegment(store, rows));
    const { expiries } = reader;
    overlay = new SegmentOverlay(
      {
        entry: undefined as never,
        file: reader,
        deletions: undefined,
        recallCurve: undefined,
        probeCurve: undefined,
        expiries,
      },
      30,
    );
    for (const row of [3, 13, 50]) overlay.addShadow(row, { endedAt: 1, hiddenAt: Infinity, hiddenMs: 0 });
  });

  const matching = (text: string): ReturnType<typeof segmentMatches> => {
    const tree = parseFilter(text);
    return segmentMatches(overlay, { now: view, later: view }, compiledFilter(tree), new Turns());
  };
  const listed = ({ rows }: SegmentMatches): readonly number[] => [...rowsOfBitmap(rows, reader.rows)];

  test('are known from columns without a wait, once these are cached', async () => {
    await matching('n > 1');
    const found = matching('n BETWEEN 2 AND 5');
    if (found instanceof Promise) throw new Error('a wait');
    expect(listed(found)).toEqual([2, 4, 5]);
    expect(found.documentsRead).toBe(0);
  });

  test('are asked of the documents that columns leave open, and that the view sees', async () => {
    const equal = await matching(`long = '${long(3)}'`);
    expect(listed(equal)).toEqual([23, 33, 43, 53, 63, 73, 83, 93]);
    expect(equal.documentsRead).toBe(8);
    const narrowed = await matching(`long CONTAINS '7 of' AND n < 20`);
    expect(listed(narrowed)).toEqual([7, 17]);
    expect(narrowed.documentsRead).toBe(18);
  });

  test('are no documents at all where no row is left that the view sees', async () => {
    const none = await matching(`long CONTAINS '3 of' AND n = 3`);
    expect(listed(none)).toEqual([]);
    expect(none.documentsRead).toBe(0);
  });
});
