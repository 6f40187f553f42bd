/** How the store is asked to encrypt what it keeps: by its own keys, which puts name, or by ours, which goes with every request. */
import { invalid } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import type { S3Encryption, S3Location } from './s3-url.js';

/** For every request that touches a body. */
export interface CustomerKeyed {
  readonly SSECustomerAlgorithm?: 'AES256';
  /** Base64; the SDK adds the MD5. */
  readonly SSECustomerKey?: string;
}

/** For whatever makes an object. */
export interface Encrypted extends CustomerKeyed {
  readonly ServerSideEncryption?: S3Encryption;
  readonly SSEKMSKeyId?: string;
}

export interface S3Secrets {
  readonly made: Encrypted;
  readonly touched: CustomerKeyed;
}

/** Throws `invalid` (`invalid_customer_key`) for a key of another length, and for one beside another way of encryption. */
export function secretsOf(
  { encryption, kmsKey }: S3Location,
  customerKey: Uint8Array | undefined,
): S3Secrets {
  if (customerKey === undefined) {
    const made = {
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
      ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
    };
    return { made, touched: {} };
  }
  if (encryption !== undefined)
    throw invalid('invalid_customer_key', `a customer key and encryption=${encryption} exclude each other`);
  if (customerKey.length !== limits.customerKeyBytes) {
    const message = `the customer key has ${customerKey.length} bytes, not ${limits.customerKeyBytes}`;
    throw invalid('invalid_customer_key', message);
  }
  const touched = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: btoa(String.fromCharCode(...customerKey)),
  } as const;
  return { made: touched, touched };
}
