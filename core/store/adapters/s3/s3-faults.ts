/** What the answers of S3 and its kin mean, and what the SDK's errors say without what is secret in them. */
import { faultTable } from '../bucket/index.js';
import type { FaultTable, StoreFault } from '../bucket/index.js';

/** S3 has no code of its own for an object that is read without the key that it was written with, or with another. */
export const CUSTOMER_KEY = 'CustomerKey';

export const s3Faults: FaultTable = faultTable({
  codes: {
    forbidden: [
      ...['AccessDenied', 'AccountProblem', 'AllAccessDisabled', 'InvalidObjectState', 'MethodNotAllowed'],
    ],
    unauthenticated: [
      ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidSecurity', 'NotSignedUp'],
    ],
    no_credentials: ['CredentialsProviderError', 'TokenProviderError'],
    expired: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
    clock_skew: ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
    region: [
      ...['PermanentRedirect', 'TemporaryRedirect', 'Redirect', 'AuthorizationHeaderMalformed'],
      'IllegalLocationConstraintException',
    ],
    no_bucket: ['NoSuchBucket'],
    key_too_long: ['KeyTooLongError'],
    unsupported: ['NotImplemented', 'XNotImplemented', 'InvalidRequest', 'InvalidArgument'],
    wrong_key: [CUSTOMER_KEY],
    full: ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage'],
    busy: [
      ...['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'Throttling', 'TooManyRequests'],
      'RequestLimitExceeded',
    ],
    damaged: [
      ...['RequestTimeout', 'BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'],
      'IncompleteBody',
    ],
  },
  // A key that is not there is answered as forbidden to whoever may not list.
  permissions: {
    read: 's3:GetObject, or s3:ListBucket, without which a missing key looks forbidden',
    write: 's3:PutObject',
    list: 's3:ListBucket',
    delete: 's3:DeleteObject',
  },
  regionHeader: 'x-amz-bucket-region',
});

/** Whatever the SDK threw. */
export function faultOf(error: unknown): StoreFault {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number; readonly headers?: Record<string, string> };
  };
  const status = thrown.$response?.statusCode ?? thrown.$metadata?.httpStatusCode;
  const errno = status === undefined && typeof thrown.code === 'string' ? thrown.code : undefined;
  return {
    name: errno ?? (typeof thrown.name === 'string' ? thrown.name : typeof error),
    status,
    headers: thrown.$response?.headers ?? {},
    said: status === undefined && typeof thrown.message === 'string' ? thrown.message : undefined,
  };
}
