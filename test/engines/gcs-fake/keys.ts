/**
 * Keys that a client brings with its requests, and the fake forgets but for their hash.
 * https://cloud.google.com/storage/docs/encryption/customer-supplied-keys
 */
import { createHash } from 'node:crypto';
import type { Asked } from './asked.js';
import type { FakeObject } from './objects.js';
import { Refusal } from './refusal.js';

/** Base64 of the SHA-256 of the key. Undefined: there is none. */
export function keyOf({ headers }: Pick<Asked, 'headers'>): string | undefined {
  const given = ['', '-key', '-key-sha256'].map(
    (end) => headers[end === '' ? 'x-goog-encryption-algorithm' : `x-goog-encryption${end}`],
  );
  if (given.every((value) => value === undefined)) return undefined;
  const [algorithm, key, sha256] = given.map(String) as [string, string, string];
  if (algorithm !== 'AES256')
    throw new Refusal(400, 'customerEncryptionAlgorithmIsInvalid', 'Missing an encryption algorithm.');
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== 32)
    throw new Refusal(
      400,
      'customerEncryptionKeyFormatIsInvalid',
      'The encryption key is of a wrong format.',
    );
  if (createHash('sha256').update(bytes).digest('base64') !== sha256)
    throw new Refusal(400, 'customerEncryptionKeySha256IsInvalid', 'The SHA256 hash is of another key.');
  return sha256;
}

export function mustFit(asked: Pick<Asked, 'headers'>, { keySha256 }: FakeObject): void {
  const key = keyOf(asked);
  if (key === keySha256) return;
  const [reason, message] =
    keySha256 === undefined
      ? [
          'resourceNotEncryptedWithCustomerEncryptionKey',
          'The target object is not encrypted by a customer-supplied encryption key.',
        ]
      : key === undefined
        ? [
            'resourceIsEncryptedWithCustomerEncryptionKey',
            'The target object is encrypted by a customer-supplied encryption key.',
          ]
        : ['customerEncryptionKeyIsIncorrect', 'The provided encryption key is incorrect.'];
  throw new Refusal(400, reason, message);
}
