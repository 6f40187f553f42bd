/**
 * Keys as names of blobs. A name goes through URLs and XML, so it can hold no control characters and no segment that ends with
 * a dot; a backslash becomes a slash on the way; and of characters beyond U+FFFF nobody says where they are listed. What a name
 * cannot hold is escaped so that the order of names is that of the UTF-8 bytes of keys:
 *
 * ```
 * U+0000 .. '!'      '!' and two hexadecimal digits
 * '[' '\'            '[' and two
 * '~' .. U+00A0      '~' and two
 * U+D7A3 .. U+10FFFF U+D7A3, the last syllable of Hangul, and six
 * '/' after '.'      '.' U+D7A3 'z': after all that may follow '..', before what comes after '.'
 * '.' '/' at the end the same and '!'
 * ```
 *
 * Each escape begins with the character at that end of the range which it stands for; everything else stands for itself, and so
 * do all keys of the engine.
 */
import { invalid } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';

const LAST = '\u{D7A3}';
const SLASH = `.${LAST}z`;
const ESCAPED = /[\0-!]|[[\\]|[~-\u{A0}]|[\u{D7A3}-\u{10FFFF}]|(?<=\.)\//gu;
const ESCAPES = /\.\u{D7A3}z|\u{D7A3}([0-9a-f]{6})|[![~]([0-9a-f]{2})|!$/gu;

/** Throws `invalid` (`key_too_long`) for a key that has no name. */
export function nameOf(key: string): string {
  const name = written(key);
  if (name.length <= limits.blobNameCharacters) return name;
  throw invalid(
    'key_too_long',
    `object key ${key.slice(0, 100)}… has ${name.length} characters as a name of a blob, and the maximum is ${limits.blobNameCharacters}`,
    { key, characters: name.length, maximum: limits.blobNameCharacters },
  );
}

/** With which the names of all keys with `prefix` begin, and those of a few others: whoever lists them looks again. */
export function beginOfNames(prefix: string): string {
  return prefix.replace(ESCAPED, (char) => {
    if (char === '/') return SLASH;
    const point = char.codePointAt(0)!;
    if (point >= 0xd7a3) return LAST + hex(point, 6);
    return (point <= 0x21 ? '!' : point <= 0x5c ? '[' : '~') + hex(point, 2);
  });
}

/** Undefined for a name that no key has: somebody else's. */
export function keyOf(name: string): string | undefined {
  const key = name.replace(ESCAPES, (escape, six: string | undefined, two: string | undefined) => {
    if (escape === SLASH) return '/';
    const point = parseInt(six ?? two ?? '', 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '';
  });
  return key !== '' && written(key) === name ? key : undefined;
}

function written(key: string): string {
  const begin = beginOfNames(key);
  return /[./]$/.test(begin) ? `${begin}!` : begin;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
