/** How the store is asked to encrypt what it keeps: by a scope of the account, or by a key of ours, which goes with every request. */
import { createHash } from 'node:crypto';
import { invalid } from '../../../base/errors.js';
import { mustBeCustomerKey } from '../bucket/index.js';
import type { AzureLocation } from './azure-url.js';

/** For every request that touches a body. */
export interface CustomerKeyed {
  readonly customerProvidedKey?: {
    encryptionKey: string;
    encryptionKeySha256: string;
    encryptionAlgorithm: 'AES256';
  };
}

/** For whatever makes a blob. */
export interface Encrypted extends CustomerKeyed {
  readonly encryptionScope?: string;
}

export interface AzureSecrets {
  readonly made: Encrypted;
  readonly touched: CustomerKeyed;
}

/**
 * Throws `invalid` (`invalid_customer_key`) for a key of another length, for one beside another way of encryption, and for one that
 * would go over a line that everybody can read.
 */
export function secretsOf(
  { encryptionScope }: AzureLocation,
  customerKey: Uint8Array | undefined,
  secure: boolean,
): AzureSecrets {
  if (customerKey === undefined) {
    return { made: encryptionScope === undefined ? {} : { encryptionScope }, touched: {} };
  }
  if (encryptionScope !== undefined)
    throw invalid('invalid_customer_key', 'a customer key and encryption_scope exclude each other');
  mustBeCustomerKey(customerKey);
  // The SDK sends none over http, not even to this machine itself.
  if (!secure)
    throw invalid('invalid_customer_key', 'a customer key goes over https only, and the endpoint is http');
  const touched = {
    customerProvidedKey: {
      encryptionKey: Buffer.from(customerKey).toString('base64'),
      encryptionKeySha256: createHash('sha256').update(customerKey).digest('base64'),
      encryptionAlgorithm: 'AES256' as const,
    },
  };
  return { made: touched, touched };
}
