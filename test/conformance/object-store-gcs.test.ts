/**
 * The conformance suite of the store port on the adapter for Google Cloud Storage and a strict fake of it: two clients, which share
 * nothing but a bucket. Pages come short and empty, and parts of uploads are kept in part.
 */
import { afterAll, describe, onTestFinished } from 'vitest';
import { gcsUrl, makeBucket, openStore } from '../engines/gcs-fake/bucket.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { startFaultProxy } from '../engines/fault-proxy.js';
import { describeObjectStore } from './object-store.js';

describe('on a fake', async () => {
  const fake = await startGcsFake();
  const bucket = makeBucket(fake);
  bucket.raggedPages = true;
  bucket.keeps = (bytes) => (bytes > 4 * 1024 * 1024 ? bytes - 256 * 1024 : bytes);

  afterAll(() => fake.close());

  describeObjectStore(
    'gcs',
    async () => ({
      store: await openStore(gcsUrl(bucket, fake.url)),
      openAnother: () => openStore(gcsUrl(bucket, fake.url)),
      dispose: async () => {},
      leeway: { noNames: /[\r\n]/ },
    }),
    {
      shorten: async () => {
        bucket.cutAt = 5_000;
      },
      openForbidden: async () => {
        const proxy = await startFaultProxy(fake.url);
        const stranger = await openStore(gcsUrl(bucket, proxy.url));
        proxy.use({ before: ({ headers }) => void (headers['authorization'] = 'Bearer of another') });
        onTestFinished(() => proxy.close());
        return stranger;
      },
    },
  );
});
