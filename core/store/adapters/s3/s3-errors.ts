/**
 * What the answers of S3 and its kin mean: one table from their codes to CairnError, and from the failures of a put to its
 * three ends. The SDK's errors are not passed on as causes: they carry access keys, signatures and whole requests.
 */
import { CairnError, isCairnError } from '../../../base/errors.js';
import type { ErrorKind } from '../../../base/errors.js';
import type { PutResult } from '../../index.js';

export type S3Access = 'read' | 'write' | 'list' | 'delete';

/** What went wrong, without anything secret. */
export interface S3Fault {
  /** The store's code, or the name or errno of an error on the way. */
  readonly name: string;
  /** Absent where no answer came. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a failure on the way: for people. */
  readonly said: string | undefined;
}

export interface S3Failed {
  readonly access: S3Access;
  /** Of the store. */
  readonly description: string;
  readonly key?: string;
}

interface Meaning {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly says: string;
  /** Although the same request may succeed later, this one surely changed nothing. */
  readonly surelyNot?: true;
}

const meanings: readonly (readonly [Meaning, readonly string[]])[] = [
  [
    { kind: 'forbidden', code: 'store_forbidden', says: 'the store allows no' },
    ['AccessDenied', 'AccountProblem', 'AllAccessDisabled', 'InvalidObjectState', 'MethodNotAllowed'],
  ],
  [
    {
      kind: 'unauthenticated',
      code: 'store_unauthenticated',
      says: 'the store does not accept the credentials for a',
    },
    ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidSecurity', 'NotSignedUp'],
  ],
  [
    { kind: 'unauthenticated', code: 'store_unauthenticated', says: 'no credentials were found for a' },
    ['CredentialsProviderError', 'TokenProviderError'],
  ],
  [
    {
      kind: 'unauthenticated',
      code: 'store_credentials_expired',
      says: 'the credentials have expired for a',
    },
    ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
  ],
  [
    {
      kind: 'unauthenticated',
      code: 'store_clock_skew',
      says: "this machine's clock is too far off the store's for a",
    },
    ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
  ],
  [
    { kind: 'invalid', code: 'store_region', says: 'the bucket is in another region than that of the' },
    [
      'PermanentRedirect',
      'TemporaryRedirect',
      'Redirect',
      'AuthorizationHeaderMalformed',
      'IllegalLocationConstraintException',
    ],
  ],
  [{ kind: 'not_found', code: 'store_not_found', says: 'there is no bucket for a' }, ['NoSuchBucket']],
  [
    { kind: 'invalid', code: 'key_too_long', says: 'the store has no key so long as that of the' },
    ['KeyTooLongError'],
  ],
  [
    { kind: 'invalid', code: 'store_unsupported', says: 'the store does not know how to do a' },
    ['NotImplemented', 'XNotImplemented', 'InvalidRequest', 'InvalidArgument'],
  ],
  [
    { kind: 'unavailable', code: 'store_full', says: 'the store has no room for a', surelyNot: true },
    ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage'],
  ],
  [
    {
      kind: 'unavailable',
      code: 'store_unavailable',
      says: 'the store cannot be reached for a',
      surelyNot: true,
    },
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ],
  [
    { kind: 'unavailable', code: 'store_busy', says: 'the store asks to slow down, in answer to a' },
    ['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'Throttling', 'TooManyRequests', 'RequestLimitExceeded'],
  ],
  [
    { kind: 'unavailable', code: 'store_unavailable', says: 'the store did not take, as it was sent, a' },
    [
      'RequestTimeout',
      'BadDigest',
      'XAmzContentSHA256Mismatch',
      'XAmzContentChecksumMismatch',
      'IncompleteBody',
    ],
  ],
];

const byName: ReadonlyMap<string, Meaning> = new Map(
  meanings.flatMap(([meaning, names]) => names.map((name) => [name, meaning] as const)),
);
const refusedOtherwise: Meaning = { kind: 'invalid', code: 'store_refused', says: 'the store refused a' };
const silent: Meaning = {
  kind: 'unavailable',
  code: 'store_unavailable',
  says: 'the store did not answer a',
};

/** What may be missing. A key that is not there is answered as forbidden to whoever may not list. */
const permissions: Readonly<Record<S3Access, string>> = {
  read: 's3:GetObject, or s3:ListBucket, without which a missing key looks forbidden',
  write: 's3:PutObject',
  list: 's3:ListBucket',
  delete: 's3:DeleteObject',
};

/** Whatever the SDK threw. */
export function faultOf(error: unknown): S3Fault {
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

function meaningOf({ name, status }: S3Fault): Meaning {
  const known = byName.get(name);
  if (known !== undefined) return known;
  if (status === undefined) return silent;
  if (status === 401) return byName.get('SignatureDoesNotMatch')!;
  if (status === 403) return byName.get('AccessDenied')!;
  if (status >= 300 && status < 400) return byName.get('PermanentRedirect')!;
  if (status === 429 || status === 503) return byName.get('SlowDown')!;
  if (status === 501) return byName.get('NotImplemented')!;
  // A 404 without a code of S3 comes from something before the store. 409: others were at it, and nothing is decided.
  if (status >= 500 || status < 300 || status === 404 || status === 408 || status === 409) return silent;
  return refusedOtherwise;
}

/** Of the fault of a request that is not a put, or of a put that surely had no effect. */
export function s3Error(fault: S3Fault, failed: S3Failed): CairnError {
  const meaning = meaningOf(fault);
  const { access, description, key } = failed;
  const { name, status } = fault;
  const seen = status === undefined ? (fault.said ?? name) : `${name}, HTTP ${status}`;
  const object = key === undefined ? '' : ` of ${key}`;
  const region = fault.headers['x-amz-bucket-region'];
  const hints = [
    ...(meaning.code === 'store_forbidden'
      ? [`the permission that may be missing is ${permissions[access]}`]
      : []),
    ...(region === undefined ? [] : [`the bucket is in ${region}`]),
  ];
  const message = [`${meaning.says} ${access}${object} in ${description} (${seen})`, ...hints].join('; ');
  return new CairnError(meaning.kind, meaning.code, message, {
    details: {
      store: description,
      error: name,
      ...(key === undefined ? {} : { key }),
      ...(status === undefined ? {} : { status }),
      ...(region === undefined ? {} : { region }),
    },
    ...(meaning.kind === 'unavailable' ? { retryAfterS: retryAfterOf(fault) } : {}),
    ...(access === 'write' ? { outcome: 'not_applied' as const } : {}),
  });
}

function retryAfterOf({ headers }: S3Fault): number {
  const seconds = Number(headers['retry-after'] ?? '1');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 1;
}

/**
 * The end of a put that failed. `refused`: 412, or a swap of what is not there. Whatever may pass decides nothing: `unknown`.
 * Throws where it surely had no effect.
 */
export function putEnd(error: unknown, failed: S3Failed, swap: boolean): PutResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  if (fault.status === 412 || (swap && fault.name === 'NoSuchKey')) return { status: 'refused' };
  const meaning = meaningOf(fault);
  const thrown = s3Error(fault, failed);
  if (meaning.kind !== 'unavailable' || meaning.surelyNot === true) throw thrown;
  const { kind, code, message, details, retryAfterS } = thrown;
  const cause = new CairnError(kind, code, message, {
    details,
    outcome: 'unknown',
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
  return { status: 'unknown', cause };
}

/** For what an answer lacks that every store should give. */
export function strangeAnswer(what: string, failed: S3Failed): CairnError {
  const { access, description, key } = failed;
  const object = key === undefined ? '' : ` of ${key}`;
  return new CairnError(
    'unavailable',
    'store_answer',
    `the answer to a ${access}${object} in ${description} ${what}`,
    {
      details: { store: description, ...(key === undefined ? {} : { key }) },
      retryAfterS: 1,
    },
  );
}
