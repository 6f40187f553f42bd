/**
 * Strategy: the kernels that prepare a query against their twins over every remainder and large lengths, with numbers of any
 * size and with what is none, equal to the bit; and, because a twin may share a mistake, what they make against the distances that it stands for.
 */
import { describe, expect, test } from 'vitest';
import { CodeTable, kindOf, layOutTable } from '../../core/index/codes/sq8/code-table.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { layOutProjector, Projector } from '../../core/index/projection/projector.js';
import { codeStride } from '../../core/index/layout/coding.js';
import { Layout, type CodeParams } from '../../core/index/layout/shape.js';
import { PAYLOAD_OFFSET, type Metric } from '../../core/kernel/index.js';
import { codeAbsoluteScalar, codeProductScalar } from '../../core/kernel/scalar/code-distance.js';
import {
  prepareCodesScalar,
  prepareQueryScalar,
  putValuesScalar,
  type Grid,
} from '../../core/kernel/scalar/query.js';
import { expectSame, newArena } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, f64, u8 } = arena;
const metrics = ['euclidean', 'cosine', 'dot'] as const;
const dimensions = [
  ...Array.from({ length: 67 }, (_, i) => i + 1),
  ...[128, 256, 384, 768, 784, 1_024, 1_536, 3_072, 4_096],
];
const DIRT = 0xa5;

interface Scene {
  readonly table: CodeTable;
  readonly state: KernelState;
  readonly grid: Grid;
  readonly inverses: Float64Array;
  readonly factor: number;
  /** With their padding. */
  readonly weights: Int16Array;
  readonly codes: Uint8Array;
  readonly values: Int16Array;
}

/** A table in memory full of dirt, prepared for queries of a metric. */
function scene(metric: Metric, params: CodeParams): Scene {
  const dimension = params.lo.length;
  u8.fill(DIRT, PAYLOAD_OFFSET);
  const layout = new Layout(PAYLOAD_OFFSET);
  const place = layOutTable(layout, dimension);
  const scratch = layOutProjector(layout, dimension);
  const state = new KernelState(arena);
  state.put('kind', kindOf(metric));
  const table = new CodeTable(arena, state, { dimension, metric, params, codes: 0, terms: 0, ...place });
  void new Projector(arena, state, { full: table, outputs: 4, projection: 0, scratch });
  table.select();
  const stride = codeStride(dimension);
  return {
    ...{ table, state, factor: metric === 'dot' ? 1 : 1 / table.unit },
    grid: {
      middles: f64.slice(place.middles / 8, place.middles / 8 + dimension),
      steps: f64.slice(place.steps / 8, place.steps / 8 + dimension),
    },
    inverses: f64.slice(scratch.inverses / 8, scratch.inverses / 8 + dimension),
    weights: new Int16Array(u8.buffer, place.weights, stride),
    codes: u8.subarray(place.queryCodes, place.queryCodes + stride),
    values: new Int16Array(u8.buffer, scratch.values, stride),
  };
}

/** Ranges as data have them: of many widths, off the origin, and some of no width at all. */
function rangesOf(dimension: number, seed: number): CodeParams {
  const next = numberSource(seed);
  const lo = Float32Array.from({ length: dimension }, () => next() * 10);
  const step = lo.map((_, d) => (d % 7 === 3 ? 0 : (next() + 1.01) / 100 / (1 + (d % 5))));
  return { lo, step };
}

function queriesOf({ lo, step }: CodeParams, seed: number): Float32Array[] {
  const next = numberSource(seed);
  const near = lo.map((low, d) => low + step[d]! * (next() + 1) * 130);
  return [
    near,
    ...[-1, 1e3, 1e18, 1e-30, 1e-42, 2e37].map((size) => near.map((value) => value * size)),
    near.map(() => 1e18 * next()),
    near.map(() => 1e-30 * next()),
    // Denormals of both signs.
    near.map(() => 1e-41 * next()),
    near.map((_, d) => (d % 2 === 0 ? 1e-45 : -1e-45)),
    near.map(() => 3.4028234e38),
    near.map((_, d) => (d === lo.length - 1 ? -1e20 : 0)),
    near.map(() => 0),
    near.map(() => -0),
    // The middle of every range: nothing is left to weigh.
    lo.map((low, d) => low + 128 * step[d]!),
    // The edges of the grid, and half a step past them.
    lo,
    ...[-0.5, 0.5, 127.5, 255, 255.5].map((place) => lo.map((low, d) => low + place * step[d]!)),
  ];
}

