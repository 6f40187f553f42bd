/**
 * The envelope of every object that Cairn writes. Whatever flips, truncates or swaps an object is found here, and
 * becomes a `corrupt` error that names key and offset.
 *
 *   object  := header body zero* table trailer          little-endian; body starts at 64, table at a multiple of 4
 *   header  := magic[8]   "CAIRN" and three letters of the kind
 *              u32 format
 *              u32 pageBytes                             16,384
 *              u64 bodyBytes
 *              keyHash[16]                               first half of SHA-256 of the object's key: finds swaps
 *              zero[24]
 *   table   := u32 crc32c[pages]                         of each page of everything before the table
 *   trailer := u32 crc32c(table), magic[4] "CEND"
 */
import { alignUp, bytesToHex, utf8Encode } from './bytes.js';
import { corrupt, overLimit } from './errors.js';
import type { CairnError } from './errors.js';
import { limits } from './limits.js';
import type { Digests } from './ports.js';
import type { SpareMemory } from './spare-memory.js';

/** SLT slot, INB batches that lost a race, HED head, BAT batch, ENT catalog entry, SEG footer of a segment, DEL deletions, WIN idempotency window, ROT root. */
export type ObjectKind = 'SLT' | 'INB' | 'HED' | 'BAT' | 'ENT' | 'SEG' | 'DEL' | 'WIN' | 'ROT';

/** What is written. It stays readable for ever; format 0 was that of releases before it, of the same grammar. */
const FORMAT = 1;
const FORMAT_OLDEST = 0;
const HEADER_BYTES = 64;
const TRAILER_BYTES = 8;
const TRAILER_MAGIC = 0x444e4543; // "CEND"

function tableOffset(bodyBytes: number): number {
  return alignUp(HEADER_BYTES + bodyBytes, 4);
}

/** Of a whole object, by what its body takes. */
export function objectBytes(bodyBytes: number): number {
  const offset = tableOffset(bodyBytes);
  return offset + 4 * Math.ceil(offset / limits.pageBytes) + TRAILER_BYTES;
}

function keyHash(digests: Digests, key: string): Uint8Array {
  return digests.sha256(utf8Encode(key)).subarray(0, 16);
}

/** An object under construction: write `body`, then `seal` it. */
export interface UnsealedObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A view of the body inside `bytes`, zeroed. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Made in spare memory where there is any that fits. */
export function newObject(bodyBytes: number, spare?: SpareMemory): UnsealedObject {
  const length = objectBytes(bodyBytes);
  const memory = spare?.tryTake(length);
  const bytes = memory === undefined ? new Uint8Array(length) : new Uint8Array(memory, 0, length).fill(0);
  return { bytes, body: bytes.subarray(HEADER_BYTES, HEADER_BYTES + bodyBytes) };
}

export interface Identity {
  readonly kind: ObjectKind;
  /** The key under which the object counts. A copy of a head counts under the head's key. */
  readonly key: string;
  /** Where the envelope begins in its object: only a segment's footer does not begin at 0. */
  readonly at?: number;
}

/** Fills in header, page table and trailer. */
export function seal(digests: Digests, identity: Identity, object: UnsealedObject): Uint8Array<ArrayBuffer> {
  const { bytes, body } = object;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  bytes.set(utf8Encode(`CAIRN${identity.kind}`), 0);
  view.setUint32(8, FORMAT, true);
  view.setUint32(12, limits.pageBytes, true);
  view.setBigUint64(16, BigInt(body.length), true);
  bytes.set(keyHash(digests, identity.key), 24);
  const table = tableOffset(body.length);
  const sums = digests.crc32cPages(bytes.subarray(0, table), limits.pageBytes);
  sums.forEach((sum, page) => view.setUint32(table + 4 * page, sum, true));
  const trailer = table + 4 * sums.length;
  view.setUint32(trailer, digests.crc32c(bytes.subarray(table, trailer)), true);
  view.setUint32(trailer + 4, TRAILER_MAGIC, true);
  return bytes;
}

/** Checks every byte of a whole object and returns a view of its body. Throws `corrupt`. */
export function openSealed(digests: Digests, identity: Identity, bytes: Uint8Array): Uint8Array {
  const { kind, key, at = 0 } = identity;
  const wrong = (offset: number, expected: string, found: string): CairnError =>
    corrupt({ key, offset: at + offset, expected, found });
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) {
    throw wrong(bytes.length, `at least ${HEADER_BYTES + TRAILER_BYTES} bytes`, `${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  if (magic !== `CAIRN${kind}`) throw wrong(0, `magic CAIRN${kind}`, JSON.stringify(magic));
  const format = view.getUint32(8, true);
  if (format < FORMAT_OLDEST || format > FORMAT)
    throw wrong(8, `format ${FORMAT_OLDEST} to ${FORMAT}`, `format ${format}`);
  const pageBytes = view.getUint32(12, true);
  if (pageBytes !== limits.pageBytes) throw wrong(12, `pages of ${limits.pageBytes} bytes`, `${pageBytes}`);
  const bodyBytes = Number(view.getBigUint64(16, true));
  if (bodyBytes > bytes.length || objectBytes(bodyBytes) !== bytes.length) {
    throw wrong(16, `a length that fits an object of ${bytes.length} bytes`, `a body of ${bodyBytes} bytes`);
  }
  const table = tableOffset(bodyBytes);
  const trailer = bytes.length - TRAILER_BYTES;
  if (view.getUint32(trailer + 4, true) !== TRAILER_MAGIC)
    throw wrong(trailer + 4, 'the end mark', 'other bytes');
  if (view.getUint32(trailer, true) !== digests.crc32c(bytes.subarray(table, trailer))) {
    throw wrong(table, 'a page table that matches its checksum', 'another');
  }
  digests.crc32cPages(bytes.subarray(0, table), limits.pageBytes).forEach((sum, page) => {
    const stored = view.getUint32(table + 4 * page, true);
    if (stored !== sum) {
      throw wrong(page * limits.pageBytes, `page checksum ${stored.toString(16)}`, sum.toString(16));
    }
  });
  const found = bytesToHex(bytes.subarray(24, 40));
  const expected = bytesToHex(keyHash(digests, key));
  if (found !== expected) throw wrong(24, `the object of this key (${expected})`, `another's (${found})`);
  return bytes.subarray(HEADER_BYTES, HEADER_BYTES + bodyBytes);
}

/** A small JSON document in an envelope. */
export function sealJson(
  digests: Digests,
  identity: Identity,
  value: unknown,
  bytesMax: number,
): Uint8Array<ArrayBuffer> {
  const text = utf8Encode(JSON.stringify(value));
  if (text.length > bytesMax) throw overLimit(`${identity.kind} bytes`, text.length, bytesMax, identity.key);
  const object = newObject(text.length);
  object.body.set(text);
  return seal(digests, identity, object);
}
