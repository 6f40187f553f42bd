/**
 * The bytes of a catalog entry: a JSON document in an ENT envelope, `{"name", "uid", "nonce"}`. Its key holds the name in
 * hex, so that no other key of the store has anything that a user chose.
 */
import { tryHexToBytes } from '../base/bytes.js';
import { isName, isUid, newNonce } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests, Ports } from '../base/ports.js';
import { sealJson } from '../base/sealed-object.js';
import { openDocument } from './document-reader.js';

/** What a name stands for. Null: it is vacant. */
export type EntryUid = Uid | null;

/** Each state of an entry has a nonce of its own (`core/engine/catalog.ts`). */
export function sealEntry(
  { digests, random }: Pick<Ports, 'digests' | 'random'>,
  key: string,
  { name, uid }: { readonly name: string; readonly uid: EntryUid },
): Uint8Array<ArrayBuffer> {
  const nonce = newNonce(random);
  return sealJson(digests, { kind: 'ENT', key }, { name, uid, nonce }, limits.catalogEntryBytes);
}

/** Throws `corrupt`. */
export function openEntry(digests: Digests, key: string, bytes: Uint8Array): EntryUid {
  return openDocument(digests, { kind: 'ENT', key }, bytes).read(
    'uid',
    'a uid or null',
    (value): value is EntryUid => value === null || (typeof value === 'string' && isUid(value)),
  );
}

/** The name whose hex is the last part of an entry's key. Undefined where that is nobody's. */
export function tryNameOfHex(hex: string): string | undefined {
  const bytes = tryHexToBytes(hex);
  const name = bytes === undefined ? '' : String.fromCharCode(...bytes.subarray(0, limits.keyBytes));
  return isName(name) ? name : undefined;
}
