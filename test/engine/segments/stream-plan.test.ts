/** Strategy: pieces of any filter, in any room, hold each row that counts once, in their order, and what the room allows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasBit, setBit } from '../../../core/base/bitmap.js';
import { limits } from '../../../core/base/limits.js';
import { CodeStream } from '../../../core/index/index.js';
import { residentRoom } from '../../../core/segment/index.js';
import { streamPieces, streamRoom } from '../../../core/engine/segments/stream-plan.js';
import type { StreamPiece, StreamRoom } from '../../../core/engine/segments/stream-plan.js';

const PAGE = limits.pageBytes;

function expectFits({ runs }: StreamPiece, { codeBytes, termBytes, stride }: StreamRoom): void {
  const codes = runs.reduce((sum, { first, end }) => sum + residentRoom((end - first) * stride), 0);
  expect(codes).toBeLessThanOrEqual(codeBytes);
  expect(residentRoom(4 * (runs.at(-1)!.end - runs[0]!.first))).toBeLessThanOrEqual(termBytes);
  for (const { first, end } of runs) expect(end - first).toBeLessThanOrEqual(CodeStream.runRows);
}

test('every row that counts is in one piece', () => {
  const filter = fc.array(fc.tuple(fc.nat(70_000), fc.nat(3_000), fc.integer({ min: 1, max: 400 })), {
    maxLength: 6,
  });
  const shape = fc.record({
    rows: fc.integer({ min: 1, max: 70_000 }),
    stride: fc.integer({ min: 1, max: 1_250 }).map((lines) => 16 * lines),
    pages: fc.integer({ min: 8, max: 400 }),
    filter: fc.option(filter),
  });
  fc.assert(
    fc.property(shape, ({ rows, stride, pages, filter: spans }) => {
      const room = streamRoom(pages * PAGE, { stride, term: 4 });
      if (room === undefined) {
        expect(pages * PAGE).toBeLessThan(residentRoom(stride) + 4 * PAGE);
        return;
      }
      expect(room.codeBytes + room.termBytes).toBeLessThanOrEqual(pages * PAGE);
      const allowed = spans === null ? undefined : new Uint8Array(Math.ceil(rows / 8));
      for (const [from, length, step] of spans ?? [])
        for (let row = from; row < Math.min(rows, from + length); row += step) setBit(allowed!, row);
      const counts = (row: number): boolean => allowed === undefined || hasBit(allowed, row);
      let at = 0;
      const missed = (end: number): boolean => {
        while (at < end && !counts(at)) at++;
        return at < end;
      };
      for (const piece of streamPieces(rows, allowed, room)) {
        expectFits(piece, room);
        for (const { first, end } of piece.runs) {
          expect(missed(first)).toBe(false);
          expect(first).toBeGreaterThanOrEqual(at);
          // Neither end is read for nothing.
          if (allowed !== undefined) expect(counts(first) && counts(end - 1)).toBe(true);
          at = end;
        }
      }
      expect(missed(rows)).toBe(false);
    }),
    { numRuns: 150 },
  );
});

test('rows that lie apart are read apart, and those between near ones with them', () => {
  const stride = 128;
  const room = streamRoom(5 * 1024 * 1024, { stride, term: 4 })!;
  const gap = limits.streamGapBytes / stride;
  const runsOf = (...rows: number[]): readonly (readonly number[])[][] => {
    const allowed = new Uint8Array(100_000);
    for (const row of rows) setBit(allowed, row);
    return [...streamPieces(800_000, allowed, room)].map(({ runs }) =>
      runs.map(({ first, end }) => [first, end]),
    );
  };
  expect(runsOf(5, 6 + gap)).toEqual([[[5, 7 + gap]]]);
  expect(runsOf(5, 7 + gap)).toEqual([
    [
      [5, 6],
      [7 + gap, 8 + gap],
    ],
  ]);
  // The terms between them have to fit.
  const span = (room.termBytes - PAGE) / 4;
  expect(runsOf(0, span - 1)).toHaveLength(1);
  expect(runsOf(0, span)).toHaveLength(2);
});

test('all rows of a large index are read in pieces of 4 MiB, or in what there is room for', () => {
  const room = streamRoom(5 * 1024 * 1024, { stride: 784, term: 4 })!;
  const pieces = [...streamPieces(600_000, undefined, room)];
  for (const { runs } of pieces) expect(runs).toHaveLength(1);
  expect(pieces.length).toBe(Math.ceil(600_000 / Math.floor(limits.segmentChunkBytes / 784)));
});
