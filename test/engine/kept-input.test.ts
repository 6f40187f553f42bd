import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { keepInput } from '../../core/engine/input/kept-input.js';

test('arrays, plain objects and floats are copied, to the bottom', () => {
  const floats = Float32Array.of(1, 2);
  const given = {
    a: [1, { b: 'x', floats }],
    none: null,
    bare: Object.assign(Object.create(null), { y: 1 }),
  };
  const kept = keepInput(given) as typeof given;
  expect(kept).toEqual(given);
  floats[0] = 9;
  (given.a[1] as { b: string }).b = 'changed';
  given.a.push(3);
  expect(kept.a).toEqual([1, { b: 'x', floats: Float32Array.of(1, 2) }]);
  expect(Object.getPrototypeOf(kept.bare)).toBeNull();
});

test('what is no data stays what it is, so that checks refuse it as they would have', () => {
  const given = [new Date(0), new Map(), () => 1, Symbol.iterator, 1n, undefined, 'text'];
  const kept = keepInput(given) as unknown[];
  expect(kept.every((value, i) => value === given[i])).toBe(true);
});

test('a key named __proto__ arrives as a key', () => {
  const kept = keepInput(JSON.parse('{"a":{"__proto__":{"polluted":1}}}')) as { a: object };
  expect(Object.keys(kept.a)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(kept.a)).toBe(Object.prototype);
});

test('cycles and shared parts cost what they are, not what they unfold to', () => {
  const cycle: Record<string, unknown> = {};
  cycle['left'] = cycle;
  cycle['right'] = cycle;
  const kept = keepInput(cycle) as Record<string, unknown>;
  expect(kept).not.toBe(cycle);
  expect(kept['left']).toBe(kept);
  let shared: unknown = [1];
  for (let i = 0; i < 60; i++) shared = [shared, shared];
  const [left, right] = keepInput(shared) as [unknown, unknown];
  expect(left).toBe(right);
});

test('input of any depth ends', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(Array.isArray(keepInput(deep))).toBe(true);
});

test('more values than a request may have are refused before they fill the memory', () => {
  const empty = Array.from({ length: limits.keptValues }, (): unknown[] => []);
  expect(() => keepInput({ vectors: empty })).toThrow(
    /^request: keptValues is 4194305, the maximum is 4194304$/,
  );
});
