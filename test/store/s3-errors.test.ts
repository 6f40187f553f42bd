/** What answers of S3 and failures on the way mean, in one table; and that none of it carries what the SDK's errors carry. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { putEnd, storeError } from '../../core/store/adapters/bucket/index.js';
import type { StoreFailed } from '../../core/store/adapters/bucket/index.js';
import { faultOf, s3Faults } from '../../core/store/adapters/s3/s3-faults.js';

const s3Error = (thrown: unknown, of: StoreFailed) => storeError(faultOf(thrown), of, s3Faults);

const failed = { access: 'write', description: 's3://bucket/', key: 'k' } as const;

/** As the SDK throws it. */
function answer(name: string, status: number, headers: Readonly<Record<string, string>> = {}): Error {
  return Object.assign(new Error('SECRET of AKIAKEY'), {
    name,
    $metadata: { httpStatusCode: status },
    $response: { statusCode: status, headers, body: 'SECRET' },
    AWSAccessKeyId: 'AKIAKEY',
    StringToSign: 'SECRET',
  });
}

function onTheWay(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });
}

describe('answers of S3', () => {
  it.each([
    [answer('AccessDenied', 403), 'forbidden', 'store_forbidden'],
    [answer('Unknown', 403), 'forbidden', 'store_forbidden'],
    [answer('InvalidAccessKeyId', 403), 'unauthenticated', 'store_unauthenticated'],
    [answer('SignatureDoesNotMatch', 403), 'unauthenticated', 'store_unauthenticated'],
    [answer('Unknown', 401), 'unauthenticated', 'store_unauthenticated'],
    [answer('ExpiredToken', 400), 'unauthenticated', 'store_credentials_expired'],
    [answer('RequestTimeTooSkewed', 403), 'unauthenticated', 'store_clock_skew'],
    [answer('PermanentRedirect', 301), 'invalid', 'store_region'],
    [answer('Unknown', 307), 'invalid', 'store_region'],
    [answer('AuthorizationHeaderMalformed', 400), 'invalid', 'store_region'],
    [answer('NoSuchBucket', 404), 'not_found', 'store_not_found'],
    [answer('KeyTooLongError', 400), 'invalid', 'key_too_long'],
    [answer('NotImplemented', 501), 'invalid', 'store_unsupported'],
    [answer('QuotaExceeded', 403), 'unavailable', 'store_full'],
    [answer('SlowDown', 503), 'unavailable', 'store_busy'],
    [answer('Unknown', 429), 'unavailable', 'store_busy'],
    [answer('InternalError', 500), 'unavailable', 'store_unavailable'],
    [answer('RequestTimeout', 400), 'unavailable', 'store_unavailable'],
    [answer('Unknown', 404), 'unavailable', 'store_unavailable'],
    [answer('SomethingElse', 400), 'invalid', 'store_refused'],
    [onTheWay('ECONNREFUSED'), 'unavailable', 'store_unavailable'],
    [onTheWay('ECONNRESET'), 'unavailable', 'store_unavailable'],
    [Object.assign(new Error('aborted'), { name: 'AbortError' }), 'unavailable', 'store_unavailable'],
    [
      Object.assign(new Error('none'), { name: 'CredentialsProviderError' }),
      'unauthenticated',
      'store_unauthenticated',
    ],
  ])('mean what they say: %s', (thrown, kind, code) => {
    const error = s3Error(thrown, failed);
    expect(error).toMatchObject({ kind, code, outcome: 'not_applied' });
    expect(error.retryAfterS !== undefined).toBe(kind === 'unavailable');
    expect(inspect(error, { depth: 10 })).not.toMatch(/SECRET|AKIAKEY/);
  });

  it('name the permission, the region and when to come again', () => {
    expect(s3Error(answer('AccessDenied', 403), { ...failed, access: 'read' }).message).toContain(
      's3:ListBucket, without which a missing key looks forbidden',
    );
    const elsewhere = answer('PermanentRedirect', 301, { 'x-amz-bucket-region': 'eu-west-1' });
    expect(s3Error(elsewhere, failed)).toMatchObject({ details: { region: 'eu-west-1' } });
    expect(s3Error(elsewhere, failed).message).toContain('the bucket is in eu-west-1');
    expect(s3Error(answer('SlowDown', 503, { 'retry-after': '7' }), failed).retryAfterS).toBe(7);
  });
});

describe('a put that failed', () => {
  it.each([
    [answer('ConditionalRequestConflict', 409)],
    [answer('OperationAborted', 409)],
    [answer('InternalError', 500)],
    [answer('SlowDown', 503)],
    [answer('Unknown', 429)],
    [answer('RequestTimeout', 400)],
    [answer('BadDigest', 400)],
    [onTheWay('ECONNRESET')],
    // A route may be lost after the request was sent.
    [onTheWay('EHOSTUNREACH')],
    [onTheWay('ENETUNREACH')],
    [onTheWay('EPIPE')],
    [Object.assign(new Error('aborted'), { name: 'AbortError' })],
  ])('may have been applied: %s', (thrown) => {
    expect(putEnd(faultOf(thrown), failed, s3Faults).status).toBe('unknown');
  });

  it.each([
    [answer('AccessDenied', 403), 'store_forbidden'],
    [answer('NoSuchBucket', 404), 'store_not_found'],
    [answer('QuotaExceeded', 403), 'store_full'],
    [onTheWay('ECONNREFUSED'), 'store_unavailable'],
    [onTheWay('ENOTFOUND'), 'store_unavailable'],
  ])('says so where it surely had no effect: %s', (thrown, code) => {
    expect(() => putEnd(faultOf(thrown), failed, s3Faults)).toThrow(
      expect.objectContaining({ code, outcome: 'not_applied' }),
    );
  });
});
