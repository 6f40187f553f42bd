/** Deletions one by one: how many are on their way at a time, and what becomes of the others where one fails. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { deleteEach } from '../../core/store/adapters/bucket/index.js';

const keys = Array.from({ length: 100 }, (_, at) => `key/${at}`);

describe('deletions one by one', () => {
  it('are of each key once, and of so many at a time', async () => {
    const begun: string[] = [];
    let [under, most] = [0, 0];
    await deleteEach([...keys, ...keys], async (key) => {
      begun.push(key);
      most = Math.max(most, ++under);
      await setImmediate();
      under--;
    });
    expect(begun).toEqual(keys);
    expect(most).toBe(limits.deletesParallel);
  });

  it('end with the first failure, when those on their way have ended', async () => {
    let [begun, ended] = [0, 0];
    const deleting = deleteEach(keys, async (key) => {
      begun++;
      await setImmediate();
      if (key !== 'key/0') await setImmediate();
      ended++;
      if (key === 'key/0' || key === 'key/1') throw new Error(key);
    });
    await expect(deleting).rejects.toThrow('key/0');
    expect([begun, ended]).toEqual([limits.deletesParallel, limits.deletesParallel]);
  });
});
