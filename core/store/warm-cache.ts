/**
 * The port of a second tier between memory and the bucket, and the seal of what lies there. The tier is nobody's to trust: files
 * are damaged, cut, exchanged and left over from others. So an entry says what it is of, and whatever does not fit to the last bit
 * is no entry.
 *
 *   entry := magic "CAIRNWRM"                    little-endian
 *            u32 crc32c of all that follows
 *            u16 nameBytes  u16 versionBytes
 *            u64 size                              of the whole object
 *            f64 modifiedMs
 *            name version zero*                    the body begins at a multiple of 64
 *            body
 */
import { alignUp, utf8Decode, utf8Encode } from '../base/bytes.js';
import type { Digests } from '../base/ports.js';
import type { StoreVersion } from './object-store.js';

/**
 * Keeps entries by name for as long as it likes, best effort: where it fails there is nothing, and no error of it reaches a query.
 * A name is three parts between slashes: 32 hex digits of the store, 32 of the collection (so that what belongs to one tenant
 * lies apart), and up to 128 of `0-9 a-z . @ -`.
 */
export interface WarmCache {
  /** What was put under the name; who asks finds out whether it is. Undefined: nothing. The bytes are the caller's. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** `bytes` are the cache's from now on. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A part of an object, or all of it. */
export interface WarmEntry {
  readonly size: number;
  readonly version: StoreVersion;
  readonly modifiedMs: number;
  readonly body: Uint8Array;
}

const MAGIC = utf8Encode('CAIRNWRM');
const CHECKED_FROM = 12;
const NAME_AT = 32;
const BODY_ALIGNMENT = 64;
/** Versions of stores are tokens of some tens of bytes. */
const VERSION_BYTES = 1_024;

type EntryDigests = Pick<Digests, 'crc32c'>;

/** Undefined where the version is too long for an entry. */
export function trySealEntry(
  digests: EntryDigests,
  name: string,
  { size, version, modifiedMs, body }: WarmEntry,
): Uint8Array<ArrayBuffer> | undefined {
  const [nameText, versionText] = [utf8Encode(name), utf8Encode(version)];
  if (versionText.length > VERSION_BYTES) return undefined;
  const bodyAt = alignUp(NAME_AT + nameText.length + versionText.length, BODY_ALIGNMENT);
  const bytes = new Uint8Array(bodyAt + body.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, 0);
  view.setUint16(12, nameText.length, true);
  view.setUint16(14, versionText.length, true);
  view.setBigUint64(16, BigInt(size), true);
  view.setFloat64(24, modifiedMs, true);
  bytes.set(nameText, NAME_AT);
  bytes.set(versionText, NAME_AT + nameText.length);
  bytes.set(body, bodyAt);
  view.setUint32(8, digests.crc32c(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}

/** A view of the body. Undefined where the bytes are not exactly what was sealed under this name. */
export function tryOpenEntry(digests: EntryDigests, name: string, bytes: Uint8Array): WarmEntry | undefined {
  if (bytes.length < NAME_AT || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8, true) !== digests.crc32c(bytes.subarray(CHECKED_FROM))) return undefined;
  const nameText = utf8Encode(name);
  const versionAt = NAME_AT + nameText.length;
  const versionEnd = versionAt + view.getUint16(14, true);
  const bodyAt = alignUp(versionEnd, BODY_ALIGNMENT);
  const isOfName =
    view.getUint16(12, true) === nameText.length && nameText.every((byte, i) => bytes[NAME_AT + i] === byte);
  if (!isOfName || bodyAt > bytes.length) return undefined;
  return {
    size: Number(view.getBigUint64(16, true)),
    version: utf8Decode(bytes.subarray(versionAt, versionEnd)) as StoreVersion,
    modifiedMs: view.getFloat64(24, true),
    body: bytes.subarray(bodyAt),
  };
}
