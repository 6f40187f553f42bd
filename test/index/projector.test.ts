/**
 * Strategy: what the projector makes of a query against plain arithmetic on the same directions, whose error has a bound:
 * half a step of each dimension (more for queries that are scaled down to fit), and half a unit of each weight.
 */
import { describe, expect, test } from 'vitest';
import { RangeTrainer, type CodeParams, type Projection } from '../../core/index/index.js';
import { KernelState } from '../../core/index/kernel-state.js';
import { projectedParams, putProjection } from '../../core/index/projection.js';
import { layOutProjector, Projector } from '../../core/index/projector.js';
import { codeStride, Layout, sectionBytes } from '../../core/index/shape.js';
import { PAYLOAD_OFFSET, type Metric } from '../../core/kernel/index.js';
import { clustered, directionsOf, kernel, rowOf } from './fixture.js';

const OUTPUTS = 12;

interface Scene {
  readonly params: CodeParams;
  readonly projection: Projection;
  readonly projector: Projector;
  /** The weights and factors, as they were put. */
  readonly weights: Int16Array;
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
  const at = layout.take(sectionBytes('projection', OUTPUTS, { dimension, m: 0, outputs: OUTPUTS }));
  const scratch = layOutProjector(layout, { dimension, outputs: OUTPUTS });
  putProjection(arena, at, projection, params);
  const state = new KernelState(arena);
  state.put('stride', codeStride(dimension));
  const options = { metric, dimension, params, outputs: OUTPUTS, projection: at, scratch };
  const projector = new Projector(arena, state, options);
  const weights = new Int16Array(arena.u8.buffer, at, OUTPUTS * codeStride(dimension));
  const factors = arena.f32.subarray((at + weights.length * 2) / 4, (at + weights.length * 2) / 4 + OUTPUTS);
  return { params, projection, projector, weights, factors, release: () => kernel.pool.release(arena) };
}

/** Output of a query from the middle of the ranges, where code 128 is, and how far off the projector may be. */
function exactOutput({ params, projection }: Scene, query: Float32Array, p: number): [number, number] {
  const dimension = query.length;
  let output = 0;
  let bound = 1e-6;
  let farthest = 1;
  for (const [d, step] of params.step.entries()) {
    const fromMiddle = query[d]! - params.lo[d]! - 128 * step;
    if (step > 0) farthest = Math.max(farthest, Math.abs(fromMiddle) / step / 256);
  }
  for (const [d, step] of params.step.entries()) {
    if (step === 0) continue;
    const direction = projection.directions[p * dimension + d]!;
    const fromMiddle = query[d]! - params.lo[d]! - 128 * step;
    output += direction * fromMiddle;
    bound += Math.abs(direction) * step * 0.51 * farthest + Math.abs(fromMiddle * direction) * 1e-3;
  }
  return [output, bound];
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
        const found = made.projector.project(query);
        for (let p = 0; p < OUTPUTS; p++) {
          const [wanted, bound] = exactOutput(made, metric === 'cosine' ? unit(query) : query, p);
          expect(Math.abs(found[p]! - wanted)).toBeLessThanOrEqual(bound);
        }
      }
    }
    made.release();
  });

  test('of one that has no length is no NaN', () => {
    const made = scene(clustered(200, 24, 3), 24, 'cosine');
    expect(made.projector.project(new Float32Array(24)).every(Number.isFinite)).toBe(true);
    made.release();
  });

  test('of rows that are all alike is 0', () => {
    const made = scene(new Float32Array(24 * 9).fill(7), 24, 'euclidean');
    expect([...made.projector.project(new Float32Array(24).fill(1e9))].every((value) => value === 0)).toBe(
      true,
    );
    made.release();
  });
});

describe('a stored projection', () => {
  test.each([4, 17, 300, 4_096])('keeps to its sums and to its padding: %i dimensions', (dimension) => {
    // One dimension far wider than all others, and none: both limits of the weights.
    for (const widest of [1, 1e6]) {
      const rows = clustered(50, dimension, 8).map((value, i) =>
        i % dimension === 0 ? value * widest : value,
      );
      const made = scene(rows, dimension, 'euclidean');
      const stride = codeStride(dimension);
      for (let p = 0; p < OUTPUTS; p++) {
        const own = made.weights.subarray(p * stride, (p + 1) * stride);
        const sum = own.reduce((total, weight) => total + Math.abs(weight), 0);
        expect(sum * 256).toBeLessThan(2 ** 31);
        expect(sum).toBeGreaterThan(16_000);
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
