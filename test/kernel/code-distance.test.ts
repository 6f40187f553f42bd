/**
 * Strategy: the code kernels against their twins over every remainder of every block and large lengths, with random
 * codes, starts of any alignment, and with the extremes at which a sum would leave its integers first. `squares` and `centred` answer f32 made of
 * exact integer parts: equal to the twin but for the rounding of those parts.
 */
import { describe, expect, test } from 'vitest';
import { PAYLOAD_OFFSET } from '../../core/kernel/layout.js';
import {
  codeAbsoluteScalar,
  codeCentredScalar,
  codeProductScalar,
  codeSquaresScalar,
} from '../../core/kernel/scalar/code-distance.js';
import { lengths, newArena } from './fixture.js';
import { numberSource } from './number-source.js';

const arena = newArena(1_048_576);
const A = PAYLOAD_OFFSET;
const B = PAYLOAD_OFFSET + 32_768;
const WEIGHTS = PAYLOAD_OFFSET + 65_536;
const FOUR = PAYLOAD_OFFSET + 131_072;
const SUMS = PAYLOAD_OFFSET + 393_216;

interface Codes {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly weights: Int16Array;
  readonly stride: number;
}

/** Puts codes and weights with the padding that an index has, dirt beyond it. */
function place({ a, b, weights, stride }: Codes): void {
  arena.u8.fill(0xff, A, WEIGHTS + 65_536);
  for (const [at, codes] of [
    [A, a],
    [B, b],
  ] as const) {
    arena.u8.fill(0, at, at + stride);
    arena.u8.set(codes, at);
  }
  const words = new Int16Array(arena.u8.buffer, WEIGHTS, stride);
  words.fill(0);
  words.set(weights);
}

function codesOf(length: number, most: number, seed: number, signed: boolean): Codes {
  const next = numberSource(seed);
  const code = (): number => Math.floor((next() + 1) * 128);
  return {
    a: Uint8Array.from({ length }, code),
    b: Uint8Array.from({ length }, code),
    weights: Int16Array.from({ length }, () =>
      Math.trunc(signed ? next() * most : ((next() + 1) / 2) * (most + 0.99)),
    ),
    stride: Math.ceil(length / 16) * 16,
  };
}

/** The largest weight at which a sum of that many codes stays in i32. */
function roomFor(length: number): number {
  return Math.min(32_767, Math.floor(2_147_483_647 / 255 / Math.max(1, length)));
}

function expectClose(value: number, wanted: number, scale: number): void {
  expect(Math.abs(value - wanted)).toBeLessThanOrEqual(scale * 2 ** -20 + 1e-6);
}

test('equal their twins at unaligned starts', () => {
  const stride = 80;
  const signed = codesOf(stride, roomFor(stride), 3, true);
  const steps = codesOf(stride, 127, 4, false);
  const [product, absolute] = [
    codeProductScalar(signed.a, signed.weights),
    codeAbsoluteScalar(steps.a, steps.b, steps.weights),
  ];
  const squares = codeSquaresScalar(steps.a, steps.b, steps.weights);
  const middle = codeCentredScalar(steps.a, steps.b, steps.weights);
  const bytesOf = (words: Int16Array): Uint8Array => new Uint8Array(words.buffer);
  for (let shift = 0; shift < 16; shift++) {
    const [a, b, weights] = [A + shift, B + ((shift * 5 + 3) & 15), WEIGHTS + ((shift * 7 + 2) & 15)];
    arena.u8.set(signed.a, a);
    arena.u8.set(bytesOf(signed.weights), weights);
    expect(arena.exports.codeProduct(a, weights, stride)).toBe(product);
    for (let i = 0; i < 4; i++) arena.u8.set(bytesOf(signed.weights), FOUR + shift + i * stride * 2);
    arena.exports.codeProduct4(a, FOUR + shift, stride, SUMS);
    expect([...new Int32Array(arena.u8.buffer, SUMS, 4)]).toEqual([product, product, product, product]);
    arena.u8.set(steps.a, a);
    arena.u8.set(steps.b, b);
    arena.u8.set(bytesOf(steps.weights), weights);
    expect(arena.exports.codeAbsolute(a, b, weights, stride)).toBe(absolute);
    expectClose(arena.exports.codeSquares(a, b, weights, stride, 1, Infinity), squares, squares);
    expectClose(arena.exports.codeCentred(a, b, weights, stride, 1), middle, squares + Math.abs(middle));
  }
});

