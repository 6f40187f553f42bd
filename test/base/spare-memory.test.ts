import { describe, expect, it } from 'vitest';
import { newObject } from '../../core/base/sealed-object.js';
import { SpareMemory } from '../../core/base/spare-memory.js';

const KiB = 1024;

describe('spare memory', () => {
  it('gives out what was given back, once, for anything from half of it to all of it', () => {
    const spare = new SpareMemory(1024 * KiB);
    const memory = new ArrayBuffer(100 * KiB);
    for (const [bytes, expected] of [
      [100 * KiB + 1, undefined],
      [50 * KiB - 1, undefined],
      [50 * KiB, memory],
      [100 * KiB, memory],
    ] as const) {
      spare.give(memory);
      expect(spare.tryTake(bytes)).toBe(expected);
      if (expected === undefined) expect(spare.tryTake(100 * KiB)).toBe(memory);
      expect(spare.tryTake(100 * KiB)).toBeUndefined();
    }
  });

  it('keeps no more than it may, and lets go of the oldest', () => {
    const spare = new SpareMemory(300 * KiB);
    const [first, second, third] = [
      new ArrayBuffer(100 * KiB),
      new ArrayBuffer(150 * KiB),
      new ArrayBuffer(150 * KiB),
    ];
    for (const memory of [first, second, third, new ArrayBuffer(301 * KiB), new ArrayBuffer(KiB)])
      spare.give(memory);
    expect(spare.tryTake(100 * KiB)).toBe(third);
    expect(spare.tryTake(100 * KiB)).toBe(second);
    expect(spare.tryTake(100 * KiB)).toBeUndefined();
  });

  it('makes the same object as fresh memory does, whatever it held', () => {
    for (const bytes of [100_000, 150_000]) {
      const spare = new SpareMemory(1024 * KiB);
      const dirty = new Uint8Array(200_000).fill(0xff).buffer;
      spare.give(dirty);
      const reused = newObject(bytes, spare);
      expect(reused.bytes.buffer).toBe(dirty);
      const fresh = newObject(bytes);
      expect(reused.bytes).toEqual(fresh.bytes);
      expect(reused.body.byteOffset).toBe(fresh.body.byteOffset);
    }
  });
});
