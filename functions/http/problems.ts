/**
 * Errors as RFC 9457 problem documents: the one table from error kind to HTTP status, and the codes for which HTTP has
 * a better status. Internal errors keep their message and stack out of the answer: they go to the operator's log.
 */
import { utf8Encode } from '../../core/base/bytes.js';
import { CairnError, isCairnError } from '../../core/base/errors.js';
import type { ErrorDetails, ErrorKind } from '../../core/base/errors.js';
import type { HttpAnswer } from './message/index.js';
import { respellNames, snakeKeys } from './schema/index.js';

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  quota: 429,
  corrupt: 500,
  internal: 500,
  unavailable: 503,
};

const statusOfCode: Readonly<Record<string, number>> = {
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_content_encoding: 415,
  misdirected_request: 421,
  idempotency_key_reused: 422,
  // Between this server and its store: the caller's key and names are not at fault.
  store_unauthenticated: 500,
  store_credentials_expired: 500,
  store_clock_skew: 500,
  store_customer_key: 500,
  store_region: 500,
  store_not_found: 500,
  store_unsupported: 500,
  store_refused: 500,
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export const problemType = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly details?: object;
  readonly outcome?: string;
}

export function statusOf(error: CairnError): number {
  return statusOfCode[error.code] ?? statusOfKind[error.kind];
}

/** Whatever was thrown as a `CairnError`: a stranger is a bug of ours. */
export function asCairnError(thrown: unknown): CairnError {
  if (isCairnError(thrown)) return thrown;
  return new CairnError('internal', 'internal_error', 'internal error', { cause: thrown });
}

export function problemOf(error: CairnError, requestId: string): Problem {
  const status = statusOf(error);
  const hidden = error.kind === 'internal';
  const detail = hidden ? "internal error: the server's log has it under this request id" : error.message;
  return {
    type: `urn:cairn:error:${error.code}`,
    title: titles[status] ?? 'Error',
    status,
    detail: respellNames(detail),
    code: error.code,
    request_id: requestId,
    ...(hidden || Object.keys(error.details).length === 0 ? {} : { details: respellDetails(error.details) }),
    ...(error.outcome === undefined ? {} : { outcome: error.outcome }),
  };
}

/** Names of fields among the facts are respelt too. */
function respellDetails(details: ErrorDetails): object {
  const respelt = Object.entries(snakeKeys(details)).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.map((part) => respellNames(String(part))) : value,
  ]);
  return Object.fromEntries(respelt) as object;
}

/** The headers that some errors owe. */
export function problemHeaders(error: CairnError): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const status = statusOf(error);
  if (error.retryAfterS !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfterS));
  else if (status === 429 || status === 503) headers['retry-after'] = '1';
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="cairn"';
  if (error.code === 'unsupported_content_encoding') headers['accept-encoding'] = 'gzip';
  if (error.code === 'method_not_allowed') headers['allow'] = String(error.details['allow']);
  const firstTail = error.details['first_tail'];
  if (firstTail !== undefined) headers['cairn-first-tail'] = String(firstTail);
  return headers;
}

/** A whole answer for a message that did not become a request. */
export function problemAnswer(thrown: unknown, requestId: string): HttpAnswer {
  const error = asCairnError(thrown);
  const body = utf8Encode(JSON.stringify(problemOf(error, requestId)));
  const headers = {
    ...problemHeaders(error),
    'content-type': problemType,
    'content-length': String(body.length),
    'x-request-id': requestId,
  };
  return { status: statusOf(error), headers, body };
}
