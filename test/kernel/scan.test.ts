/**
 * Strategy: the raw scan kernels against their twins (measure everything, sort) over random scenes of few distinct
 * numbers, so that ties, zero distances of both signs and NaN are common; strides and starts that are not aligned;
 * bitmaps with whole dead words; every metric, with and without scales; k from 1 past the number of rows. Then rows of every
 * length of `lengths`, whose distances must be the twin's to the bit whichever kernel measures them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../../core/kernel/metric.js';
import { equalRowsScalar, topKScalar, type ScalarRows } from '../../core/kernel/scalar/scan.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { awkwardNumber, lengths, newArena, putNumbers, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const QUERY = PAYLOAD_OFFSET + 4;
const HEAP = PAYLOAD_OFFSET + 20_480;
const LIVE = PAYLOAD_OFFSET + 32_768;
const SCALES = PAYLOAD_OFFSET + 36_864;
const LIST = PAYLOAD_OFFSET + 40_960;
const ROWS = PAYLOAD_OFFSET + 65_536 + 4;

interface Scene {
  readonly search: ScalarRows;
  readonly stride: number;
  readonly live: Uint8Array | undefined;
}

const coarse = fc.constantFrom(-2, -1, -0, 0, 0.5, 1, 3);
const broken = fc.constantFrom(0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

function scene(numbers: fc.Arbitrary<number>): fc.Arbitrary<Scene> {
  const shape = fc.record({
    dimension: fc.integer({ min: 1, max: 21 }),
    rowCount: fc.integer({ min: 0, max: 300 }),
    gap: fc.constantFrom(0, 4, 12),
    metric: fc.constantFrom(KERNEL_L2, KERNEL_DOT, KERNEL_L1),
    density: fc.constantFrom(undefined, 0, 2, 50, 100),
    scaled: fc.boolean(),
  });
  return shape.chain(({ dimension, rowCount, gap, metric, density, scaled }) => {
    const array = <T>(item: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
      fc.array(item, { minLength: length, maxLength: length });
    return fc
      .record({
        query: array(numbers, dimension),
        // Few distinct rows, many copies: ties.
        palette: array(array(numbers, dimension), 7),
        picks: array(fc.nat(6), rowCount),
        dice: array(fc.nat(99), rowCount),
        scales: array(fc.constantFrom(0.5, 1, 2), rowCount),
      })
      .map(({ query, palette, picks, dice, scales }) => {
        const isLive = (row: number): boolean => density === undefined || dice[row]! < density;
        const live = density === undefined ? undefined : new Uint8Array(Math.ceil(rowCount / 64) * 8);
        for (let row = 0; row < rowCount; row++) if (live && isLive(row)) live[row >> 3]! |= 1 << (row & 7);
        const rows = picks.map((pick) => Float32Array.from(palette[pick]!));
        const search: ScalarRows = {
          metric,
          query: Float32Array.from(query),
          rows,
          isLive,
          scales: scaled ? Float32Array.from(scales) : undefined,
        };
        return { search, stride: dimension * 4 + gap, live };
      });
  });
}

function place({ search, stride, live }: Scene): { live: number; scales: number } {
  putNumbers(arena, QUERY, search.query);
  for (const [row, vector] of search.rows.entries()) putNumbers(arena, ROWS + row * stride, vector);
  if (live) {
    arena.u8.fill(0xff, LIVE, LIVE + 64);
    arena.u8.set(live, LIVE);
  }
  if (search.scales) putNumbers(arena, SCALES, search.scales);
  return { live: live ? LIVE : 0, scales: search.scales ? SCALES : 0 };
}

/** Undoes the sortable form of a distance. */
function distanceOfKey(key: number): number {
  const word = new Uint32Array([key & 0x80000000 ? key ^ 0x80000000 : ~key]);
  return new Float32Array(word.buffer)[0]!;
}

