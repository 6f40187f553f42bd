/**
 * Strategy: rows decoded and compared by the kernel against the twins, bit for bit, for every metric and length, whatever the
 * ranges are. The room for a row is guarded behind its last block; keys beyond the count stay as they are.
 */
import { describe, expect, test } from 'vitest';
import { stateOffsets } from '../../core/index/layout/state.js';
import { INDEX_STATE_OFFSET, PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../../core/kernel/metric.js';
import { distanceScalar } from '../../core/kernel/scalar/distance.js';
import { decodeRowScalar } from '../../core/kernel/scalar/exact-rows.js';
import { lengths, newArena, putNumbers, randomVector } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const { exports, f32, u8, u32 } = arena;
const POOL = PAYLOAD_OFFSET;
const CODES = PAYLOAD_OFFSET + 1_024;
const QUERY = PAYLOAD_OFFSET + 65_536;
const LOWS = PAYLOAD_OFFSET + 131_072;
const ROW = PAYLOAD_OFFSET + 262_144;
const GUARD = -12_345.5;
const ROWS = 5;
/** Some of the rows, one of them twice. */
const WANTED = [3, 0, 4, 3];

function put(name: keyof typeof stateOffsets, value: number): void {
  u32[(INDEX_STATE_OFFSET + stateOffsets[name]) / 4] = value;
}

interface Case {
  readonly lo: Float32Array;
  readonly step: Float32Array;
  readonly query: Float32Array;
}

/** Codes of all rows as they lie, padding included. */
function place({ lo, step, query }: Case, seed: number): Uint8Array {
  const stride = Math.ceil(lo.length / 16) * 16;
  const next = numberSource(seed);
  const codes = Uint8Array.from({ length: ROWS * stride }, () => Math.floor((next() + 1) * 128));
  u8.set(codes, CODES);
  putNumbers(arena, QUERY, query);
  putNumbers(arena, LOWS, lo);
  putNumbers(arena, LOWS + 4 * lo.length, step);
  f32.fill(GUARD, ROW / 4, ROW / 4 + stride + 16);
  u32.fill(0xabcdef, POOL / 4, POOL / 4 + 2 * WANTED.length + 2);
  WANTED.forEach((row, i) => (u32[POOL / 4 + 2 * i] = row));
  put('pool', POOL);
  put('codes', CODES);
  put('stride', stride);
  return codes;
}

function mustEqualTwins(kind: number, given: Case, seed: number): void {
  const dimension = given.lo.length;
  const codes = place(given, seed);
  const stride = codes.length / ROWS;
  put('kind', kind);
  exports.measureExactly(WANTED.length, QUERY, LOWS, dimension, ROW);
  const expected = WANTED.map((row) => {
    const decoded = decodeRowScalar(
      codes.subarray(row * stride, row * stride + dimension),
      given.lo,
      given.step,
    );
    return distanceScalar(kind, given.query, decoded) + 0;
  });
  const found = WANTED.map((_, i) => f32[POOL / 4 + 2 * i + 1]!);
  expect(found).toEqual(expected);
  expect(found.some((value) => Object.is(value, -0))).toBe(false);
  expect(WANTED.map((_, i) => u32[POOL / 4 + 2 * i])).toEqual(WANTED);
  expect(u32[POOL / 4 + 2 * WANTED.length + 1]).toBe(0xabcdef);
  expect(f32.subarray(ROW / 4 + stride, ROW / 4 + stride + 16).every((value) => value === GUARD)).toBe(true);
}

describe.each([
  ['L2', KERNEL_L2],
  ['dot', KERNEL_DOT],
  ['L1', KERNEL_L1],
] as const)('exact rows by %s', (_, kind) => {
  test.each(lengths)('equal the twin: %i dimensions', (dimension) => {
    const next = numberSource(dimension + kind);
    const whole = {
      lo: Float32Array.from({ length: dimension }, () => Math.floor(next() * 300)),
      step: Float32Array.from({ length: dimension }, (_step, d) => (d % 7 === 3 ? 0 : 1)),
      query: randomVector(dimension, next).map((value) => value * 200),
    };
    mustEqualTwins(kind, whole, dimension);
    const any = { ...whole, lo: randomVector(dimension, next), step: randomVector(dimension, next) };
    mustEqualTwins(kind, any, dimension + 1);
  });

  test.each([
    ['NaN', Number.NaN],
    ['denormals', 1e-45],
    ['the largest number', 3.4028235e38],
    ['no length', 0],
  ])('equal the twin: a query of %s', (_name, value) => {
    for (const dimension of [1, 17, 64]) {
      const given = {
        lo: new Float32Array(dimension).fill(-128),
        step: new Float32Array(dimension).fill(1),
        query: new Float32Array(dimension).fill(value),
      };
      mustEqualTwins(kind, given, dimension);
    }
  });
});
