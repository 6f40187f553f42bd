/**
 * Strategy: summaries as they are written, and the rows that they leave to be tested: every row with a selected ordinal among
 * them, whatever leaves and selections are; none of the leaves that are far from such a row. Then the tests of those rows,
 * which begin anywhere in a mask.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { corrupt } from '../../core/base/errors.js';
import { bitmapBytes, hasBit } from '../../core/base/bitmap.js';
import type { Column } from '../../core/segment/columns/column-index.js';
import {
  areWorthSummaries,
  LeafSpans,
  LeafSummaryWriter,
} from '../../core/segment/columns/leaf-summaries.js';
import { OrdinalTest } from '../../core/segment/columns/ordinal-test.js';
import type { OrdinalRun } from '../../core/segment/columns/term-selection.js';
import { PageSet } from '../../core/store/index.js';
import { masks } from './fixture.js';

const MASK_ROWS = 16_384;
/** Summaries do not begin at the start of what was read. */
const AT = 3;

const newRoom = (width: 1 | 2 | 4, count: number): Uint8Array | Uint16Array | Uint32Array =>
  new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width](count);

interface Summaries {
  readonly width: 1 | 2 | 4;
  readonly terms: number;
  readonly leafStarts: readonly number[];
  readonly rows: number;
  /** The least of each leaf, then the greatest. */
  readonly words: ArrayLike<number>;
}

function spansOf(
  { width, terms, leafStarts, rows, words }: Summaries,
  runs: readonly OrdinalRun[],
): LeafSpans {
  const room = newRoom(width, words.length);
  room.set(words);
  const page = new Uint8Array(16_384);
  page.set(new Uint8Array(room.buffer), AT);
  const summaries = { offset: AT, length: room.byteLength };
  const column = { width, order: { terms }, summaries } as Column;
  const segment = { leafStarts: Uint32Array.from(leafStarts), rows };
  return LeafSpans.of(
    { column, pages: new PageSet(new Map([[0, page]])) },
    runs,
    segment,
    (offset, expected, found) => corrupt({ key: 'k', offset, expected, found }),
  );
}

/** Of each part the first rows and ends of its spans. */
function boundsOf(spans: LeafSpans, rows: number): number[][] {
  return Array.from({ length: Math.ceil(rows / MASK_ROWS) }, (_, i) => {
    const part = { first: i * MASK_ROWS, rows: Math.min(MASK_ROWS, rows - i * MASK_ROWS) };
    return spans.within(part).flatMap((span) => [span.first, span.first + span.rows]);
  });
}

test('a summary is the least and the greatest ordinal of each leaf, and zeros where it has none', () => {
  const room = new Uint16Array(8);
  const writer = new LeafSummaryWriter(Uint32Array.of(0, 10, 20, 30), room);
  const values: readonly (readonly [number, number])[] = [
    [0, 300],
    [3, 7],
    [3, 500],
    [9, 7],
    [20, 1],
    [29, 1],
    [45, 65_535],
  ];
  for (const [row, ordinal] of values) writer.add(row, ordinal);
  expect([...room]).toEqual([7, 0, 1, 65_535, 500, 0, 1, 65_535]);
});

test('summaries are of columns that have more ordinals than there are leaves, and of two leaves or more', () => {
  expect([areWorthSummaries(5, 4), areWorthSummaries(4, 4), areWorthSummaries(0, 0)]).toEqual([
    true,
    false,
    false,
  ]);
  expect([areWorthSummaries(5, 1), areWorthSummaries(5, 0)]).toEqual([false, false]);
});

