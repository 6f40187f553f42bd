/** How the store is asked to encrypt what it keeps: by its own keys, which puts name, or by ours, which goes with every request. */
import type { S3Client } from '@aws-sdk/client-s3';
import { invalid } from '../../../base/errors.js';
import { mustBeCustomerKey } from '../bucket/index.js';
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

/**
 * Throws `invalid` (`invalid_customer_key`) for a key of another length, for one that others could hear on its way, and for one
 * beside another way of encryption.
 */
export async function secretsOf(
  location: S3Location,
  customerKey: Uint8Array | undefined,
  client: S3Client,
): Promise<S3Secrets> {
  const { encryption, kmsKey } = location;
  if (customerKey === undefined) {
    const made = {
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
      ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
    };
    return { made, touched: {} };
  }
  if (encryption !== undefined)
    throw invalid('invalid_customer_key', `a customer key and encryption=${encryption} exclude each other`);
  mustBeCustomerKey(customerKey, location.endpoint ?? (await foundBySdk(client)));
  const touched = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: btoa(String.fromCharCode(...customerKey)),
  } as const;
  return { made: touched, touched };
}

/** The part of the client's settings that its types leave out. */
interface Configured {
  readonly serviceConfiguredEndpoint: () => Promise<string | undefined>;
}

/** The endpoint in the SDK's variables and files. Undefined: Amazon's, which is https. Sends nothing. */
function foundBySdk({ config }: S3Client): Promise<string | undefined> {
  return (config as unknown as Configured).serviceConfiguredEndpoint();
}
