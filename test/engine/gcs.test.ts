/**
 * The suite of the engine on buckets, on a strict fake of Google Cloud Storage whose pages come short and empty; and what is that
 * store's own: a name takes one write per second.
 */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { gcsUrl, makeBucket } from '../engines/gcs-fake/bucket.js';
import { startGcsFake } from '../engines/gcs-fake/server.js';
import { bucketOverHttp } from './bucket-over-http.js';
import { closing, describeDatabaseIn, recordOf, shape } from './bucket-suite.js';

describe('on a fake', async () => {
  const fake = await startGcsFake();
  const bucket = makeBucket(fake);
  bucket.raggedPages = true;

  afterAll(() => fake.close());

  const harness = bucketOverHttp({
    origin: () => fake.url,
    urlOf: (origin, prefix) => gcsUrl(bucket, origin, prefix),
    create: 'POST',
  });

  describeDatabaseIn('Google Cloud Storage', harness);

  it('goes on where each name takes one write per second', { timeout: 240_000 }, async () => {
    const slow = await closing(harness.ways[0]('slow'));
    const c = await slow.createCollection('c', shape);
    bucket.slowWrites = true;
    onTestFinished(() => void (bucket.slowWrites = false));
    await Promise.all(Array.from({ length: 30 }, (_, row) => c.upsert([recordOf(row)])));
    await c.compact();
    expect((await c.count()).count).toBe(30);
    expect((await c.stats()).segments).toHaveLength(1);
  });
});
