/**
 * Strategy: the kernels of projections against their twins, between guards that must stay as they are. Sums of integers are
 * exact: `project` equals its twin to the last bit, for values of bytes and for larger ones, which it may multiply by different
 * instructions, and also where a sum is as large as weights of any bytes can make it. Sums of
 * f32 are exact where all parts are small integers, and near the twin's elsewhere.
 */
import { describe, expect, test } from 'vitest';
import { stateOffsets } from '../../core/index/layout/state.js';
import { INDEX_STATE_OFFSET, PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import {
  addProductsScalar,
  addScaledScalar,
  projectScalar,
  type Weights,
} from '../../core/kernel/scalar/projection.js';
import { expectSame, newArena, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, u8, u32 } = arena;
const VALUES = PAYLOAD_OFFSET;
const CODES = PAYLOAD_OFFSET + 8_192;
const OUT = PAYLOAD_OFFSET + 65_536;
const PROJECTION = PAYLOAD_OFFSET + 262_144;
const ROOM = 131_072;
const GUARD = -12_345.5;
/** What no value may leave: wasm/query.ts. */
const VALUE_MAX = 4_095;
/** What the relaxed module multiplies as bytes. */
const BYTE_MAX = 127;

function put(name: keyof typeof stateOffsets, value: number): void {
  u32[(INDEX_STATE_OFFSET + stateOffsets[name]) / 4] = value;
}

function place({ weights, factors }: Weights, stride: number): void {
  put('stride', stride);
  put('outputs', factors.length);
  put('values', VALUES);
  put('codes', CODES);
  put('projection', PROJECTION);
  new Int8Array(arena.u8.buffer, PROJECTION, weights.length).set(weights);
  f32.set(factors, (PROJECTION + weights.length) / 4);
  f32.fill(GUARD, OUT / 4, (OUT + ROOM) / 4);
}

/** The numbers at OUT. What lies behind them was not written. */
function mustAnswer(count: number): Float32Array {
  expect(f32.subarray(OUT / 4 + count, (OUT + ROOM) / 4).every((value) => value === GUARD)).toBe(true);
  return f32.slice(OUT / 4, OUT / 4 + count);
}

/** Any bytes: a file may hold -128, too. */
function weightsOf(stride: number, outputs: number, seed: number): Weights {
  const next = numberSource(seed);
  return {
    weights: Int8Array.from({ length: outputs * stride }, () => Math.floor(next() * 128)),
    factors: Float32Array.from({ length: outputs }, () => next() * 10 ** Math.floor(next() * 20)),
  };
}

const shapes = [16, 32, 48, 64, 80, 128, 256, 304, 384, 768, 784, 1_024, 1_536, 2_048, 3_072, 4_096].flatMap(
  (stride) => [4, 8, 12, 64].map((outputs) => [stride, outputs] as const),
);

/** Puts the values anew, because `project` uses them up. */
function projected(values: Int16Array, scale: number, outputs: number): Float32Array {
  new Int16Array(u8.buffer, VALUES, values.length).set(values);
  exports.project(scale, OUT);
  return mustAnswer(outputs);
}

describe('project', () => {
  test.each(shapes)('equals its twin: a stride of %i, %i outputs', (stride, outputs) => {
    const weights = weightsOf(stride, outputs, stride + outputs);
    place(weights, stride);
    for (const [most, scale] of [
      [0, 1],
      [1, 1.7],
      [BYTE_MAX, 1],
      [BYTE_MAX + 1, 3e6],
      [VALUE_MAX, 1.7],
    ] as const) {
      const next = numberSource(stride + most);
      const values = Int16Array.from({ length: stride }, () => Math.round(next() * most));
      // The largest of both signs, which decide how the others are multiplied.
      values.set([most, -most], stride - 2);
      expectSame(projected(values, scale, outputs), projectScalar(values, weights, scale));
    }
  });

  test('equals its twin wherever one value is no byte', () => {
    const weights = weightsOf(48, 4, 3);
    place(weights, 48);
    const next = numberSource(4);
    for (let at = 0; at < 48; at++) {
      for (const large of [BYTE_MAX + 1, -BYTE_MAX - 1, VALUE_MAX, -VALUE_MAX]) {
        const values = Int16Array.from({ length: 48 }, () => Math.round(next() * BYTE_MAX));
        values[at] = large;
        expectSame(projected(values, 1, 4), projectScalar(values, weights, 1));
      }
    }
  });

  test.each([
    ['the first two outputs', 0, 1],
    ['the last two outputs', 2, 3],
  ])('at the edge of i32: %s', (_, above, below) => {
    // The most dimensions there are, times the largest of both: 524,287 below 2^31.
    for (const stride of [256, 2_048, 4_096]) {
      for (const weight of [127, -128]) {
        const sums = new Int8Array(4 * stride);
        sums.fill(weight, above * stride, (above + 1) * stride);
        // Of the other sign, and as large as that allows.
        sums.fill(weight < 0 ? 127 : -128, below * stride, (below + 1) * stride);
        place({ weights: sums, factors: Float32Array.of(1, 1, 1, 1) }, stride);
        for (const value of [VALUE_MAX, -VALUE_MAX, BYTE_MAX, -BYTE_MAX]) {
          const found = projected(new Int16Array(stride).fill(value), 1, 4);
          for (const [p, sum] of found.entries())
            expect(sum).toBe(Math.fround(value * sums[p * stride]! * stride) + 0);
        }
      }
    }
  });
});

describe('projectRows', () => {
  test.each(shapes)('decodes, then equals the twin: a stride of %i, %i outputs', (stride, outputs) => {
    const weights = weightsOf(stride, outputs, stride * outputs);
    place(weights, stride);
    const next = numberSource(outputs);
    const count = Math.min(9, Math.floor(57_344 / stride));
    const codes = Uint8Array.from({ length: count * stride }, () => Math.floor((next() + 1) * 128));
    // Both ends of the codes, and their middle.
    codes.set([0, 255, 128], stride);
    u8.set(codes, CODES);
    const first = 2;
    exports.projectRows(first, count - first, OUT);
    const found = mustAnswer((count - first) * outputs);
    for (let row = first; row < count; row++) {
      const values = Int16Array.from(codes.subarray(row * stride, (row + 1) * stride), (code) => code - 128);
      const at = (row - first) * outputs;
      expectSame(found.subarray(at, at + outputs), projectScalar(values, weights, 1));
    }
  });

  test('of no rows writes nothing', () => {
    place(weightsOf(16, 4, 1), 16);
    exports.projectRows(0, 0, OUT);
    mustAnswer(0);
  });
});

const products = [4, 8, 20, 64, 300].flatMap((length) =>
  [1, 2, 5].flatMap((aRows) => [4, 8, 28].map((bRows) => [length, aRows, bRows] as const)),
);

describe('addProducts', () => {
  test.each(products)('adds to what is there: length %i, %i rows by %i', (length, aRows, bRows) => {
    const next = numberSource(length * aRows + bRows);
    const integers = (count: number): Float32Array =>
      Float32Array.from({ length: count }, () => Math.round(next() * 100));
    for (const isExact of [true, false]) {
      const make = isExact ? integers : (count: number): Float32Array => randomVector(count, next);
      const [a, b, out] = [make(aRows * length), make(bRows * length), make(aRows * bRows)];
      f32.fill(GUARD, OUT / 4, (OUT + ROOM) / 4);
      f32.set(a, CODES / 4);
      f32.set(b, PROJECTION / 4);
      f32.set(out, OUT / 4);
      exports.addProducts(CODES, aRows, PROJECTION, bRows, length, OUT);
      const found = mustAnswer(aRows * bRows);
      const wanted = addProductsScalar(a, b, length, out);
      if (isExact) expect([...found]).toEqual([...wanted]);
      else for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-4);
    }
  });

  test('of no rows writes nothing', () => {
    f32.fill(GUARD, OUT / 4, (OUT + ROOM) / 4);
    exports.addProducts(CODES, 0, PROJECTION, 4, 8, OUT);
    exports.addProducts(CODES, 3, PROJECTION, 0, 8, OUT);
    mustAnswer(0);
  });
});

describe('addScaled', () => {
  test.each([0, 4, 8, 12, 64, 300, 4_096])('equals its twin: %i numbers', (length) => {
    const next = numberSource(length);
    const [target, source] = [randomVector(length, next), randomVector(length, next)];
    for (const factor of [0, 1, -1, 0.3, -7e5]) {
      f32.fill(GUARD, OUT / 4, (OUT + ROOM) / 4);
      f32.set(target, OUT / 4);
      f32.set(source, PROJECTION / 4);
      exports.addScaled(OUT, PROJECTION, factor, length);
      expect(mustAnswer(length)).toEqual(addScaledScalar(target, source, factor));
      expect(f32.slice(PROJECTION / 4, PROJECTION / 4 + length)).toEqual(source);
    }
  });
});
