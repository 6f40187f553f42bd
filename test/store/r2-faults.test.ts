/** What the errors of an R2 binding mean, in one table. Their texts are Cloudflare's, as its documentation and workerd have them. */
import { describe, expect, it } from 'vitest';
import { putEnd, storeError } from '../../core/store/adapters/bucket/index.js';
import { faultOf, r2Faults } from '../../core/store/adapters/r2/r2-faults.js';

const failed = { access: 'write', description: 'r2://BUCKET/', key: 'k' } as const;

const lost = 'Network connection lost.';
const many = 'Too many subrequests by single Worker invocation. To configure this limit, refer to https://…';
const digest =
  'put: The SHA-256 checksum you specified did not match what we received.\nYou provided a SHA-256 checksum with value: 00\nActual SHA-256 was: 2d (10037)';

describe('errors of R2', () => {
  it.each([
    ['put: Unauthorized (10002)', 'unauthenticated', 'store_unauthenticated'],
    ['put: Access denied. (10003)', 'forbidden', 'store_forbidden'],
    ['put: Not entitled. (10042)', 'forbidden', 'store_forbidden'],
    ['put: Locked by a policy of the bucket. (10069)', 'forbidden', 'store_forbidden'],
    ['put: The specified bucket does not exist. (10006)', 'not_found', 'store_not_found'],
    ['put: The specified object name is not valid. (10020)', 'invalid', 'key_too_long'],
    [
      'completeMultipartUpload: The specified multipart upload does not exist. (10024)',
      'invalid',
      'store_refused',
    ],
    [
      'put: Your proposed upload exceeds the maximum allowed object size. (100100)',
      'invalid',
      'store_refused',
    ],
    [many, 'invalid', 'store_refused'],
    [
      'get: The object was stored using a form of Server Side Encryption. (10099)',
      'forbidden',
      'store_customer_key',
    ],
    ['put: Slow down. (10058)', 'unavailable', 'store_busy'],
    ['put: Service is temporarily unavailable. (10043)', 'unavailable', 'store_busy'],
    ['put: We encountered an internal error. Please try again. (10001)', 'unavailable', 'store_unavailable'],
    [digest, 'unavailable', 'store_unavailable'],
    [lost, 'unavailable', 'store_unavailable'],
  ])('mean what they say: %s', (message, kind, code) => {
    const error = storeError(faultOf(new Error(message)), failed, r2Faults);
    expect(error).toMatchObject({ kind, code, outcome: 'not_applied' });
    expect(error.retryAfterS !== undefined).toBe(kind === 'unavailable');
    expect(error.message).toContain(`(${message.split('\n')[0]!}`);
  });

  it('are told in one line, with their code', () => {
    const { message, details } = storeError(faultOf(new Error(digest)), failed, r2Faults);
    expect(message).toMatch(/did not match what we received\. \(10037\)\)$/);
    expect(details).toMatchObject({ error: '10037' });
  });

  it.each([
    'put: We encountered an internal error. (10001)',
    'put: Slow down. (10058)',
    digest,
    lost,
    'x (19999)',
  ])('leave open what became of a put: %s', (message) => {
    expect(putEnd(faultOf(new Error(message)), failed, r2Faults).status).toBe('unknown');
  });

  it.each(['put: Access denied. (10003)', 'put: no such bucket (10006)', many])(
    'say of a put that it surely had no effect: %s',
    (message) => {
      expect(() => putEnd(faultOf(new Error(message)), failed, r2Faults)).toThrow(
        expect.objectContaining({ outcome: 'not_applied' }),
      );
    },
  );

  it('are errors whatever was thrown', () => {
    expect(faultOf('a text')).toMatchObject({ name: 'Error', said: 'a text' });
    expect(faultOf(new TypeError('x'))).toMatchObject({ name: 'TypeError' });
  });
});
