/**
 * Strategy: the nearest of many rows of codes by the kernels that scan and measure them, against the twins of their parts:
 * queries prepared by one, sums by another, all rows measured and sorted. Distances are f32 of the same f64, so rows and their
 * order are equal, at every length; numbers of rows on both sides of the kernels' batches, and bitmaps with whole dead words.
 */
import { describe, expect, test } from 'vitest';
import { CodeTable, kindOf, layOutTable } from '../../core/index/codes/sq8/code-table.js';
import { HOP_BYTES } from '../../core/index/layout/state.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { codeStride } from '../../core/index/layout/coding.js';
import { Layout } from '../../core/index/layout/shape.js';
import { KERNEL_L1, PAYLOAD_OFFSET, type Metric } from '../../core/kernel/index.js';
import { codeAbsoluteScalar, codeProductScalar } from '../../core/kernel/scalar/code-distance.js';
import { prepareCodesScalar, prepareQueryScalar, type Grid } from '../../core/kernel/scalar/query.js';
import { lengths, newArena } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, f64, u8, u32 } = arena;
const metrics = ['euclidean', 'cosine', 'dot', 'manhattan'] as const;
const ROWS_MOST = 150;

interface Scene {
  readonly rows: readonly Uint8Array[];
  readonly isAllowed: (row: number) => boolean;
  /** Keys of the nearest, as rows. */
  readonly scan: (limit: number) => number[];
  /** Puts the rows in the pool, measures them and keeps the nearest. */
  readonly remeasure: (rows: readonly number[], limit: number) => number[];
  /** Distances of all rows by the twins. */
  readonly distances: Float32Array;
}

interface Wanted {
  readonly metric: Metric;
  readonly dimension: number;
  readonly count: number;
  /** Part of the rows, in percent, that are allowed. Undefined: all, without a bitmap. */
  readonly allowed?: number;
}

function scene({ metric, dimension, count, allowed }: Wanted): Scene {
  const next = numberSource(dimension * 7 + count);
  const stride = codeStride(dimension);
  const layout = new Layout(PAYLOAD_OFFSET);
  const place = layOutTable(layout, dimension);
  const codes = layout.take(stride * ROWS_MOST);
  const terms = layout.take(ROWS_MOST * 4);
  const [pool, hop, bitmap] = [layout.take(ROWS_MOST * 8), layout.take(HOP_BYTES), layout.take(64)];
  expect(layout.end).toBeLessThanOrEqual(u8.length);
  u8.fill(0xa5, PAYLOAD_OFFSET, layout.end);
  const lo = Float32Array.from({ length: dimension }, next);
  const params = { lo, step: lo.map((_, d) => (d % 7 === 3 ? 0 : (next() + 1.01) / 100)) };
  const state = new KernelState(arena);
  state.set({ kind: kindOf(metric), rows: count, pool, hop });
  const table = new CodeTable(arena, state, { dimension, metric, params, codes, terms, ...place });
  table.select();
  const rows = Array.from({ length: count }, (_, row) => {
    const own = Uint8Array.from(lo, () => Math.floor((next() + 1) * 128));
    u8.fill(0, codes + row * stride, codes + (row + 1) * stride);
    u8.set(own, codes + row * stride);
    f32[terms / 4 + row] = Math.round((next() + 1) * 50);
    return own;
  });
  // One row twice: the earlier one comes first.
  if (count > 3) {
    rows[3] = rows[1]!;
    u8.copyWithin(codes + 3 * stride, codes + stride, codes + 2 * stride);
    f32[terms / 4 + 3] = f32[terms / 4 + 1]!;
  }
  const query = lo.map((low, d) => low + params.step[d]! * (next() + 1) * 140);
  table.prepare(query);
  const grid = {
    middles: f64.slice(place.middles / 8, place.middles / 8 + dimension),
    steps: f64.slice(place.steps / 8, place.steps / 8 + dimension),
  };
  const distanceOf = distanceBy(metric, query, {
    ...{ grid, factor: metric === 'dot' ? 1 : 1 / table.unit },
    stepWeights: new Int16Array(u8.buffer, place.weights, dimension),
    stepScale: state.getNumber('scale'),
  });
  const distances = Float32Array.from(rows, (own, row) => distanceOf(own, f32[terms / 4 + row]!));
  const isAllowed = (row: number): boolean => allowed === undefined || (row * 37) % 100 < allowed;
  u8.fill(0, bitmap, bitmap + 64);
  for (let row = 0; row < count; row++) if (isAllowed(row)) u8[bitmap + (row >> 3)]! |= 1 << (row & 7);
  const keys = (found: number): number[] => Array.from({ length: found }, (_, i) => u32[pool / 4 + 2 * i]!);
  return {
    ...{ rows, isAllowed, distances },
    scan: (limit) => keys(exports.scanCodes(limit, allowed === undefined ? 0 : bitmap)),
    remeasure: (list, limit) => {
      for (const [i, row] of list.entries()) u32.set([row, 0], pool / 4 + 2 * i);
      return keys(exports.remeasure(list.length, limit));
    },
  };
}

interface Ranges {
  readonly grid: Grid;
  readonly factor: number;
  /** Of L1, where they are the ranges' own. */
  readonly stepWeights: Int16Array;
  readonly stepScale: number;
}

/** The distance of a row and its term by the twins. */
function distanceBy(
  metric: Metric,
  query: Float32Array,
  { grid, factor, stepWeights, stepScale }: Ranges,
): (row: Uint8Array, term: number) => number {
  const kind = kindOf(metric);
  if (kind === KERNEL_L1) {
    const { codes, base } = prepareCodesScalar(query, grid, factor);
    return (row) => base + stepScale * codeAbsoluteScalar(row, codes, stepWeights);
  }
  const options = { isCosine: metric === 'cosine', factor };
  const { weights, base, scale, termFactor } = prepareQueryScalar(kind, query, grid, options);
  return (row, term) => base + termFactor * term + scale * codeProductScalar(row, weights);
}

/** The allowed ones of the listed rows, nearest first, equal ones by row. */
function nearest({ distances, isAllowed }: Scene, rows: readonly number[]): number[] {
  return rows.filter(isAllowed).toSorted((a, b) => distances[a]! - distances[b]! || a - b);
}

describe.each(metrics)('nearest by codes: %s', (metric) => {
  test.each(lengths.filter((length) => length > 0))('%i dimensions', (dimension) => {
    const made = scene({ metric, dimension, count: 23 });
    const wanted = nearest(made, [...made.rows.keys()]);
    expect(made.scan(23)).toEqual(wanted);
    expect(made.scan(5)).toEqual(wanted.slice(0, 5));
    const some = [7, 3, 22, 0, 1, 15, 9];
    expect(made.remeasure(some, 7)).toEqual(nearest(made, some));
    expect(made.remeasure(some, 2)).toEqual(nearest(made, some).slice(0, 2));
  });

  test.each([0, 1, 3, 4, 5, 63, 64, 65, 128, 150])('%i rows, all or some of them', (count) => {
    for (const allowed of [undefined, 0, 3, 40, 100]) {
      const made = scene({ metric, dimension: 20, count, ...(allowed === undefined ? {} : { allowed }) });
      const wanted = nearest(made, [...made.rows.keys()]);
      for (const limit of [1, 10, 200]) expect(made.scan(limit)).toEqual(wanted.slice(0, limit));
    }
  });
});
