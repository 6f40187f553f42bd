/** How the store is asked to encrypt what it keeps: by a key in Cloud KMS, which puts name, or by ours, which goes with requests. */
import { sha256 } from '@noble/hashes/sha2.js';
import { invalid } from '../../../base/errors.js';
import { mustBeCustomerKey } from '../bucket/index.js';
import type { GcsLocation } from './gcs-url.js';

export interface GcsSecrets {
  /** Parameters of whatever makes an object. */
  readonly made: Readonly<Record<string, string>>;
  /** Headers of every request that touches a body. */
  readonly touched: Readonly<Record<string, string>>;
}

/**
 * Throws `invalid` (`invalid_customer_key`) for a key of another length, for one that others could hear on its way to `endpoint`, and
 * for one beside a key in Cloud KMS.
 */
export function secretsOf(
  { kmsKey }: Pick<GcsLocation, 'kmsKey'>,
  customerKey: Uint8Array | undefined,
  endpoint: string,
): GcsSecrets {
  if (customerKey === undefined)
    return { made: kmsKey === undefined ? {} : { kmsKeyName: kmsKey }, touched: {} };
  if (kmsKey !== undefined)
    throw invalid('invalid_customer_key', 'a customer key and kms_key exclude each other');
  mustBeCustomerKey(customerKey, endpoint);
  const touched = {
    'x-goog-encryption-algorithm': 'AES256',
    'x-goog-encryption-key': base64(customerKey),
    'x-goog-encryption-key-sha256': base64(sha256(customerKey)),
  };
  return { made: {}, touched };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
