/** How the store is asked to encrypt what it keeps: by a key in Cloud KMS, which puts name, or by ours, which goes with requests. */
import { sha256 } from '@noble/hashes/sha2.js';
import { invalid } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import type { GcsLocation } from './gcs-url.js';

export interface GcsSecrets {
  /** Parameters of whatever makes an object. */
  readonly made: Readonly<Record<string, string>>;
  /** Headers of every request that touches a body. */
  readonly touched: Readonly<Record<string, string>>;
}

/** Throws `invalid` (`invalid_customer_key`) for a key of another length, and for one beside a key in Cloud KMS. */
export function secretsOf(
  { kmsKey }: Pick<GcsLocation, 'kmsKey'>,
  customerKey: Uint8Array | undefined,
): GcsSecrets {
  if (customerKey === undefined)
    return { made: kmsKey === undefined ? {} : { kmsKeyName: kmsKey }, touched: {} };
  if (kmsKey !== undefined)
    throw invalid('invalid_customer_key', 'a customer key and kms_key exclude each other');
  if (customerKey.length !== limits.customerKeyBytes) {
    const message = `the customer key has ${customerKey.length} bytes, not ${limits.customerKeyBytes}`;
    throw invalid('invalid_customer_key', message);
  }
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
