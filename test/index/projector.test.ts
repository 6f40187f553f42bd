/**
 * Strategy: what the projector makes of a query against plain arithmetic on the weights as they were put, whose error has a
 * bound: half a unit of the query's values, of which there are 127 near the grid and 4,095 elsewhere. And those weights against
 * the directions.
 */
import { describe, expect, test } from 'vitest';
import { CodeTable, kindOf, layOutTable } from '../../core/index/codes/sq8/code-table.js';
import { RangeTrainer, type CodeParams, type Projection } from '../../core/index/index.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { projectedParams, putProjection } from '../../core/index/projection/projection.js';
import { layOutProjector, Projector } from '../../core/index/projection/projector.js';
import { codeSizes, codeStride } from '../../core/index/layout/coding.js';
import { Layout, sectionBytes } from '../../core/index/layout/shape.js';
import { PAYLOAD_OFFSET, type Metric } from '../../core/kernel/index.js';
import { clustered, directionsOf, kernel, rowOf } from './fixture.js';

const OUTPUTS = 12;

interface Scene {
  readonly params: CodeParams;
  readonly projection: Projection;
  /** Of all dimensions. */
  readonly table: CodeTable;
  /** The weights of a query that was prepared. */
  readonly prepared: Int16Array;
  readonly project: (query: Float32Array) => Float32Array;
  /** The weights and factors, as they were put. */
  readonly weights: Int8Array;
  readonly factors: Float32Array;
  readonly release: () => void;
}

function scene(rows: Float32Array, dimension: number, metric: Metric): Scene {
  const trainer = new RangeTrainer(dimension, metric);
  trainer.add(rows);
  const params = trainer.finish();
  const directions = directionsOf(OUTPUTS, dimension, dimension);
  const projection = {
    ...{ outputs: OUTPUTS, directions, means: Float32Array.from({ length: dimension }, (_, d) => d / 100) },
    params: { lo: new Float32Array(OUTPUTS).fill(-3), step: new Float32Array(OUTPUTS).fill(0.5) },
  };
  const arena = kernel.pool.acquire(262_144);
  // Dirt that the section and the scratch must be cleared of.
  arena.u8.fill(0xa5, PAYLOAD_OFFSET);
  const layout = new Layout(PAYLOAD_OFFSET);
  const code = codeSizes({ kind: 'sq8' }, { dimension, metric });
  const at = layout.take(sectionBytes('projection', OUTPUTS, { dimension, code, m: 0, outputs: OUTPUTS }));
  const scratch = layOutProjector(layout, dimension);
  const place = layOutTable(layout, dimension);
  const out = layout.take(OUTPUTS * 4);
  expect(layout.end).toBeLessThanOrEqual(arena.u8.length);
  putProjection(arena, at, projection, params);
  const state = new KernelState(arena);
  state.put('kind', kindOf(metric));
  const table = new CodeTable(arena, state, { dimension, metric, params, codes: 0, terms: 0, ...place });
  const projector = new Projector(arena, state, { full: table, outputs: OUTPUTS, projection: at, scratch });
  table.select();
  const project = (query: Float32Array): Float32Array => {
    table.prepare(query);
    projector.project(out);
    return arena.f32.slice(out / 4, out / 4 + OUTPUTS);
  };
  const weights = new Int8Array(arena.u8.buffer, at, OUTPUTS * codeStride(dimension));
  const factors = arena.f32.subarray((at + weights.length) / 4, (at + weights.length) / 4 + OUTPUTS);
  const prepared = new Int16Array(arena.u8.buffer, place.weights, codeStride(dimension));
  const release = (): void => kernel.pool.release(arena);
  return { params, projection, table, prepared, project, weights, factors, release };
}

/** Output of a query from the middle of the ranges, where code 128 is, and how far off the projector may be. */
function exactOutput({ params, weights, factors }: Scene, query: Float32Array, p: number): [number, number] {
  const own = weights.subarray(p * codeStride(query.length));
  const values = Float64Array.from(params.step, (step, d) =>
    step > 0 ? (query[d]! - params.lo[d]! - 128 * step) / step : 0,
  );
  const most = values.reduce((farthest, value) => Math.max(farthest, Math.abs(value)), 0);
  const units = most <= 190.5 ? 127 : 4_095;
  let output = 0;
  let bound = 0;
  for (const [d, value] of values.entries()) {
    output += own[d]! * value;
    bound += Math.abs(own[d]!) * ((most / units) * 0.501 + Math.abs(value) * 1e-6);
  }
  return [output * factors[p]!, bound * factors[p]!];
}

