/** Strategy: a budget for a few filters, more of which are put there; what was asked for lately stays. */
import { expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { FilterCache } from '../../core/segment/index.js';
import type { FilterRows } from '../../core/segment/index.js';

const rows = (bytes: number, open?: number): FilterRows => ({
  ...{ sure: new Uint8Array(bytes), count: 0 },
  open: open === undefined ? undefined : new Uint8Array(open),
});

test('keeps what was asked for lately, within its budget', () => {
  const cache = new FilterCache(10_000);
  const first = rows(700);
  cache.put('0', first);
  for (let i = 1; i < 40; i++) {
    cache.put(String(i), rows(500, 200));
    expect(cache.tryGet('0')).toBe(first);
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(cache.bytes).toBeGreaterThan(8_000);
  expect(cache.tryGet('39')).toBeDefined();
  expect(cache.tryGet('1')).toBeUndefined();
  const before = cache.bytes;
  cache.put('39', rows(100));
  expect(cache.bytes).toBe(before);
});

test('keeps nothing that takes much of its budget, and no filter of a great length', () => {
  const cache = new FilterCache(100_000);
  cache.put('large', rows(6_000, 7_000));
  cache.put('x'.repeat(limits.filterCacheName + 1), rows(10));
  expect(cache.bytes).toBe(0);
  cache.put('x'.repeat(limits.filterCacheName), rows(4_000, 4_000));
  expect(cache.bytes).toBeGreaterThan(10_000);
});
