/** A time limit asks for a timer only where the work does not end at once, and then holds. */
import { describe, expect, it } from 'vitest';
import { withTimeLimit } from '../../core/base/time-limit.js';
import type { Sleep } from '../../core/base/ports.js';

/** Sleeps that end when the test says so. */
function manual(): { readonly sleep: Sleep; readonly asked: number[]; readonly wake: () => void } {
  const asked: number[] = [];
  let wake = (): void => undefined;
  const sleep: Sleep = (ms) => {
    asked.push(ms);
    return new Promise((resolve) => (wake = resolve));
  };
  return { sleep, asked, wake: () => wake() };
}

describe('work that ends without waiting', () => {
  it('gets no timer', async () => {
    const { sleep, asked } = manual();
    expect(await withTimeLimit(sleep, 50, Promise.resolve(7))).toBe(7);
    await expect(withTimeLimit(sleep, 50, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(asked).toEqual([]);
  });
});

describe('work that waits', () => {
  it('is given up at its limit, and its own failure later is nobody’s', async () => {
    const { sleep, asked, wake } = manual();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<number>((_, reject) => (fail = reject));
    const limited = withTimeLimit(sleep, 50, work, 'unknown');
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual([50]);
    wake();
    await expect(limited).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' });
    fail(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('is answered where it ends in time', async () => {
    const { sleep, asked } = manual();
    const work = new Promise<string>((resolve) => setTimeout(() => resolve('done'), 5));
    expect(await withTimeLimit(sleep, 50, work)).toBe('done');
    expect(asked).toEqual([50]);
  });
});
