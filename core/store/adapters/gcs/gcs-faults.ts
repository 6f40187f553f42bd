/**
 * What the answers of Google Cloud Storage mean, and what went wrong on the way to one. Of what an answer says only names of
 * reasons and of permissions are kept: messages name accounts, and those of credentials quote the files they are in.
 */
import { faultTable } from '../bucket/index.js';
import type { FaultTable, StoreFault } from '../bucket/index.js';

export const gcsFaults: FaultTable = faultTable({
  codes: {
    unauthenticated: ['CredentialsRefused'],
    no_credentials: ['CredentialsMissing'],
    expired: ['CredentialsExpired'],
    clock_skew: ['CredentialsSkewed'],
    // Of an object that is not there the store says the same, and who asked for one looks at that first.
    no_bucket: ['notFound', 'BucketNotFound'],
    unsupported: ['methodNotAllowed', 'notImplemented'],
    wrong_key: [
      ...['customerEncryptionKeyIsIncorrect', 'resourceIsEncryptedWithCustomerEncryptionKey'],
      'resourceNotEncryptedWithCustomerEncryptionKey',
    ],
    full: ['quotaExceeded', 'dailyLimitExceeded'],
    unreachable: ['CredentialsUnreachable'],
    busy: ['rateLimitExceeded', 'userRateLimitExceeded'],
    damaged: ['ChecksumMismatch', 'uploadBrokenConnection'],
    refused: ['UserProjectMissing', 'SessionGone', 'retentionPolicyNotMet', 'objectUnderActiveHold'],
  },
  permissions: {
    read: 'storage.objects.get, or storage.objects.list, without which a missing key looks forbidden',
    write: 'storage.objects.create, or storage.objects.delete, without which nothing can be replaced',
    list: 'storage.objects.list',
    delete: 'storage.objects.delete',
  },
});

/** A request that failed. It ends up as a `CairnError` before it leaves the folder. */
export class GcsFailure extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault) {
    super(fault.name);
    this.fault = fault;
  }
}

/** Answers that say more by their text than by their reason. Those to requests for a body have no reason at all. */
const tellingTexts: readonly (readonly [status: number, text: RegExp, name: string])[] = [
  [400, /requester pays/i, 'UserProjectMissing'],
  [400, /doesn't match calculated|does not match calculated|hash mismatch/i, 'ChecksumMismatch'],
  [400, /encryption key/i, 'customerEncryptionKeyIsIncorrect'],
  [404, /bucket does not exist/i, 'BucketNotFound'],
  [404, /^No such object/, 'notFound'],
];

interface ErrorDocument {
  readonly error?: {
    readonly status?: unknown;
    readonly message?: unknown;
    readonly errors?: readonly { readonly reason?: unknown }[];
  };
}

export function faultOfAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): StoreFault {
  const error = tryDocument(text)?.error;
  const said = typeof error?.message === 'string' ? error.message : text;
  const given = [error?.errors?.[0]?.reason, error?.status].find(isName);
  const telling = tellingTexts.find(([of, pattern]) => of === status && pattern.test(said))?.[2];
  // A reason that is particular says more than a pattern; these are what most answers have.
  const general = given === undefined || ['invalid', 'required', 'notFound'].includes(given);
  const name = (general ? telling : undefined) ?? given ?? 'Unknown';
  const hint = hintOf(status, name, said);
  return { name, status, headers, said: undefined, ...(hint === undefined ? {} : { hint }) };
}

function tryDocument(text: string): ErrorDocument | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z_]{1,64}$/.test(value);
}

function hintOf(status: number, name: string, said: string): string | undefined {
  if (name === 'UserProjectMissing') return 'whoever asks this bucket pays: name a project by project=';
  if (status !== 401 && status !== 403) return undefined;
  const permission = /\b(?:storage|serviceusage)\.[a-z]+\.[A-Za-z]+\b/.exec(said)?.[0];
  return permission === undefined ? undefined : `the permission that is missing is ${permission}`;
}

/** Whatever was thrown on the way. */
export function faultOf(error: unknown): StoreFault {
  if (error instanceof GcsFailure) return error.fault;
  const { code, name, message } = partsOf(error);
  return { name: code ?? name ?? typeof error, status: undefined, headers: {}, said: message };
}

/** The request itself never left: whatever it was, it had no effect. */
export function credentialsFailure(error: unknown): GcsFailure {
  return withoutRequest(credentialsNameOf(error));
}

export function lateCredentials(): GcsFailure {
  return withoutRequest('CredentialsUnreachable');
}

function withoutRequest(name: string): GcsFailure {
  return new GcsFailure({ name, status: undefined, headers: {}, said: undefined });
}

function credentialsNameOf(error: unknown): string {
  const { message = '', status, sent } = partsOf(error);
  if (status === undefined) return sent ? 'CredentialsUnreachable' : 'CredentialsMissing';
  if (status >= 500 || status === 429) return 'CredentialsUnreachable';
  // A signed request for a token is good for an hour around the present.
  if (/reasonable timeframe/.test(message)) return 'CredentialsSkewed';
  return /invalid_grant/.test(message) ? 'CredentialsExpired' : 'CredentialsRefused';
}

interface ThrownParts {
  readonly code: string | undefined;
  readonly name: string | undefined;
  readonly message: string | undefined;
  readonly status: number | undefined;
  /** A request of the SDK's failed, not the search for what to ask with. */
  readonly sent: boolean;
}

function partsOf(error: unknown): ThrownParts {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
    readonly message?: unknown;
    readonly config?: unknown;
    readonly response?: { readonly status?: unknown; readonly data?: unknown };
  };
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const data = JSON.stringify(thrown.response?.data) ?? '';
  const status = thrown.response?.status;
  return {
    code: text(thrown.code),
    name: text(thrown.name),
    message: thrown.response === undefined ? text(thrown.message) : `${text(thrown.message)} ${data}`,
    status: typeof status === 'number' ? status : undefined,
    sent: thrown.config !== undefined,
  };
}
