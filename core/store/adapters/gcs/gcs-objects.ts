/** Names of objects, and what the JSON API says of one that was made. */
import { utf8Length } from '../../../base/bytes.js';
import { invalid } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import type { StoreVersion } from '../../index.js';

/** What every object is made with. A cache of Google's would keep what everyone may read for an hour. */
export const objectMetadata = { contentType: 'application/octet-stream', cacheControl: 'no-store' } as const;

/** The fields of an object that are asked for: others cost bytes and time. */
export const MADE_FIELDS = 'generation,size,crc32c,updated';

export interface MadeObject {
  /** Its generation. */
  readonly version: StoreVersion;
  readonly size: number;
  /** Base64. Absent where the answer is to a request without the key that the object is encrypted with. */
  readonly crc32c: string | undefined;
  readonly updatedMs: number | undefined;
}

/** Undefined where the document is none of an object. */
export function tryMadeObject(document: unknown): MadeObject | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const { generation, size, crc32c, updated } = document as Readonly<Record<string, unknown>>;
  if (typeof generation !== 'string' || !isGeneration(generation) || !/^\d+$/.test(String(size)))
    return undefined;
  const updatedMs = Date.parse(String(updated));
  return {
    version: generation as StoreVersion,
    size: Number(size),
    crc32c: typeof crc32c === 'string' ? crc32c : undefined,
    updatedMs: Number.isNaN(updatedMs) ? undefined : updatedMs,
  };
}

/** The store refuses a number that is none, where it should say that nothing has that version. */
export function isGeneration(version: string): boolean {
  return /^\d{1,19}$/.test(version);
}

/**
 * The name of the object of `key`. Throws `invalid` (`invalid_key`, `key_too_long`) where the store has no such name:
 * https://cloud.google.com/storage/docs/objects#naming
 */
export function objectNameOf(prefix: string, key: string): string {
  const name = prefix + key;
  const bytes = utf8Length(name);
  if (bytes > limits.keyBytes) {
    const message = `object key ${key} has ${bytes} bytes with the prefix of the store, the maximum is ${limits.keyBytes}`;
    throw invalid('key_too_long', message, { key, bytes, maximum: limits.keyBytes });
  }
  if (/[\r\n]/.test(name) || name === '.' || name === '..' || name.startsWith('.well-known/acme-challenge/'))
    throw invalid('invalid_key', `object key ${JSON.stringify(key)} is no name in Google Cloud Storage`, {
      key,
    });
  return name;
}
