/**
 * What the kernel tests share: the compiled module, raw arenas, lengths, and numbers that break kernels. Each of the two modules
 * has a project of its own that runs these tests (vitest.config.ts) and says by `simd` which one they are to run.
 */
import fc from 'fast-check';
import { expect, inject } from 'vitest';
import { Arena } from '../../core/kernel/arena.js';
import { Kernel, compileEmbeddedKernel } from '../../core/kernel/index.js';
import type { Simd } from '../../core/kernel/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent where the host's own choice is tested. */
    simd: Simd | undefined;
  }
}

export const module = await compileEmbeddedKernel(inject('simd'));

export function newKernel(memoryBudgetBytes = 64 * 1024 * 1024): Kernel {
  return new Kernel(module, { memoryBudgetBytes });
}

/** An arena of the smallest class, ready for checksums. */
export function newArena(bytes: 262_144 | 1_048_576 = 262_144): Arena {
  const arena = new Arena(module, bytes);
  arena.exports.init();
  return arena;
}

/** Every remainder of every block length in use, and the dimensions of common embeddings. */
export const lengths: readonly number[] = [
  ...Array.from({ length: 68 }, (_, i) => i),
  128,
  256,
  384,
  768,
  1024,
  1536,
  3072,
  4096,
];

export function randomVector(length: number, next: () => number): Float32Array {
  return Float32Array.from({ length }, next);
}

/** Zeros of both signs, denormals, extremes, infinities and NaN among ordinary numbers. */
export const awkwardNumber: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38, 1e19, -1e19),
  },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

/** Puts the numbers at any byte offset, aligned or not. */
export function putNumbers(arena: Arena, offset: number, values: Float32Array): void {
  arena.u8.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
}

/** Equal to the byte, and of one kind. Long arrays are compared number by number only where they differ, to say how. */
export function expectSame(found: Numbers, wanted: Numbers): void {
  const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  if (found.constructor !== wanted.constructor || !bytesOf(found).equals(bytesOf(wanted)))
    expect(found).toEqual(wanted);
}

type Numbers = Uint8Array | Int16Array | Float32Array;
