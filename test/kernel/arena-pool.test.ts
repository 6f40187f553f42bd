/** The pool: reuse, the budget, and what happens to idle arenas when it is tight. */
import { describe, expect, test } from 'vitest';
import { utf8Encode } from '../../core/base/bytes.js';
import { isCairnError } from '../../core/base/errors.js';
import { ArenaPool, arenaBytes, arenaClasses } from '../../core/kernel/index.js';
import { module } from './fixture.js';

const SMALL = arenaClasses[0];
const MEDIUM = arenaClasses[1];
const LARGE = arenaClasses[2];

function refusalOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    if (isCairnError(error)) return { kind: error.kind, code: error.code, details: error.details };
    throw error;
  }
  return 'accepted';
}

describe('ArenaPool', () => {
  test('gives a released arena out again, and counts', () => {
    const pool = new ArenaPool(module, 10 * arenaBytes(LARGE));
    const first = pool.acquire(MEDIUM);
    expect(first.u8.byteLength).toBe(arenaBytes(MEDIUM));
    expect(pool.usage()).toMatchObject({ usedBytes: arenaBytes(MEDIUM), idleBytes: 0 });
    pool.release(first);
    expect(pool.usage()).toMatchObject({ usedBytes: 0, idleBytes: arenaBytes(MEDIUM) });
    const other = pool.acquire(SMALL);
    expect(other).not.toBe(first);
    expect(pool.acquire(MEDIUM)).toBe(first);
    expect(pool.usage()).toMatchObject({ usedBytes: arenaBytes(MEDIUM) + arenaBytes(SMALL), idleBytes: 0 });
  });

  test('the largest arena ends at 2 GiB, and kernels read it to its end', () => {
    const largest = arenaClasses.at(-1)!;
    const pool = new ArenaPool(module, arenaBytes(largest));
    const arena = pool.acquire(largest);
    const end = 2 ** 31;
    expect(arena.u8.byteLength).toBe(end);
    const { exports, f32, u8 } = arena;
    f32.set([1, 2, 3, 4, 5, 6], end / 4 - 6);
    expect(exports.l2Squared(end - 24, end - 12, 3)).toBe(27);
    u8.set(utf8Encode('123456789'), end - 9);
    exports.init();
    // The check value of CRC-32C.
    expect(exports.crc32c(0, end - 9, 9) >>> 0).toBe(0xe306_9283);
    pool.release(arena);
  });

  test('refuses what exceeds the budget, naming value and maximum, and goes on', () => {
    const budget = arenaBytes(SMALL) + arenaBytes(MEDIUM);
    const pool = new ArenaPool(module, budget);
    const medium = pool.acquire(MEDIUM);
    pool.acquire(SMALL);
    expect(refusalOf(() => pool.acquire(SMALL))).toEqual({
      kind: 'unavailable',
      code: 'memory_budget_exceeded',
      details: { value: budget + arenaBytes(SMALL), maximum: budget },
    });
    expect(pool.usage()).toEqual({ usedBytes: budget, idleBytes: 0, budgetBytes: budget });
    pool.release(medium);
    expect(pool.acquire(MEDIUM)).toBe(medium);
  });

  test('lets idle arenas of other classes go where the budget is tight, the smallest first', () => {
    const pool = new ArenaPool(module, arenaBytes(LARGE) + 2 * arenaBytes(SMALL));
    const idle = [pool.acquire(SMALL), pool.acquire(SMALL), pool.acquire(SMALL), pool.acquire(MEDIUM)];
    for (const arena of idle) pool.release(arena);
    const large = pool.acquire(LARGE);
    const usage = pool.usage();
    expect(usage.usedBytes).toBe(arenaBytes(LARGE));
    expect(usage.usedBytes + usage.idleBytes).toBeLessThanOrEqual(usage.budgetBytes);
    pool.release(large);
    expect(pool.acquire(LARGE)).toBe(large);
  });

  test('an idle arena of the class is given out whatever the budget', () => {
    const pool = new ArenaPool(module, arenaBytes(SMALL));
    const arena = pool.acquire(SMALL);
    pool.release(arena);
    expect(pool.acquire(SMALL)).toBe(arena);
  });

  test('finds a second release out', () => {
    const pool = new ArenaPool(module, arenaBytes(SMALL));
    const arena = pool.acquire(SMALL);
    pool.release(arena);
    expect(() => pool.release(arena)).toThrow('an arena was released twice');
    expect(pool.usage()).toMatchObject({ usedBytes: 0, idleBytes: arenaBytes(SMALL) });
  });
});