function scan(input: Scene, k: number): { row: number; distance: number }[] {
  const { search, stride } = input;
  const at = place(input);
  const { metric, query, rows } = search;
  const dimension = query.length;
  const count = arena.exports.scanTopK(
    metric,
    QUERY,
    ROWS,
    rows.length,
    dimension,
    stride,
    at.live,
    at.scales,
    HEAP,
    k,
  );
  return Array.from({ length: count }, (_, i) => ({
    row: arena.u32[HEAP / 4 + 2 * i]!,
    distance: distanceOfKey(arena.u32[HEAP / 4 + 2 * i + 1]!),
  }));
}

describe('scanTopK', () => {
  test.each([
    ['finite numbers', coarse],
    ['NaN and infinities', broken],
    ['denormals and extremes', awkwardNumber],
  ])('equals its twin: %s', (_, numbers) => {
    const k = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 }));
    fc.assert(
      fc.property(scene(numbers), k, (input, wanted) => {
        expect(scan(input, wanted)).toEqual(topKScalar(input.search, wanted));
      }),
      { numRuns: 400 },
    );
  });
});

describe('collectEqual', () => {
  test('equals its twin, in pieces of any capacity', () => {
    fc.assert(
      fc.property(scene(coarse), fc.nat(), fc.integer({ min: 1, max: 9 }), (input, pick, capacity) => {
        const hits = scan(input, 400);
        if (hits.length === 0) return;
        const { distance } = hits[pick % hits.length]!;
        const wanted = arena.u32[HEAP / 4 + 2 * (pick % hits.length) + 1]!;
        const { search, stride } = input;
        const at = place(input);
        const found: number[] = [];
        for (let from = 0, count = capacity; count === capacity; from = found.at(-1)! + 1) {
          count = arena.exports.collectEqual(
            search.metric,
            QUERY,
            ROWS,
            from,
            search.rows.length,
            search.query.length,
            stride,
            at.live,
            at.scales,
            wanted,
            LIST,
            capacity,
          );
          if (count === 0) break;
          found.push(...arena.u32.subarray(LIST / 4, LIST / 4 + count));
        }
        expect(found).toEqual(equalRowsScalar(search, distance));
      }),
      { numRuns: 300 },
    );
  });
});

describe('scoreRows', () => {
  test('measures the listed rows in their order, dead ones too', () => {
    fc.assert(
      fc.property(scene(coarse), fc.array(fc.nat(), { maxLength: 40 }), (input, picks) => {
        const { search, stride } = input;
        if (search.rows.length === 0) return;
        const list = picks.map((pick) => pick % search.rows.length);
        const at = place(input);
        arena.u32.set(list, LIST / 4);
        arena.exports.scoreRows(
          search.metric,
          QUERY,
          ROWS,
          LIST,
          list.length,
          search.query.length,
          stride,
          at.scales,
          HEAP,
        );
        const wanted = list.map((row) => {
          const distance = distanceScalar(search.metric, search.query, search.rows[row]!);
          return Math.fround(distance * (search.scales?.[row] ?? 1)) + 0;
        });
        expect([...arena.f32.subarray(HEAP / 4, HEAP / 4 + list.length)]).toEqual(wanted);
      }),
    );
  });
});

describe.each([
  ['L2', KERNEL_L2],
  ['dot', KERNEL_DOT],
  ['L1', KERNEL_L1],
])('rows of every length: %s', (_, metric) => {
  test.each(lengths)('%i numbers', (length) => {
    const next = numberSource(length + metric);
    const rows = Array.from({ length: 9 }, () => randomVector(length, next));
    const search = { metric, query: randomVector(length, next), rows, isLive: () => true };
    // Rows of no numbers lie 4 bytes apart, too.
    const input: Scene = { search, stride: length * 4 + 4, live: undefined };
    const wanted = topKScalar(search, 9);
    expect(scan(input, 9)).toEqual(wanted);
    expect(scan(input, 4)).toEqual(wanted.slice(0, 4));
    const { exports, u32, f32 } = arena;
    u32.set([...rows.keys()], LIST / 4);
    exports.scoreRows(metric, QUERY, ROWS, LIST, 9, length, input.stride, 0, HEAP);
    const byRow = wanted.toSorted((a, b) => a.row - b.row).map(({ distance }) => distance);
    expect([...f32.subarray(HEAP / 4, HEAP / 4 + 9)]).toEqual(byRow);
  });
});
