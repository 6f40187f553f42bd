import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { newObject } from '../../core/base/sealed-object.js';
import { SpareMemory } from '../../core/log/index.js';

const { spareMemoryBytesMin: least, spareMemoryBytesMax: most } = limits;

describe('spare memory', () => {
  it('gives out what was given back, once', () => {
    const spare = new SpareMemory();
    expect(spare.take()).toBeUndefined();
    const memory = new ArrayBuffer(least);
    spare.give(memory);
    expect(spare.take()).toBe(memory);
    expect(spare.take()).toBeUndefined();
  });

  it('keeps the larger of two, nothing small and nothing huge', () => {
    const spare = new SpareMemory();
    const [small, large] = [new ArrayBuffer(least), new ArrayBuffer(least + 1)];
    for (const memory of [small, large, small, new ArrayBuffer(least - 1), new ArrayBuffer(most + 1)]) {
      spare.give(memory);
    }
    expect(spare.take()).toBe(large);
  });

  it('makes the same object as fresh memory does, whatever it held', () => {
    const dirty = new Uint8Array(10_000).fill(0xff).buffer;
    for (const bytes of [0, 1, 5_000]) {
      const reused = newObject(bytes, dirty);
      expect(reused.bytes.buffer).toBe(dirty);
      expect(reused).toEqual(newObject(bytes));
    }
    expect(newObject(20_000, dirty).bytes.buffer).not.toBe(dirty);
  });
});
