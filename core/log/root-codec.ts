/**
 * The root of a collection: copies of what a head names and who opens the collection needs, in one object under a key that
 * is known beforehand. A hint and no more: a copy counts where it is what the head says, and nothing is missing where
 * there is none.
 *
 *   body  := u32 copies, u32 zero                         8 bytes
 *            entry[copies]
 *            copy[copies]                                 each at the next multiple of 8, zeros between and behind
 *   entry := sha256[32], u32 bytes, u32 keyBytes, key, zeros to a multiple of 8
 *
 * `key` is that of the object in UTF-8. The copy is all of it and `sha256` its own, or the tail of a segment and that of
 * the segment's footer: what the head calls it by. No key comes twice.
 */
import { alignUp, bytesToHex, tryHexToBytes, utf8Decode, utf8Encode } from '../base/bytes.js';
import { assertInternal, corrupt } from '../base/errors.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { newObject, objectBytes, openSealed, seal } from '../base/sealed-object.js';
import { rootKey } from './layout.js';

/** An object, or a part of one, as a head names it. */
export interface NamedPart {
  readonly key: string;
  /** In hex. */
  readonly sha256: string;
}

export interface PartCopy extends NamedPart {
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 8;
const ENTRY_BYTES = 40;
const SHA_BYTES = 32;
const ALIGNMENT = 8;
/** Of the envelope: where a body begins in its object. */
const BODY_OFFSET = 64;

/** What a copy of so many bytes takes of the body of a root. */
export function copyBytes({ key, length }: { readonly key: string; readonly length: number }): number {
  return entryBytes(key) + alignUp(length, ALIGNMENT);
}

/** Of a root of which the copies take so many bytes: `copyBytes` of each. */
export function rootBytesOf(copies: number): number {
  return objectBytes(HEADER_BYTES + copies);
}

function entryBytes(key: string): number {
  return alignUp(ENTRY_BYTES + utf8Encode(key).length, ALIGNMENT);
}

/** Requires: no key comes twice, and `rootBytesOf` all of them is no more than `limits.rootBytes`. */
export function sealRoot(digests: Digests, uid: Uid, copies: readonly PartCopy[]): Uint8Array<ArrayBuffer> {
  const entries = HEADER_BYTES + copies.reduce((sum, { key }) => sum + entryBytes(key), 0);
  const object = newObject(
    copies.reduce((sum, { bytes }) => sum + alignUp(bytes.length, ALIGNMENT), entries),
  );
  const { body } = object;
  assertInternal(object.bytes.length <= limits.rootBytes, `a root of ${object.bytes.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  view.setUint32(0, copies.length, true);
  let [entry, copy] = [HEADER_BYTES, entries];
  for (const { key, sha256, bytes } of copies) {
    const sha = tryHexToBytes(sha256);
    assertInternal(sha?.length === SHA_BYTES, `a copy of ${key} without a hash`);
    const text = utf8Encode(key);
    body.set(sha, entry);
    view.setUint32(entry + SHA_BYTES, bytes.length, true);
    view.setUint32(entry + SHA_BYTES + 4, text.length, true);
    body.set(text, entry + ENTRY_BYTES);
    body.set(bytes, copy);
    entry += entryBytes(key);
    copy += alignUp(bytes.length, ALIGNMENT);
  }
  return seal(digests, { kind: 'ROT', key: rootKey(uid) }, object);
}

/** By their keys, in their order. Views of `bytes`; nothing is known of what is in them. Throws `corrupt`. */
export function openRoot(digests: Digests, uid: Uid, bytes: Uint8Array): ReadonlyMap<string, PartCopy> {
  const rootName = rootKey(uid);
  const must = (condition: boolean, at: number, expected: string, found: string | number): void => {
    if (!condition)
      throw corrupt({ key: rootName, offset: BODY_OFFSET + at, expected, found: String(found) });
  };
  must(bytes.length <= limits.rootBytes, 0, `an object of at most ${limits.rootBytes} bytes`, bytes.length);
  const body = openSealed(digests, { kind: 'ROT', key: rootName }, bytes);
  must(body.length >= HEADER_BYTES, 0, 'the number of copies', `${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const count = view.getUint32(0, true);
  const places: { readonly key: string; readonly sha256: string; readonly length: number }[] = [];
  let at = HEADER_BYTES;
  // A number that is too large ends with the bytes.
  for (let i = 0; i < count; i++) {
    must(at + ENTRY_BYTES <= body.length, at, `${count} entries`, i);
    const keyBytes = view.getUint32(at + SHA_BYTES + 4, true);
    const end = at + ENTRY_BYTES + keyBytes;
    must(
      keyBytes <= limits.keyBytes && end <= body.length,
      at + SHA_BYTES + 4,
      'the length of a key',
      keyBytes,
    );
    const key = tryText(body.subarray(at + ENTRY_BYTES, end));
    must(key !== undefined, at + ENTRY_BYTES, 'a key in UTF-8', 'other bytes');
    places.push({
      key: key!,
      sha256: bytesToHex(body.subarray(at, at + SHA_BYTES)),
      length: view.getUint32(at + SHA_BYTES, true),
    });
    at = alignUp(end, ALIGNMENT);
  }
  const copies = new Map<string, PartCopy>();
  for (const { key, sha256, length } of places) {
    must(!copies.has(key), HEADER_BYTES, 'a key that comes once', key);
    must(at + length <= body.length, at, `a copy of ${length} bytes`, body.length - at);
    copies.set(key, { key, sha256, bytes: body.subarray(at, at + length) });
    at = alignUp(at + length, ALIGNMENT);
  }
  must(at === body.length, at, `${at} bytes of copies`, body.length);
  return copies;
}

function tryText(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decode(bytes);
  } catch {
    return undefined;
  }
}
