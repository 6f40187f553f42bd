/** The module as built: what it asks for, what it offers, and that it brings nothing to be placed in memory. */
import { expect, test } from 'vitest';
import { compileEmbeddedKernel } from '../../core/kernel/index.js';

const module = await compileEmbeddedKernel();

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
