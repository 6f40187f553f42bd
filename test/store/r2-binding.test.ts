/** The door of the R2 store: that the binding of Cloudflare's types fits, and what is refused before anything is asked of one. */
import type { R2Bucket } from '@cloudflare/workers-types';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { open } from '../../core/index.js';
import { openR2Store } from '../../core/r2.js';
import type { R2Binding, R2StoreOptions } from '../../core/r2.js';

const unasked = (): never => {
  throw new Error('the bucket was asked');
};

const bucket: R2Binding = {
  ...{ head: unasked, get: unasked, put: unasked, list: unasked, delete: unasked },
  ...{ createMultipartUpload: unasked, resumeMultipartUpload: unasked },
};

describe('openR2Store', () => {
  // Judged by the compiler: npm run types.
  it("takes what Cloudflare's types call a bucket of R2", () => {
    expectTypeOf<R2Bucket>().toExtend<R2Binding>();
  });

  it.each([
    [{}, 'r2://BUCKET/'],
    [{ name: 'VECTORS', prefix: '' }, 'r2://VECTORS/'],
    [{ prefix: 'a' }, 'r2://BUCKET/a/'],
    [{ prefix: '/a/b é/' }, 'r2://BUCKET/a/b é/'],
  ])('of %j names its store %s', async (options, description) => {
    const store = await openR2Store(bucket, { ...options, selfTest: false });
    expect(store.description).toBe(description);
  });

  it.each([undefined, null, 'BUCKET', {}])('refuses what is no binding: %j', async (given) => {
    await expect(openR2Store(given as never)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_binding',
      message: expect.stringContaining('r2_buckets') as unknown,
    });
  });

  it.each([
    [{ prefx: 'a' }, 'unknown_field'],
    [{ name: 'a b' }, 'invalid_request'],
    [{ prefix: 7 }, 'invalid_request'],
    [{ prefix: 'x'.repeat(513) }, 'limit_exceeded'],
    [{ prefix: 'a\ud800' }, 'invalid_key'],
    [{ selfTest: 'no' }, 'invalid_request'],
    [{ answerMs: 0 }, 'invalid_request'],
    [{ answerMs: 600_001 }, 'limit_exceeded'],
    [{ customerKey: 'secret' }, 'invalid_customer_key'],
    [{ customerKey: new Uint8Array(31) }, 'invalid_customer_key'],
  ])('refuses the options %j', async (options, code) => {
    await expect(openR2Store(bucket, options as R2StoreOptions)).rejects.toMatchObject({
      kind: 'invalid',
      code,
    });
  });

  it('is where the customer key of its store is given, and not open()', async () => {
    const store = await openR2Store(bucket, { selfTest: false });
    const opened = open('r2:BUCKET', { store, customerKey: new Uint8Array(32) });
    await expect(opened).rejects.toMatchObject({ kind: 'invalid', code: 'invalid_customer_key' });
  });

  it('is what open() asks for where it is given a URL alone', async () => {
    await expect(open('r2:BUCKET')).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_store_url',
      message: expect.stringContaining('cairndb/r2') as unknown,
    });
  });
});