/** What no check lets through: whatever the kernels make of it, it is the same everywhere. */
function oddQueries(params: CodeParams, seed: number): Float32Array[] {
  const near = queriesOf(params, seed)[0]!;
  return [NaN, Infinity, -Infinity].map((odd) => near.map((value, d) => (d % 5 === 2 ? odd : value)));
}

function constants({ state }: Scene) {
  return {
    base: state.getNumber('base'),
    scale: state.getNumber('scale'),
    termFactor: state.getNumber('termFactor'),
  };
}

function prepared(made: Scene, dimension: number) {
  return { weights: made.weights.slice(0, dimension), ...constants(made) };
}

/** The numbers, and zeros behind them. */
function expectPadded<T extends Int16Array | Uint8Array>(found: T, wanted: T): void {
  expectSame(found.subarray(0, wanted.length), wanted);
  expect(found.subarray(wanted.length).every((value) => value === 0)).toBe(true);
}

describe.each(metrics)('a query of %s', (metric) => {
  test.each(dimensions)('equals its twin to the bit: %i dimensions', (dimension) => {
    const params = rangesOf(dimension, dimension);
    const made = scene(metric, params);
    for (const query of [...queriesOf(params, dimension + 1), ...oddQueries(params, dimension)]) {
      made.table.prepare(query);
      const { fromMiddles, weights, ...wanted } = prepareQueryScalar(kindOf(metric), query, made.grid, {
        isCosine: metric === 'cosine',
        factor: made.factor,
      });
      expect(constants(made)).toEqual(wanted);
      expectPadded(made.weights, weights);
      const unit = exports.putValues(dimension);
      const { values, unit: wantedUnit } = putValuesScalar(fromMiddles, made.inverses);
      expect(unit).toBe(wantedUnit);
      expectPadded(made.values, values);
      // Preparing is over: projecting changes nothing of it.
      expect(constants(made)).toEqual(wanted);
      expectPadded(made.weights, weights);
    }
  });

  test.each([1, 2, 15, 67, 300, 4_096])(
    'stands for the distances to decoded rows: %i dimensions',
    (dimension) => {
      const params = rangesOf(dimension, dimension + 2);
      const made = scene(metric, params);
      const next = numberSource(dimension);
      const codes = [0, 1, 2].map(() => Uint8Array.from(params.lo, () => Math.floor((next() + 1) * 128)));
      for (const query of queriesOf(params, dimension + 3).slice(0, 3)) {
        made.table.prepare(query);
        const { weights, base, scale, termFactor } = prepared(made, dimension);
        for (const row of codes) {
          const [wanted, size, term] = exactDistance(metric, query, row, made);
          const found = base + termFactor * term + scale * codeProductScalar(row, weights);
          // Half a unit of each weight, on both sides.
          expect(Math.abs(found - wanted)).toBeLessThan(size * 1e-9 + Math.abs(scale) * dimension * 128);
        }
      }
    },
  );
});