function unit(row: Float32Array): Float32Array {
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

describe('a projected query', () => {
  test.each(
    [4, 15, 16, 17, 67, 300].flatMap((dimension) =>
      (['euclidean', 'cosine'] as const).map((metric) => [dimension, metric] as const),
    ),
  )('is that of plain arithmetic: %i dimensions, %s', (dimension, metric) => {
    const rows = clustered(200, dimension, dimension);
    const made = scene(rows, dimension, metric);
    for (let row = 0; row < 20; row++) {
      for (const size of metric === 'cosine' ? [1, 1e-6, 1e6] : [1, 1.5, 30, -1e6]) {
        const query = rowOf(rows, dimension, row).map((value) => value * size);
        const found = made.project(query);
        for (let p = 0; p < OUTPUTS; p++) {
          const [wanted, bound] = exactOutput(made, metric === 'cosine' ? unit(query) : query, p);
          expect(Math.abs(found[p]! - wanted)).toBeLessThanOrEqual(bound);
        }
      }
    }
    made.release();
  });

  test('leaves what was prepared as it is, but for being projected', () => {
    const dimension = 67;
    const made = scene(clustered(200, dimension, 4), dimension, 'euclidean');
    const query = rowOf(clustered(1, dimension, 5), dimension, 0);
    made.table.prepare(query);
    const [weights, constants] = [made.prepared.slice(), made.table.constants()];
    const first = made.project(query);
    expect(made.prepared).toEqual(weights);
    expect(made.table.constants()).toEqual(constants);
    // Nothing is left of the query before.
    made.project(query.map((value) => value * 1e9));
    expect(made.project(query)).toEqual(first);
    made.release();
  });

  test('of one that has no length is no NaN', () => {
    const made = scene(clustered(200, 24, 3), 24, 'cosine');
    expect(made.project(new Float32Array(24)).every(Number.isFinite)).toBe(true);
    made.release();
  });

  test('of rows that are all alike is 0', () => {
    const made = scene(new Float32Array(24 * 9).fill(7), 24, 'euclidean');
    expect([...made.project(new Float32Array(24).fill(1e9))].every((value) => value === 0)).toBe(true);
    made.release();
  });
});

describe('a stored projection', () => {
  test.each([4, 17, 300, 4_096])('is its directions, to half a weight: %i dimensions', (dimension) => {
    // One dimension far wider than all others, and none.
    for (const widest of [1, 1e6]) {
      const rows = clustered(50, dimension, 8).map((value, i) =>
        i % dimension === 0 ? value * widest : value,
      );
      const made = scene(rows, dimension, 'euclidean');
      const stride = codeStride(dimension);
      for (let p = 0; p < OUTPUTS; p++) {
        const own = made.weights.subarray(p * stride, (p + 1) * stride);
        expect(own.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0)).toBe(127);
        expect(own.subarray(dimension).every((weight) => weight === 0)).toBe(true);
        for (let d = 0; d < dimension; d++) {
          const exact = made.projection.directions[p * dimension + d]! * made.params.step[d]!;
          const off = own[d]! * made.factors[p]! - exact;
          expect(Math.abs(off)).toBeLessThanOrEqual(made.factors[p]! * 0.51);
        }
      }
      made.release();
    }
  });

  test('has the ranges of rows from which no mean was taken', () => {
    const dimension = 24;
    const made = scene(clustered(200, dimension, 5), dimension, 'euclidean');
    const { lo, step } = projectedParams(made.projection, made.params);
    expect(step).toEqual(made.projection.params.step);
    // The mean itself lies where 0 was.
    for (let p = 0; p < OUTPUTS; p++) {
      let output = 0;
      for (const [d, width] of made.params.step.entries())
        output +=
          made.projection.directions[p * dimension + d]! *
          (made.projection.means[d]! - made.params.lo[d]! - 128 * width);
      expect(lo[p]! + 3).toBeCloseTo(output, 4);
    }
    made.release();
  });

  test('every arena went back', () => {
    // What stays is the kernel's own scratch.
    expect(kernel.pool.usage().usedBytes).toBe(262_144 + 65_536);
  });
});
