import { expect, test } from 'vitest';
import { attempt, begunAhead, startAll } from '../../core/base/awaitable.js';
import type { Awaitable } from '../../core/base/awaitable.js';

/** What begins and ends, in order. */
function told(count: number, ahead: number, fails?: number): { log: string[]; ends: Awaitable<unknown> } {
  const log: string[] = [];
  const begins = Array.from({ length: count }, (_, i) => () => {
    if (i === fails) throw new Error(`no ${i}`);
    log.push(`+${i}`);
    return (): number => {
      log.push(`-${i}`);
      return i;
    };
  });
  return { log, ends: startAll(begunAhead(begins, ahead)) };
}

test('each ends before the next begins where none is to be ahead', () => {
  expect(told(3, 0)).toEqual({ log: ['+0', '-0', '+1', '-1', '+2', '-2'], ends: [0, 1, 2] });
});

test('so many are begun beside the one that ends, and all end in their order', () => {
  const { log, ends } = told(4, 2);
  expect(log).toEqual(['+0', '+1', '+2', '-0', '+3', '-1', '-2', '-3']);
  expect(ends).toEqual([0, 1, 2, 3]);
  expect(told(2, 8).log).toEqual(['+0', '+1', '-0', '-1']);
});

test('one that cannot begin fails all', () => {
  expect(() => told(4, 1, 2)).toThrow('no 2');
});

test('what is attempted answers at once, and fails as a promise where it throws', async () => {
  expect(attempt(() => 1)).toBe(1);
  const failed = attempt(() => {
    throw new Error('wrong');
  });
  expect(failed).toBeInstanceOf(Promise);
  await expect(failed).rejects.toThrow('wrong');
});
