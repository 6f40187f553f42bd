/** What the answers of Azure Blob Storage mean, and what the SDK's errors say without what is secret in them. */
import { faultTable } from '../bucket/index.js';
import type { FaultTable, StoreFault } from '../bucket/index.js';

/** One code of Azure has three meanings, which only its detail tells apart: names of ours. */
const SIGNATURE_EXPIRED = 'AuthenticationFailed, out of its time';
const REQUEST_DATE = 'AuthenticationFailed, by its date';
const TOKEN_EXPIRED = 'InvalidAuthenticationInfo, expired';

export const azureFaults: FaultTable = faultTable({
  codes: {
    forbidden: [
      ...['AuthorizationFailure', 'AuthorizationPermissionMismatch', 'AuthorizationProtocolMismatch'],
      ...['AuthorizationResourceTypeMismatch', 'AuthorizationServiceMismatch'],
      ...['AuthorizationSourceIPMismatch', 'InsufficientAccountPermissions', 'AccountIsDisabled'],
      ...['UnauthorizedBlobOverwrite', 'ContainerDisabled'],
    ],
    unauthenticated: [
      ...['AuthenticationFailed', 'InvalidAuthenticationInfo', 'KeyBasedAuthenticationNotPermitted'],
      'AuthenticationError',
    ],
    no_credentials: [
      ...['NoAuthenticationInformation', 'PublicAccessNotPermitted', 'CredentialUnavailableError'],
      ...['AggregateAuthenticationError', 'AuthenticationRequiredError'],
    ],
    expired: [SIGNATURE_EXPIRED, TOKEN_EXPIRED],
    clock_skew: [REQUEST_DATE],
    no_bucket: ['ContainerNotFound', 'ContainerBeingDeleted', 'ResourceNotFound'],
    unsupported: [
      ...['ConditionHeadersNotSupported', 'FeatureVersionMismatch', 'UnsupportedHeader'],
      ...['UnsupportedHttpVerb', 'UnsupportedQueryParameter', 'InvalidHeaderValue'],
      'BlobAccessTierNotSupportedForAccountType',
    ],
    wrong_key: [
      ...['BlobUsesCustomerSpecifiedEncryption', 'BlobDoesNotUseCustomerSpecifiedEncryption'],
      'BlobCustomerSpecifiedEncryptionMismatch',
    ],
    busy: ['ServerBusy'],
    damaged: ['Md5Mismatch', 'InvalidMd5', 'IncompleteBody'],
    silent: ['OperationTimedOut', 'InternalError'],
    // Of 409 and 412, which mean something else in most stores: nothing was written, and no repetition will change that.
    refused: [
      ...[
        'LeaseIdMissing',
        'LeaseIdMismatchWithBlobOperation',
        'LeaseLost',
        'LeaseNotPresentWithBlobOperation',
      ],
      ...['BlobImmutableDueToPolicy', 'InvalidBlobType', 'ResourceTypeMismatch', 'SnapshotsPresent'],
      ...['BlobArchived', 'BlobBeingRehydrated', 'BlockCountExceedsLimit', 'InvalidBlockList'],
      ...['InvalidBlobOrBlock', 'InvalidBlockId'],
    ],
  },
  permissions: {
    read: 'that of the role Storage Blob Data Reader, or r of a SAS',
    write: 'that of the role Storage Blob Data Contributor, or c and w of a SAS',
    list: 'that of the role Storage Blob Data Reader, or l of a SAS',
    delete: 'that of the role Storage Blob Data Contributor, or d of a SAS',
  },
});

/** Whatever the SDK threw. */
export function faultOf(error: unknown): StoreFault {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
    readonly statusCode?: number;
    readonly response?: {
      readonly headers?: { toJSON(): Record<string, string> };
      readonly bodyAsText?: string | null;
    };
  };
  const status = thrown.statusCode;
  const headers = thrown.response?.headers?.toJSON() ?? {};
  const { name } = thrown;
  const code = headers['x-ms-error-code'] ?? thrown.code ?? name;
  const called = typeof code === 'string' ? code : typeof error;
  const said = status === undefined && typeof thrown.message === 'string' ? thrown.message : undefined;
  // What Entra answers while it is busy says nothing about the credentials.
  if (called === 'AuthenticationError' && status !== undefined && (status === 429 || status >= 500))
    return { name: `${called}, ${status}`, status, headers, said };
  return { name: meant(called, thrown.response?.bodyAsText ?? ''), status, headers, said };
}

function meant(code: string, body: string): string {
  const detail = /<AuthenticationErrorDetail>([^<]*)/.exec(body)?.[1] ?? '';
  if (code === 'InvalidAuthenticationInfo') return /expired/i.test(body) ? TOKEN_EXPIRED : code;
  if (code !== 'AuthenticationFailed') return code;
  if (/expired/i.test(detail)) return TOKEN_EXPIRED;
  if (/not valid in the specified time frame/i.test(detail)) return SIGNATURE_EXPIRED;
  return /\bdate header\b/i.test(detail) ? REQUEST_DATE : code;
}