describe('a query of manhattan', () => {
  test.each(dimensions)('equals its twin to the bit: %i dimensions', (dimension) => {
    const params = rangesOf(dimension, dimension);
    const made = scene('manhattan', params);
    const weights = made.weights.slice();
    const { scale } = constants(made);
    for (const query of [...queriesOf(params, dimension + 1), ...oddQueries(params, dimension)]) {
      made.table.prepare(query);
      const { codes, base } = prepareCodesScalar(query, made.grid, made.factor);
      expectPadded(made.codes, codes);
      // The weights are of the ranges alone.
      expect(constants(made)).toEqual({ base, scale, termFactor: 0 });
      expectSame(made.weights, weights);
    }
  });

  test.each([1, 2, 15, 67, 300, 4_096])(
    'stands for the distances to decoded rows: %i dimensions',
    (dimension) => {
      const params = rangesOf(dimension, dimension + 2);
      const { lo, step } = params;
      const made = scene('manhattan', params);
      const next = numberSource(dimension);
      for (const query of queriesOf(params, dimension + 3).slice(0, 3)) {
        made.table.prepare(query);
        const { weights, base, scale } = prepared(made, dimension);
        const row = Uint8Array.from(lo, () => Math.floor((next() + 1) * 128));
        const found = base + scale * codeAbsoluteScalar(made.codes.subarray(0, dimension), row, weights);
        let [wanted, bound] = [0, 0];
        for (const [d, code] of row.entries()) {
          wanted += Math.abs(query[d]! - lo[d]! - step[d]! * code) * made.factor;
          // Half a step to the grid, half a unit of each weight, and what f64 loses.
          bound += step[d]! * made.factor * 0.501 + scale * 128 + Math.abs(query[d]! * made.factor) * 1e-12;
        }
        expect(Math.abs(found - wanted)).toBeLessThanOrEqual(bound);
      }
    },
  );
});

/** The distance to a decoded row in units, the size of its parts, and the row's own part. */
function exactDistance(
  metric: Metric,
  query: Float32Array,
  codes: Uint8Array,
  { grid, factor }: Scene,
): [number, number, number] {
  const length = metric === 'cosine' ? 1 / Math.hypot(...query) : 1;
  let [distance, size, term] = [0, 0, 0];
  for (const [d, code] of codes.entries()) {
    const value = query[d]! * length * factor;
    const offset = grid.steps[d]! * (code - 128);
    const row = grid.middles[d]! + offset;
    distance += metric === 'dot' ? -value * row : (value - row) ** 2;
    size += Math.abs(value) * Math.abs(row) + value ** 2 + row ** 2;
    term += offset ** 2;
  }
  return [distance, size, term];
}

describe('weights of a query', () => {
  test.each(metrics)('use all the room there is, and leave neither i16 nor i32: %s', (metric) => {
    for (const dimension of [1, 3, 64, 300, 4_096]) {
      const params = rangesOf(dimension, 9);
      const made = scene(metric, params);
      for (const query of queriesOf(params, 10)) {
        made.table.prepare(query);
        const { weights, scale } = prepared(made, dimension);
        const most = weights.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0);
        const sum = weights.reduce((total, weight) => total + Math.abs(weight), 0);
        expect(most).toBeLessThanOrEqual(32_767);
        expect(sum * 255).toBeLessThan(2 ** 31);
        expect(Number.isFinite(scale)).toBe(true);
        if (most > 0) expect(Math.max(most / 32_767, (sum * 255) / 2 ** 31)).toBeGreaterThan(0.99);
      }
    }
  });

  test('are all 0 in front of the middle of the ranges', () => {
    const params = { lo: new Float32Array(5).fill(-128), step: new Float32Array(5).fill(1) };
    const made = scene('euclidean', params);
    made.table.prepare(new Float32Array(5));
    expect(prepared(made, 5)).toEqual({ weights: new Int16Array(5), base: 0, scale: -2, termFactor: 1 });
    expect(exports.putValues(5)).toBe(1);
  });

  test('read nothing behind an odd number of dimensions but its zero', () => {
    const params = rangesOf(5, 4);
    const made = scene('euclidean', params);
    const query = params.lo.map((value) => value + 1);
    made.table.prepare(query);
    const wanted = prepared(made, 5);
    f32.fill(Number.NaN, made.table.queryAt / 4 + 6, made.table.queryAt / 4 + 16);
    made.table.prepareHere();
    expect(prepared(made, 5)).toEqual(wanted);
  });
});
