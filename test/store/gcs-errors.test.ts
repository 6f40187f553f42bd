/**
 * What answers of Google Cloud Storage and failures on the way mean, in one table; and that none of it repeats messages, which
 * name accounts and quote credentials.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { putEnd, storeError } from '../../core/store/adapters/bucket/index.js';
import type { StoreFault } from '../../core/store/adapters/bucket/index.js';
import {
  credentialsFailure,
  faultOf,
  faultOfAnswer,
  gcsFaults,
} from '../../core/store/adapters/gcs/gcs-faults.js';

const failed = { access: 'write', description: 'gs://bucket/', key: 'k' } as const;

function answer(
  status: number,
  reason: string,
  message: string = 'SECRET',
  headers: Readonly<Record<string, string>> = {},
): StoreFault {
  const errors = [{ message, domain: 'global', reason }];
  return faultOfAnswer(status, headers, JSON.stringify({ error: { code: status, message, errors } }));
}

const plain = (status: number, text: string): StoreFault => faultOfAnswer(status, {}, text);
const onTheWay = (code: string): StoreFault =>
  faultOf(Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code }));
const ofToken = (status: number, error: string): StoreFault =>
  credentialsFailure(
    Object.assign(new Error('SECRET'), { config: { data: 'SECRET' }, response: { status, data: { error } } }),
  ).fault;

describe('answers of Google Cloud Storage', () => {
  it.each([
    [answer(403, 'forbidden'), 'forbidden', 'store_forbidden'],
    [answer(403, 'insufficientPermissions'), 'forbidden', 'store_forbidden'],
    [answer(403, 'accountDisabled'), 'forbidden', 'store_forbidden'],
    [plain(403, 'SECRET@x does not have storage.objects.get access'), 'forbidden', 'store_forbidden'],
    [answer(401, 'required'), 'unauthenticated', 'store_unauthenticated'],
    [answer(401, 'authError'), 'unauthenticated', 'store_unauthenticated'],
    [plain(401, 'SECRET'), 'unauthenticated', 'store_unauthenticated'],
    [answer(404, 'notFound', 'The specified bucket does not exist.'), 'not_found', 'store_not_found'],
    [plain(404, 'The specified bucket does not exist.'), 'not_found', 'store_not_found'],
    [plain(404, '<html>SECRET</html>'), 'unavailable', 'store_unavailable'],
    [answer(400, 'customerEncryptionKeyIsIncorrect'), 'forbidden', 'store_customer_key'],
    [answer(400, 'resourceIsEncryptedWithCustomerEncryptionKey'), 'forbidden', 'store_customer_key'],
    [plain(400, 'encrypted by a customer-supplied encryption key.'), 'forbidden', 'store_customer_key'],
    [answer(400, 'required', 'Bucket is requester pays bucket but no …'), 'invalid', 'store_refused'],
    [
      answer(400, 'invalid', `Provided CRC32C "a" doesn't match calculated`),
      'unavailable',
      'store_unavailable',
    ],
    [answer(400, 'invalid'), 'invalid', 'store_refused'],
    [answer(403, 'retentionPolicyNotMet'), 'invalid', 'store_refused'],
    [answer(412, 'orgPolicyConstraintFailed'), 'invalid', 'store_refused'],
    [answer(403, 'quotaExceeded'), 'unavailable', 'store_full'],
    [answer(403, 'userRateLimitExceeded'), 'unavailable', 'store_busy'],
    [answer(429, 'rateLimitExceeded'), 'unavailable', 'store_busy'],
    [answer(503, 'backendError'), 'unavailable', 'store_busy'],
    [answer(500, 'backendError'), 'unavailable', 'store_unavailable'],
    [answer(408, 'uploadBrokenConnection'), 'unavailable', 'store_unavailable'],
    [answer(409, 'conflict'), 'unavailable', 'store_unavailable'],
    [plain(502, '<html>SECRET</html>'), 'unavailable', 'store_unavailable'],
    [onTheWay('ECONNREFUSED'), 'unavailable', 'store_unavailable'],
    [onTheWay('ECONNRESET'), 'unavailable', 'store_unavailable'],
    [ofToken(400, 'invalid_grant'), 'unauthenticated', 'store_credentials_expired'],
    [ofToken(401, 'invalid_client'), 'unauthenticated', 'store_unauthenticated'],
    [ofToken(400, 'invalid_grant: not in a reasonable timeframe'), 'unauthenticated', 'store_clock_skew'],
    [ofToken(503, 'unavailable'), 'unavailable', 'store_unavailable'],
    [credentialsFailure(new Error('SECRET')).fault, 'unauthenticated', 'store_unauthenticated'],
  ])('mean what they say: %o', (fault, kind, code) => {
    const error = storeError(fault, failed, gcsFaults);
    expect(error).toMatchObject({ kind, code, outcome: 'not_applied' });
    expect(error.retryAfterS !== undefined).toBe(kind === 'unavailable');
    expect(inspect(error, { depth: 10 })).not.toMatch(/SECRET/);
  });

  it('name the permission alone, when to come again, and who has to pay', () => {
    const said = `SECRET@p.iam.gserviceaccount.com does not have storage.objects.list access to the Google Cloud Storage bucket.`;
    const { message } = storeError(answer(403, 'forbidden', said), { ...failed, access: 'read' }, gcsFaults);
    expect(message).toMatch(/; the permission that is missing is storage\.objects\.list$/);
    expect(storeError(answer(403, 'forbidden'), { ...failed, access: 'read' }, gcsFaults).message).toContain(
      'storage.objects.list, without which a missing key looks forbidden',
    );
    const slow = answer(429, 'rateLimitExceeded', '', { 'retry-after': '7' });
    expect(storeError(slow, failed, gcsFaults).retryAfterS).toBe(7);
    const pays = answer(400, 'required', 'Bucket is requester pays bucket but no user project provided.');
    expect(storeError(pays, failed, gcsFaults).message).toContain('name a project by project=');
  });
});

describe('a put that failed', () => {
  it.each([
    [answer(409, 'conflict')],
    [answer(429, 'rateLimitExceeded')],
    [answer(500, 'backendError')],
    [answer(503, 'backendError')],
    [answer(408, 'uploadBrokenConnection')],
    [answer(400, 'invalid', `Provided MD5 hash "a" doesn't match calculated`)],
    [onTheWay('ECONNRESET')],
    [onTheWay('EPIPE')],
    [faultOf(Object.assign(new Error('aborted'), { name: 'AbortError' }))],
  ])('may have been applied: %o', (fault) => {
    expect(putEnd(fault, failed, gcsFaults).status).toBe('unknown');
  });

  it.each([
    [answer(403, 'forbidden'), 'store_forbidden'],
    [answer(404, 'notFound'), 'store_not_found'],
    [answer(403, 'quotaExceeded'), 'store_full'],
    [answer(412, 'orgPolicyConstraintFailed'), 'store_refused'],
    [onTheWay('ECONNREFUSED'), 'store_unavailable'],
    // It never left.
    [ofToken(503, 'unavailable'), 'store_unavailable'],
    [credentialsFailure({ config: {}, code: 'ECONNRESET' }).fault, 'store_unavailable'],
  ])('says so where it surely had no effect: %o', (fault, code) => {
    expect(() => putEnd(fault, failed, gcsFaults)).toThrow(
      expect.objectContaining({ code, outcome: 'not_applied' }),
    );
  });
});
