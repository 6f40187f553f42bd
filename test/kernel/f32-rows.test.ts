/**
 * Strategy: rows as they were given, measured by the kernels against the twin of the distance: to the bit where rows are measured
 * exactly; in a walk's own order of additions, which counts the padding, as near as rounding allows. Keys beyond the count stay.
 */
import { describe, expect, test } from 'vitest';
import { F32Table, layOutF32Table } from '../../core/index/codes/f32/f32-table.js';
import { codeSizes } from '../../core/index/layout/coding.js';
import { KernelState } from '../../core/index/layout/kernel-state.js';
import { Layout } from '../../core/index/layout/shape.js';
import { HOP_BYTES } from '../../core/index/layout/state.js';
import { cosineScale, kernelMetric, metrics, PAYLOAD_OFFSET } from '../../core/kernel/index.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { lengths, newArena, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, u8, u32 } = arena;
const ROWS = 9;

function squared(vector: Float32Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0);
}

describe.each(metrics)('rows as they were given: %s', (metric) => {
  test.each(lengths.filter((length) => length > 0))('%i dimensions equal the twin', (dimension) => {
    const next = numberSource(dimension);
    const { stride, termBytes } = codeSizes({ kind: 'f32' }, { dimension, metric });
    const layout = new Layout(PAYLOAD_OFFSET);
    const scratch = layOutF32Table(layout, dimension);
    const [codes, terms] = [layout.take(stride * ROWS), layout.take(ROWS * 4)];
    const [pool, hop] = [layout.take((ROWS + 1) * 8), layout.take(HOP_BYTES)];
    expect(layout.end).toBeLessThanOrEqual(u8.length);
    u8.fill(0xa5, PAYLOAD_OFFSET, layout.end);
    const state = new KernelState(arena);
    state.set({ rows: ROWS, pool, hop });
    const table = new F32Table(arena, state, { dimension, metric, codes, terms, ...scratch });
    u8.fill(0, codes, codes + stride * ROWS);
    const rows = Array.from({ length: ROWS }, (_, row) => {
      const vector = randomVector(dimension, next);
      f32.set(vector, (codes + row * stride) / 4);
      if (termBytes > 0) f32[terms / 4 + row] = cosineScale(squared(vector));
      return vector;
    });
    const query = randomVector(dimension, next);
    table.select();
    table.prepare(query);
    const raw = rows.map((row) => distanceScalar(kernelMetric(metric), query, row));
    const exact = raw.map((value, row) =>
      termBytes > 0 ? Math.fround(value * f32[terms / 4 + row]!) + 0 : value + 0,
    );
    for (const row of rows.keys()) u32.set([row, 7], pool / 4 + 2 * row);
    u32.set([0xabcdef, 0xabcdef], pool / 4 + 2 * ROWS);
    table.measureExactly(ROWS);
    expect(rows.map((_, row) => f32[pool / 4 + 2 * row + 1])).toEqual(exact);
    expect(u32[pool / 4 + 2 * ROWS + 1]).toBe(0xabcdef);
    const found = exports.scanCodes(ROWS, 0);
    expect(found).toBe(ROWS);
    const scale = metric === 'cosine' ? 1 / Math.sqrt(squared(query)) : 1;
    const order = Array.from({ length: ROWS }, (_, i) => u32[pool / 4 + 2 * i]!);
    expect(order.toSorted((a, b) => a - b)).toEqual([...rows.keys()]);
    for (const [i, row] of order.entries()) {
      const key = u32[pool / 4 + 2 * i + 1]!;
      const bits = Uint32Array.of((key & 0x80000000) === 0 ? ~key : key ^ 0x80000000);
      const distance = new Float32Array(bits.buffer)[0]! + table.scale.offset;
      const wanted = exact[row]! * scale;
      expect(Math.abs(distance - wanted)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(wanted)));
    }
  });
});

test('a product of 0 is 0, whatever its sign', () => {
  const [dimension, metric] = [4, 'dot'] as const;
  const layout = new Layout(PAYLOAD_OFFSET);
  const scratch = layOutF32Table(layout, dimension);
  const [codes, pool] = [layout.take(16), layout.take(8)];
  const state = new KernelState(arena);
  state.set({ rows: 1, pool });
  const table = new F32Table(arena, state, { dimension, metric, codes, terms: 0, ...scratch });
  f32.set([0, 2, 0, 0], codes / 4);
  table.select();
  table.prepare(Float32Array.of(1, 0, 1, 0));
  u32[pool / 4] = 0;
  table.measureExactly(1);
  expect(f32[pool / 4 + 1]).toBe(0);
});
