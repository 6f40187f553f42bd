/** Uploads in parts whose requests fail: what is thrown, and what is no longer sent. The requests stand in for a store's. */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import { limits } from '../../core/base/limits.js';
import { openPartedUpload } from '../../core/store/adapters/bucket/index.js';
import type { PartedUpload } from '../../core/store/adapters/bucket/index.js';
import type { StoreVersion } from '../../core/store/index.js';
import { systemClock, systemRandom } from '../../core/system-ports.js';

const unavailable = (): CairnError => new CairnError('unavailable', 'store_unavailable', 'no answer');
const parts = new Uint8Array(2 * limits.uploadPartBytes + 1);

function upload(change: Partial<PartedUpload<number>>) {
  const calls: string[] = [];
  const opened = openPartedUpload<number>({
    ports: { clock: systemClock, random: systemRandom, sleep: async () => {} },
    key: 'key',
    parallel: 2,
    put: async () => ({ status: 'applied', version: 'v' as StoreVersion, modifiedMs: 0 }),
    begin: async () => 'id',
    send: async (_, { number }) => number,
    join: async (_, sent) => void calls.push(`join ${sent.join()}`),
    isJoined: async () => false,
    drop: async () => void calls.push('drop'),
    ...change,
  });
  return { opened, calls };
}

describe('an upload in parts', () => {
  it('joins its parts in their order, whichever arrived first', async () => {
    const waiting: (() => void)[] = [];
    const { opened, calls } = upload({
      send: async (_, { number }) => {
        if (number === 1) await new Promise<void>((resolve) => waiting.push(resolve));
        else waiting.forEach((go) => go());
        return number;
      },
    });
    await opened.write(parts);
    await opened.finish();
    expect(calls).toEqual(['join 1,2,3']);
  });

  it('has no end where it could not begin', async () => {
    const refused = new CairnError('forbidden', 'store_forbidden', 'no');
    const { opened, calls } = upload({ begin: () => Promise.reject(refused) });
    await expect(opened.write(parts)).rejects.toBe(refused);
    await expect(opened.write(new Uint8Array(1))).rejects.toBe(refused);
    await expect(opened.finish()).rejects.toBe(refused);
    expect(calls).toEqual([]);
  });

  it('has no end where a part failed', async () => {
    const { opened, calls } = upload({ send: () => Promise.reject(unavailable()) });
    await expect(opened.write(parts).then(() => opened.finish())).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await opened.abort();
    expect(calls).toEqual(['drop']);
  });

  it('sends nothing again once it is given up', async () => {
    let sent = 0;
    let fail: (() => void) | undefined;
    const { opened, calls } = upload({
      send: () => {
        sent++;
        return new Promise((_, reject) => (fail = () => reject(unavailable())));
      },
    });
    await opened.write(parts.subarray(0, limits.uploadPartBytes + 1));
    const given = opened.abort();
    fail!();
    await given;
    expect(sent).toBe(1);
    expect(calls).toEqual(['drop']);
  });
});
