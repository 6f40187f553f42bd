/** Statuses of errors: what is wrong between the server and its store is not the caller's fault. */
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/base/errors.js';
import type { ErrorKind } from '../../core/base/errors.js';
import { problemHeaders, statusOf } from '../../functions/http/problems.js';

describe('the status of an error', () => {
  it.each<readonly [ErrorKind, string, number]>([
    ['unauthenticated', 'key_unknown', 401],
    ['unauthenticated', 'store_unauthenticated', 500],
    ['unauthenticated', 'store_credentials_expired', 500],
    ['unauthenticated', 'store_clock_skew', 500],
    ['not_found', 'collection_not_found', 404],
    ['not_found', 'store_not_found', 500],
    ['invalid', 'store_region', 500],
    ['invalid', 'store_refused', 500],
    ['forbidden', 'store_forbidden', 403],
    ['unavailable', 'store_busy', 503],
  ])('%s %s is %d', (kind, code, status) => {
    const error = new CairnError(kind, code, 'told');
    expect(statusOf(error)).toBe(status);
    expect('www-authenticate' in problemHeaders(error)).toBe(status === 401);
  });
});
