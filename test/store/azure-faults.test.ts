/** What answers of Azure and failures on the way mean, in one table; and that none of it carries what the SDK's errors carry. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { putEnd, storeError } from '../../core/store/adapters/bucket/index.js';
import type { StoreFailed } from '../../core/store/adapters/bucket/index.js';
import { azureFaults, faultOf } from '../../core/store/adapters/azure/azure-faults.js';

const azureError = (thrown: unknown, of: StoreFailed) => storeError(faultOf(thrown), of, azureFaults);

const failed = { access: 'write', description: 'az://container/', key: 'k' } as const;

/** As the SDK throws it. */
function answer(code: string | undefined, statusCode: number, detail = '', more: object = {}): Error {
  const headers = { ...(code === undefined ? {} : { 'x-ms-error-code': code }), ...more };
  return Object.assign(new Error(`SECRET said ${code}`), {
    name: 'RestError',
    statusCode,
    request: { url: 'https://host/?sig=SECRET', headers: { authorization: 'SharedKey SECRET' } },
    response: {
      headers: { toJSON: () => headers },
      bodyAsText: `<Error><Code>${code}</Code><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`,
    },
  });
}

function onTheWay(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { name: 'RestError', code });
}

const named = (name: string, more: object = {}): Error => Object.assign(new Error('none'), { name, ...more });

const timeFrame =
  'Signature not valid in the specified time frame: Start [SECRET] - Expiry [SECRET] - Current [SECRET]';

describe('answers of Azure', () => {
  it.each([
    [answer('AuthorizationPermissionMismatch', 403), 'forbidden', 'store_forbidden'],
    [answer('InsufficientAccountPermissions', 403), 'forbidden', 'store_forbidden'],
    [answer('AccountIsDisabled', 403), 'forbidden', 'store_forbidden'],
    [answer(undefined, 403), 'forbidden', 'store_forbidden'],
    [
      answer('AuthenticationFailed', 403, 'The MAC signature found is SECRET'),
      'unauthenticated',
      'store_unauthenticated',
    ],
    [answer('AuthenticationFailed', 403, timeFrame), 'unauthenticated', 'store_credentials_expired'],
    [
      answer('AuthenticationFailed', 403, "Request date header too old: 'SECRET'"),
      'unauthenticated',
      'store_clock_skew',
    ],
    [answer('InvalidAuthenticationInfo', 401), 'unauthenticated', 'store_unauthenticated'],
    [
      answer('InvalidAuthenticationInfo', 401, 'The token is expired.'),
      'unauthenticated',
      'store_credentials_expired',
    ],
    [answer('KeyBasedAuthenticationNotPermitted', 403), 'unauthenticated', 'store_unauthenticated'],
    [answer('PublicAccessNotPermitted', 409), 'unauthenticated', 'store_unauthenticated'],
    [answer(undefined, 401), 'unauthenticated', 'store_unauthenticated'],
    [answer('ContainerNotFound', 404), 'not_found', 'store_not_found'],
    [answer('ContainerBeingDeleted', 409), 'not_found', 'store_not_found'],
    [answer('BlobUsesCustomerSpecifiedEncryption', 409), 'forbidden', 'store_customer_key'],
    [answer('FeatureVersionMismatch', 409), 'invalid', 'store_unsupported'],
    [answer('LeaseIdMissing', 412), 'invalid', 'store_refused'],
    [answer('BlobImmutableDueToPolicy', 409), 'invalid', 'store_refused'],
    [answer('SnapshotsPresent', 409), 'invalid', 'store_refused'],
    [answer('InvalidBlockList', 400), 'invalid', 'store_refused'],
    [answer('ServerBusy', 503), 'unavailable', 'store_busy'],
    [answer(undefined, 429), 'unavailable', 'store_busy'],
    [answer('OperationTimedOut', 503), 'unavailable', 'store_unavailable'],
    [answer('InternalError', 500), 'unavailable', 'store_unavailable'],
    [answer('Md5Mismatch', 400), 'unavailable', 'store_unavailable'],
    [answer(undefined, 404), 'unavailable', 'store_unavailable'],
    [answer('InvalidUri', 400), 'invalid', 'store_refused'],
    [onTheWay('ECONNREFUSED'), 'unavailable', 'store_unavailable'],
    [onTheWay('ECONNRESET'), 'unavailable', 'store_unavailable'],
    [onTheWay('REQUEST_SEND_ERROR'), 'unavailable', 'store_unavailable'],
    [named('AbortError'), 'unavailable', 'store_unavailable'],
    [named('CredentialUnavailableError'), 'unauthenticated', 'store_unauthenticated'],
    [named('AggregateAuthenticationError'), 'unauthenticated', 'store_unauthenticated'],
    [named('AuthenticationError', { statusCode: 401 }), 'unauthenticated', 'store_unauthenticated'],
    [named('AuthenticationError', { statusCode: 503 }), 'unavailable', 'store_busy'],
    [named('AuthenticationError', { statusCode: 500 }), 'unavailable', 'store_unavailable'],
  ])('mean what they say: %s', (thrown, kind, code) => {
    const error = azureError(thrown, failed);
    expect(error).toMatchObject({ kind, code, outcome: 'not_applied' });
    expect(error.retryAfterS !== undefined).toBe(kind === 'unavailable');
    expect(inspect(error, { depth: 10 })).not.toMatch(/SECRET|SharedKey/);
  });

  it('name the permission, and when to come again', () => {
    const denied = answer('AuthorizationPermissionMismatch', 403);
    expect(azureError(denied, { ...failed, access: 'list' }).message).toContain('l of a SAS');
    expect(azureError(denied, failed).message).toContain('Storage Blob Data Contributor');
    expect(azureError(answer('ServerBusy', 503, '', { 'retry-after': '7' }), failed).retryAfterS).toBe(7);
  });
});

describe('a put that failed', () => {
  it.each([
    [answer('InternalError', 500)],
    [answer('OperationTimedOut', 500)],
    [answer('ServerBusy', 503)],
    [answer('Md5Mismatch', 400)],
    [answer('AccountBeingCreated', 409)],
    [onTheWay('ECONNRESET')],
    [onTheWay('EPIPE')],
    [named('AbortError')],
  ])('may have been applied: %s', (thrown) => {
    expect(putEnd(faultOf(thrown), failed, azureFaults).status).toBe('unknown');
  });

  it.each([
    [answer('AuthorizationFailure', 403), 'store_forbidden'],
    [answer('ContainerNotFound', 404), 'store_not_found'],
    [answer('LeaseIdMissing', 412), 'store_refused'],
    [onTheWay('ECONNREFUSED'), 'store_unavailable'],
    [onTheWay('ENOTFOUND'), 'store_unavailable'],
  ])('says so where it surely had no effect: %s', (thrown, code) => {
    expect(() => putEnd(faultOf(thrown), failed, azureFaults)).toThrow(
      expect.objectContaining({ code, outcome: 'not_applied' }),
    );
  });
});