describe('the rows that may have a value of a selection', () => {
  const leafStarts = [0, 1_000, 2_000, 3_000, 4_500, 16_000, 17_000, 40_000];
  const words = [1, 5, 2, 0, 9, 3, 200, 4, 4, 8, 2, 0, 9, 7, 200, 4];
  const leaves = { width: 1, terms: 200, leafStarts, rows: 40_100, words } as const;

  test.each<readonly [string, readonly OrdinalRun[], number[][]]>([
    ['none', [[10, 20]], [[], [], []]],
    ['one leaf, from word to word', [[9, 10]], [[4_480, 16_000], [], []]],
    ['of leaves with fewer rows between them one span', [[2, 3]], [[0, 3_008], [], []]],
    ['as far as from one part to the next', [[5, 8]], [[960, 2_048, 16_000, 16_384], [16_384, 17_024], []]],
    ['the last leaf, which ends where rows do', [[150, 201]], [[], [16_960, 32_768], [32_768, 40_000]]],
    [
      'of two runs, and not what is between',
      [
        [1, 2],
        [200, 201],
      ],
      [
        [0, 1_024],
        [16_960, 32_768],
        [32_768, 40_000],
      ],
    ],
    [
      'of a set as many spans as there are',
      [
        [2, 3],
        [200, 201],
      ],
      [
        [0, 1_024, 1_984, 3_008],
        [16_960, 32_768],
        [32_768, 40_000],
      ],
    ],
    [
      'of runs in any order that overlap',
      [
        [199, 201],
        [6, 9],
        [5, 7],
      ],
      [
        [960, 2_048, 16_000, 16_384],
        [16_384, 32_768],
        [32_768, 40_000],
      ],
    ],
    [
      'all but what has no value',
      [[1, 201]],
      [
        [0, 3_008, 4_480, 16_384],
        [16_384, 32_768],
        [32_768, 40_100],
      ],
    ],
  ])('%s', (_, runs, expected) => {
    expect(boundsOf(spansOf(leaves, runs), leaves.rows)).toEqual(expected);
  });

  test('are a part itself where they are all of it, and all rows where there are no summaries', () => {
    const part = { first: 0, rows: 2_000 };
    expect(
      spansOf({ ...leaves, rows: 2_000, leafStarts: [0, 9], words: [1, 1, 2, 2] }, [[1, 2]]).within(part)[0],
    ).toBe(part);
    expect(spansOf({ ...leaves, words: [] }, [[1, 2]]).within(part)[0]).toBe(part);
  });

  test.each([1, 2, 4] as const)('are all that have one, of ordinals of %i bytes', (width) => {
    const terms = { 1: 255, 2: 65_535, 4: 0xffffffff }[width];
    const ordinal = fc.integer({ min: 1, max: terms });
    const leaf = fc.record({
      rows: fc.integer({ min: 1, max: 3_000 }),
      ordinals: fc.array(ordinal, { maxLength: 3 }),
    });
    const run = fc.tuple(ordinal, ordinal).map(([a, b]): OrdinalRun => [Math.min(a, b), Math.max(a, b) + 1]);
    const few = fc.oneof(
      run,
      ordinal.map((at): OrdinalRun => [at, at + 1]),
    );
    fc.assert(
      fc.property(
        fc.array(leaf, { minLength: 2, maxLength: 40 }),
        fc.array(few, { minLength: 1, maxLength: 6 }),
        (given, runs) => {
          const starts = [0];
          for (const { rows } of given) starts.push(starts.at(-1)! + rows);
          const rows = starts.pop()!;
          const low = given.map(({ ordinals }) => (ordinals.length === 0 ? 0 : Math.min(...ordinals)));
          const high = given.map(({ ordinals }) => Math.max(0, ...ordinals));
          const summaries = { width, terms, leafStarts: starts, rows, words: [...low, ...high] };
          const covered = new Uint8Array(rows);
          for (const bounds of boundsOf(spansOf(summaries, runs), rows))
            for (let i = 0; i < bounds.length; i += 2) covered.fill(1, bounds[i], bounds[i + 1]);
          given.forEach(({ ordinals, rows: count }, at) => {
            const has = ordinals.some((value) => runs.some(([from, to]) => value >= from && value < to));
            const all = covered.subarray(starts[at], starts[at]! + count);
            if (has) expect(all.includes(0)).toBe(false);
          });
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['the least is above the greatest', [1, 6, 4, 5]],
    ['the greatest is no term', [1, 5, 4, 201]],
  ])('are not known where a leaf would be ruled out although %s', (_, bad) => {
    const forged = { ...leaves, width: 2, leafStarts: [0, 1_000], words: bad } as const;
    let error: unknown;
    try {
      spansOf(forged, [[3, 4]]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ kind: 'corrupt', details: { key: 'k', offset: 2 } });
    // What is not ruled out is tested.
    expect(boundsOf(spansOf(forged, [[1, 201]]), 1_064)).toEqual([[0, 1_064]]);
  });
});

describe('a test of ordinals that begin somewhere in a mask', () => {
  const count = 200;
  const at = 128;
  const ordinals = Uint32Array.from({ length: count }, (_, i) =>
    i % 3 === 0 ? 5 : i % 3 === 1 ? 600_000 : 7,
  );

  test.each<readonly [string, readonly OrdinalRun[]]>([
    ['one run', [[5, 6]]],
    [
      'two',
      [
        [5, 6],
        [8, 10],
      ],
    ],
    [
      'two that are in no one set',
      [
        [5, 6],
        [600_000, 600_001],
      ],
    ],
  ])('writes what is there and no more, of %s', (_, runs) => {
    masks.fill(0, MASK_ROWS);
    masks.fill(1, MASK_ROWS);
    masks.clear(2);
    masks.ordinals.set(new Uint8Array(ordinals.buffer));
    new OrdinalTest(runs, 4).run(masks, { mask: 2, part: 1 }, { width: 4, count, at });
    const found = new Uint8Array(bitmapBytes(MASK_ROWS));
    masks.read(2, MASK_ROWS, found, 0);
    for (let row = 0; row < MASK_ROWS; row++) {
      const ordinal = ordinals[row - at] ?? 0;
      expect(hasBit(found, row)).toBe(runs.some(([from, to]) => ordinal >= from && ordinal < to));
    }
  });
});
