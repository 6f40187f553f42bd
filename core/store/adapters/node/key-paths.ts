/**
 * Where an object of a key lies below the root, and the way back for listings.
 *
 *   key          = segment *( "/" segment )
 *   path         = root *( "/" directory ) "/" encoded ".obj"
 *   mutable      = the same with ".gen": the directory of its generations
 *   encoded      = every byte outside [a-z0-9._-] as %xx; upper case too, for file systems that fold case;
 *                  dots are %2e in a segment of dots alone and in a long one; the empty segment is "~0"
 *   directory    = encoded; where it ends in ".obj" or ".gen" its last dot is %2e, so "a" and "a/b" can both exist
 *   long segment = encoded in more than 200 characters: nested directories of 200 characters and "~", then the rest
 *                  (a file system allows 255 bytes to a name; a name of 128 bytes in hex has 256)
 *
 * Names with "~" elsewhere are ours: "~tmp". No name is ".", ".." or has a "/", so no key leads out of the root.
 */
import { utf8Decode, utf8Encode } from '../../../base/bytes.js';

const OBJECT_SUFFIX = '.obj';
const GENERATIONS_SUFFIX = '.gen';
export const TMP_DIRECTORY = '~tmp';

const CHUNK = 200;
const EMPTY = '~0';
const SAFE = /^[a-z0-9._-]+$/;
const DOTS = /^\.+$/;
const OURS_AT_END = /\.(obj|gen)$/;

/** Where one object lies. */
export interface ObjectPlace {
  readonly key: string;
  /** The directory that holds the two below. */
  readonly directory: string;
  /** The body, or the marker of a mutable object. */
  readonly object: string;
  readonly generations: string;
}

export function placeOf(root: string, key: string): ObjectPlace {
  const segments = key.split('/');
  const last = chunksOf(encodeSegment(segments.pop()!));
  const leaf = last.pop()!;
  const directory = [root, ...segments.flatMap(directoryNames), ...last].join('/');
  const path = `${directory}/${leaf}`;
  return { key, directory, object: path + OBJECT_SUFFIX, generations: path + GENERATIONS_SUFFIX };
}

/** The nested directory names of one segment that is not the last of its key. */
export function directoryNames(segment: string): string[] {
  return chunksOf(encodeDirectory(segment));
}

/** What a name in a directory of the store stands for. `encoded` may be the beginning of a longer segment. */
export type NameRole = 'object' | 'generations' | 'continuation' | 'directory';

export function readName(name: string): { readonly role: NameRole; readonly encoded: string } {
  if (name.endsWith(OBJECT_SUFFIX)) return { role: 'object', encoded: name.slice(0, -OBJECT_SUFFIX.length) };
  if (name.endsWith(GENERATIONS_SUFFIX)) {
    return { role: 'generations', encoded: name.slice(0, -GENERATIONS_SUFFIX.length) };
  }
  if (name.endsWith('~')) return { role: 'continuation', encoded: name.slice(0, -1) };
  return { role: 'directory', encoded: name };
}

/** The segment that is encoded so, or undefined where the name is not one that this store writes. */
export function tryDecodeSegment(encoded: string, role: 'object' | 'directory'): string | undefined {
  const segment = decodeBytes(encoded);
  if (segment === undefined) return undefined;
  const canonical = role === 'object' ? encodeSegment(segment) : encodeDirectory(segment);
  return canonical === encoded ? segment : undefined;
}

function decodeBytes(encoded: string): string | undefined {
  if (encoded === EMPTY) return '';
  if (SAFE.test(encoded)) return encoded;
  const bytes = new Uint8Array(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at++) {
    let byte = encoded.charCodeAt(at);
    if (byte === 0x25) {
      const hex = encoded.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/.test(hex)) return undefined;
      byte = Number.parseInt(hex, 16);
      at += 2;
    } else if (byte > 0x7f) return undefined;
    bytes[length++] = byte;
  }
  try {
    return utf8Decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}

function encodeSegment(segment: string): string {
  if (segment.length === 0) return EMPTY;
  const encoded = SAFE.test(segment) ? segment : encodeBytes(segment);
  // A long segment is cut anywhere: without dots no piece of it can be ".." or end in a suffix of ours.
  if (encoded.length > CHUNK || DOTS.test(encoded)) return encoded.replaceAll('.', '%2e');
  return encoded;
}

function encodeBytes(segment: string): string {
  let encoded = '';
  for (const byte of utf8Encode(segment)) {
    const character = String.fromCharCode(byte);
    encoded += SAFE.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return encoded;
}

function encodeDirectory(segment: string): string {
  const encoded = encodeSegment(segment);
  return OURS_AT_END.test(encoded) ? `${encoded.slice(0, -4)}%2e${encoded.slice(-3)}` : encoded;
}

/** Requires: at least one character. The last piece is the name proper, those before it are directories. */
function chunksOf(encoded: string): string[] {
  const chunks: string[] = [];
  let at = 0;
  for (; encoded.length - at > CHUNK; at += CHUNK) chunks.push(`${encoded.slice(at, at + CHUNK)}~`);
  chunks.push(encoded.slice(at));
  return chunks;
}
