/** Store URLs of Google Cloud Storage: what they mean, what is refused, and that a refusal repeats nothing that may be secret. */
import process from 'node:process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isCairnError } from '../../core/base/errors.js';
import { open } from '../../core/index.js';
import { parseGcsUrl } from '../../core/store/adapters/gcs/index.js';

delete process.env['STORAGE_EMULATOR_HOST'];

const key = 'projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k';

describe('gs: URLs', () => {
  it.each([
    ['gs://bucket', { bucket: 'bucket', prefix: '' }],
    ['gs://my.bucket_1-x/a/b/', { bucket: 'my.bucket_1-x', prefix: 'a/b/' }],
    ['gs://bucket/a%20b/%C3%A9', { bucket: 'bucket', prefix: 'a b/é/' }],
    ['gs://bucket?project=my-project-1', { bucket: 'bucket', prefix: '', project: 'my-project-1' }],
    ['gs://bucket?project=example.com:old', { bucket: 'bucket', prefix: '', project: 'example.com:old' }],
    [`gs://bucket?kms_key=${key}`, { bucket: 'bucket', prefix: '', kmsKey: key }],
    [
      'gs://bucket/p?endpoint=http://127.0.0.1:4443',
      { bucket: 'bucket', prefix: 'p/', endpoint: 'http://127.0.0.1:4443', anonymous: true },
    ],
    [
      'gs://bucket?endpoint=HTTP://Host:80',
      { bucket: 'bucket', prefix: '', endpoint: 'http://host', anonymous: true },
    ],
    [
      'gs://bucket?endpoint=https%3A%2F%2Fstorage-a.p.googleapis.com',
      { bucket: 'bucket', prefix: '', endpoint: 'https://storage-a.p.googleapis.com' },
    ],
    [
      'gs://bucket?timeout_ms=2500&connections=8&self_test=false',
      { bucket: 'bucket', prefix: '', answerMs: 2_500, connections: 8, selfTest: false },
    ],
  ])('reads %s', (url, location) => {
    const defaults = { answerMs: 10_000, connections: 256, selfTest: true, anonymous: false };
    expect(parseGcsUrl(url)).toEqual({ ...defaults, ...location });
  });

  it('asks for no credentials where the variable of the SDK names an emulator', () => {
    process.env['STORAGE_EMULATOR_HOST'] = 'http://127.0.0.1:9';
    onTestFinished(() => void delete process.env['STORAGE_EMULATOR_HOST']);
    expect(parseGcsUrl('gs://bucket')).toMatchObject({ anonymous: true });
    const other = 'gs://bucket?endpoint=https://storage-a.p.googleapis.com';
    expect(parseGcsUrl(other)).toMatchObject({ anonymous: false });
    process.env['STORAGE_EMULATOR_HOST'] = '';
    expect(parseGcsUrl('gs://bucket')).toMatchObject({ anonymous: false });
  });

  it.each([
    'gs:',
    'gs://',
    'gs:///key',
    'gs://b',
    'gs://Bucket',
    'gs://-bucket',
    'gs://bucket:80/a',
    'gs://bucket/a#b',
    'gs://bucket/%zz',
    'gs://bucket/a%0Ab',
    'gs://user:SECRET@bucket/a',
    'gs://bucket?endpoint=SECRET',
    'gs://bucket?endpoint=https://user:SECRET@host',
    'gs://bucket?endpoint=https://host/?token=SECRET',
    'gs://bucket?endpoint=ftp://host',
    'gs://bucket?project=SECRET',
    'gs://bucket?project=aa&project=bb',
    'gs://bucket?access_token=SECRET',
    'gs://bucket?kms_key=SECRET',
    'gs://bucket?kms_key=projects/p/locations/l/keyRings/r/cryptoKeys/SECRET%20',
    'gs://bucket?timeout_ms=0',
    'gs://bucket?connections=SECRET',
    'gs://bucket?self_test=SECRET',
  ])('refuses %s, and shows no value', async (url) => {
    const thrown = await open(url).catch((error: unknown) => error);
    if (!isCairnError(thrown)) throw new Error('was not refused', { cause: thrown });
    expect(thrown).toMatchObject({ kind: 'invalid', code: 'invalid_store_url' });
    expect(`${thrown.stack} ${JSON.stringify(thrown.details)}`).not.toMatch(/SECRET/);
  });

  it('refuses a prefix that leaves keys no room', () => {
    expect(() => parseGcsUrl(`gs://bucket/${'x'.repeat(513)}`)).toThrow('storePrefixBytes is 513');
  });
});
