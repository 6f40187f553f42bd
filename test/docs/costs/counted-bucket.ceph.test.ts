/** Holds the bucket that counts to the S3 adapter on a real store: the same calls, as many requests. */
import { describe, expect, it } from 'vitest';
import { openS3Store, parseS3Url } from '../../../core/store/adapters/s3/index.js';
import type { ObjectStore } from '../../../core/store/index.js';
import { gateways, makeBucket, realPorts, s3Url } from '../../engines/ceph/bucket.js';
import type { RequestCounts } from './counted-bucket.js';
import { newSite } from './scenario.js';

const MIB = 2 ** 20;

async function upload(store: ObjectStore, key: string, bytes: number): Promise<void> {
  const opened = await store.upload(key);
  await opened.write(new Uint8Array(bytes));
  await opened.finish();
}

const keys = Array.from({ length: 1_001 }, (_, i) => `key/${String(i).padStart(4, '0')}`);

/** What calls of the port are worth more than one request, and some that end without a body. */
const calls: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  'a put': (store) => store.put('a', new Uint8Array(9), { if: 'absent' }),
  'a refused put': (store) => store.put('a', new Uint8Array(9), { if: 'absent' }),
  'a get': (store) => store.get('a'),
  'a get of what is not there': (store) => store.get('b'),
  'a small upload': (store) => upload(store, 'small', 8 * MIB),
  'a large upload': (store) => upload(store, 'large', 20 * MIB),
  '1,001 puts': async (store) => {
    for (const key of keys) await store.put(key, new Uint8Array(1), { if: 'absent' });
  },
  'a list of 1,001 keys': (store) => store.list('key/'),
  'a list of the first key': (store) => store.list('key/', { limit: 1 }),
  'a deletion of 1,000 keys': (store) => store.delete(keys.slice(0, 1_000)),
};

const sum = (counts: RequestCounts): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe.skipIf(gateways.length === 0)('the bucket that counts', () => {
  it('counts as many requests as the S3 adapter sends', { timeout: 240_000 }, async () => {
    const { store, sent } = await openS3Store(
      parseS3Url(s3Url(await makeBucket('counted'), gateways[0]!)),
      realPorts,
    );
    const { bucket } = newSite();
    const [ofS3, counted]: Record<string, number>[] = [{}, {}];
    for (const [name, call] of Object.entries(calls)) {
      const before = [sent(), sum(bucket.counts())] as const;
      await call(store);
      await call(bucket);
      ofS3![name] = sent() - before[0];
      counted![name] = sum(bucket.counts()) - before[1];
    }
    await store.close();
    expect(counted).toEqual(ofS3);
    expect(counted).toMatchObject({ 'a large upload': 5, 'a list of 1,001 keys': 2 });
  });
});