describe('codeProduct and codeAbsolute', () => {
  test.each([...lengths, 20_000])('equal their twins: %i dimensions', (length) => {
    const signed = codesOf(length, roomFor(length), length + 1, true);
    place(signed);
    expect(arena.exports.codeProduct(A, WEIGHTS, signed.stride)).toBe(
      codeProductScalar(signed.a, signed.weights) + 0,
    );
    const four = [3, 4, 5, 6].map((seed) => codesOf(length, roomFor(length), length + seed, true).weights);
    four.forEach((weights, i) => {
      const words = new Int16Array(arena.u8.buffer, FOUR + i * signed.stride * 2, signed.stride);
      words.fill(0);
      words.set(weights);
    });
    arena.exports.codeProduct4(A, FOUR, signed.stride, SUMS);
    expect([...new Int32Array(arena.u8.buffer, SUMS, 4)]).toEqual(
      four.map((weights) => codeProductScalar(signed.a, weights) + 0),
    );
    const steps = codesOf(length, roomFor(length), length + 2, false);
    place(steps);
    expect(arena.exports.codeAbsolute(A, B, WEIGHTS, steps.stride)).toBe(
      codeAbsoluteScalar(steps.a, steps.b, steps.weights),
    );
  });

  test.each([1, 16, 257, 4_096, 20_000])('at the edge of i32: %i dimensions', (length) => {
    const weight = roomFor(length);
    for (const sign of [1, -1]) {
      const codes: Codes = {
        a: new Uint8Array(length).fill(255),
        b: new Uint8Array(length),
        weights: new Int16Array(length).fill(sign * weight),
        stride: Math.ceil(length / 16) * 16,
      };
      place(codes);
      expect(arena.exports.codeProduct(A, WEIGHTS, codes.stride)).toBe(sign * 255 * weight * length);
      if (sign > 0)
        expect(arena.exports.codeAbsolute(B, A, WEIGHTS, codes.stride)).toBe(255 * weight * length);
    }
  });
});

describe('codeSquares and codeCentred', () => {
  test.each([...lengths, 20_000])('equal their twins: %i dimensions', (length) => {
    for (const [most, blocks] of [
      [31, 17],
      [127, 1],
      [60, 4],
    ] as const) {
      const codes = codesOf(length, most, length * 3 + most, false);
      place(codes);
      const squares = codeSquaresScalar(codes.a, codes.b, codes.weights);
      expectClose(arena.exports.codeSquares(A, B, WEIGHTS, codes.stride, blocks, Infinity), squares, squares);
      const size = codeSquaresScalar(codes.a, new Uint8Array(length).fill(128), codes.weights);
      expectClose(
        arena.exports.codeCentred(A, B, WEIGHTS, codes.stride, blocks),
        codeCentredScalar(codes.a, codes.b, codes.weights),
        size + squares,
      );
    }
  });

  test.each([
    [31, 17],
    [127, 1],
  ])('no lane overflows at weight %i with %i blocks', (weight, blocks) => {
    const length = 4_096;
    const codes: Codes = {
      a: new Uint8Array(length).fill(255),
      b: new Uint8Array(length),
      weights: new Int16Array(length).fill(weight),
      stride: length,
    };
    place(codes);
    const wanted = (255 * weight) ** 2 * length;
    expectClose(arena.exports.codeSquares(A, B, WEIGHTS, length, blocks, Infinity), wanted, wanted);
    expectClose(
      arena.exports.codeCentred(A, B, WEIGHTS, length, blocks),
      -127 * 128 * weight ** 2 * length,
      wanted,
    );
  });

  test('stops past the limit with a number above it', () => {
    const codes = codesOf(1_024, 31, 5, false);
    place(codes);
    const exact = codeSquaresScalar(codes.a, codes.b, codes.weights);
    for (const part of [0, 0.1, 0.5, 0.9]) {
      const found = arena.exports.codeSquares(A, B, WEIGHTS, 1_024, 2, exact * part);
      expect(found).toBeGreaterThan(exact * part);
      expect(found).toBeLessThanOrEqual(exact * 1.001);
    }
    expect(arena.exports.codeSquares(A, B, WEIGHTS, 1_024, 2, 0)).toBeLessThan(exact * 0.1);
  });
});
