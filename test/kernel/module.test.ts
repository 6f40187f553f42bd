/**
 * The modules as built: which one a host gets, what it asks for and offers, how large both are, and that they bring nothing to
 * be placed in memory.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, inject, test } from 'vitest';
import { Kernel, compileEmbeddedKernel } from '../../core/kernel/index.js';
import { module, newKernel } from './fixture.js';
import { takesRelaxedSimd } from './relaxed-support.js';

/** Of both together: what an embedded library carries. */
const gzippedBytesMax = 64 * 1024;

test('imports one memory and nothing else', () => {
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
});

test('writes nothing into its memory when it starts', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const page = new Uint8Array(memory.buffer);
  page.fill(0x5a);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  expect(page.every((byte) => byte === 0x5a)).toBe(true);
  expect(Object.keys(instance.exports)).toContain('scanTopK');
});

test('is the one that these tests are to run', () => {
  expect(newKernel().simd).toBe(inject('simd'));
});

test('has relaxed SIMD where the host takes it, and else is the plain one', async () => {
  const kernel = new Kernel(await compileEmbeddedKernel(), { memoryBudgetBytes: 1024 * 1024 });
  expect(kernel.simd).toBe(takesRelaxedSimd() ? 'relaxed' : 'plain');
});

test(`is at most ${gzippedBytesMax} bytes, gzipped, with the other one`, () => {
  const bytes = ['plain', 'relaxed'].map(
    (simd) => gzipSync(readFileSync(new URL(`../../build/wasm/${simd}.wasm`, import.meta.url))).length,
  );
  expect(bytes[0]! + bytes[1]!).toBeLessThanOrEqual(gzippedBytesMax);
});
