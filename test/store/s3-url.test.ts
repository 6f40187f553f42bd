/** Store URLs of buckets: what they mean, what is refused, and that a refusal repeats nothing that may be secret. */
import { describe, expect, it } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { open } from '../../core/index.js';
import { parseS3Url } from '../../core/store/adapters/s3/index.js';

describe('s3: URLs', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '', pathStyle: false }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '', pathStyle: false }],
    ['s3://my.Bucket_1/a/b/', { bucket: 'my.Bucket_1', prefix: 'a/b/', pathStyle: false }],
    ['s3://bucket/a%20b/%C3%A9', { bucket: 'bucket', prefix: 'a b/é/', pathStyle: false }],
    ['s3://bucket?region=eu-west-1', { bucket: 'bucket', prefix: '', pathStyle: false, region: 'eu-west-1' }],
    [
      's3://bucket/p?endpoint=http://127.0.0.1:9000',
      { bucket: 'bucket', prefix: 'p/', pathStyle: true, endpoint: 'http://127.0.0.1:9000' },
    ],
    [
      's3://bucket?endpoint=https%3A%2F%2Fa.example.org&path_style=false&region=auto',
      { bucket: 'bucket', prefix: '', pathStyle: false, endpoint: 'https://a.example.org', region: 'auto' },
    ],
    [
      's3://bucket?endpoint=HTTP://Host:9000/path/',
      { bucket: 'bucket', prefix: '', pathStyle: true, endpoint: 'http://host:9000/path/' },
    ],
    ['s3://bucket?path_style=true', { bucket: 'bucket', prefix: '', pathStyle: true }],
    [
      's3://bucket?timeout_ms=2500&connections=8&self_test=false',
      { bucket: 'bucket', prefix: '', pathStyle: false, answerMs: 2_500, connections: 8, selfTest: false },
    ],
    [
      's3://bucket?encryption=AES256',
      { bucket: 'bucket', prefix: '', pathStyle: false, encryption: 'AES256' },
    ],
    [
      's3://bucket?kms_key=arn:aws:kms:eu-west-1:1:key/a-1',
      {
        ...{ bucket: 'bucket', prefix: '', pathStyle: false },
        ...{ encryption: 'aws:kms', kmsKey: 'arn:aws:kms:eu-west-1:1:key/a-1' },
      },
    ],
  ])('reads %s', (url, location) => {
    expect(parseS3Url(url)).toEqual({ answerMs: 10_000, connections: 256, selfTest: true, ...location });
  });

  it.each([
    's3:',
    's3://',
    's3:///key',
    's3://b',
    's3://-bucket',
    's3://bucket:80/a',
    's3://bucket/a#b',
    's3://bucket/%zz',
    's3://AKIAKEY:SECRET@bucket/a',
    's3://bucket?endpoint=SECRET',
    's3://bucket?endpoint=https://AKIAKEY:SECRET@host',
    's3://bucket?endpoint=https://host/?token=SECRET',
    's3://bucket?endpoint=ftp://host',
    's3://bucket?region=SECRET/',
    's3://bucket?region=a&region=b',
    's3://bucket?path_style=SECRET',
    's3://bucket?secret_access_key=SECRET',
    's3://bucket?timeout_ms=0',
    's3://bucket?timeout_ms=600001',
    's3://bucket?connections=SECRET',
    's3://bucket?self_test=SECRET',
    's3://bucket?encryption=SECRET',
    's3://bucket?encryption=AES256&kms_key=SECRET',
    's3://bucket?kms_key=SECRET%20',
  ])('refuses %s, and shows no value', async (url) => {
    const thrown = await open(url).catch((error: unknown) => error);
    if (!isCairnError(thrown)) throw new Error('was not refused', { cause: thrown });
    expect(thrown).toMatchObject({ kind: 'invalid', code: 'invalid_store_url' });
    expect(
      `${thrown.stack} ${JSON.stringify(thrown.details)}`.replaceAll('secret_access_key', ''),
    ).not.toMatch(/SECRET|AKIAKEY/);
  });

  it('refuses a prefix that leaves keys no room', () => {
    expect(() => parseS3Url(`s3://bucket/${'x'.repeat(513)}`)).toThrow('storePrefixBytes is 513');
  });

  it('refuses directory buckets by their name, before anything is sent', () => {
    expect(() => parseS3Url('s3://bucket--use1-az4--x-s3/a')).toThrow('lists in no order');
  });
});
