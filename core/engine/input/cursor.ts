/**
 * Cursors of scans and lists: the last name seen, nothing else, so that they survive restarts, compactions, other
 * processes and any change of the data. Base64url of `1` and the name, so that nobody takes them for an offset.
 */
import { utf8Decode, utf8Encode } from '../../base/bytes.js';
import { invalid } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { kindOf } from './input-shape.js';

const VERSION = '1';
const CHARACTERS_MAX = Math.ceil(((limits.idBytes + 1) * 4) / 3);

export function toCursor(last: string): string {
  const bytes = utf8Encode(VERSION + last);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** The name after which to go on; '' without a cursor. Throws `invalid`. */
export function parseCursor(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'string')
    throw invalid('invalid_cursor', `cursor must be a string, got ${kindOf(value)}`);
  const text =
    value.length <= CHARACTERS_MAX && /^[A-Za-z0-9_-]+$/.test(value) ? tryDecode(value) : undefined;
  if (text?.startsWith(VERSION) !== true)
    throw invalid('invalid_cursor', 'cursor is not one that a scan or list answered');
  return text.slice(VERSION.length);
}

function tryDecode(value: string): string | undefined {
  try {
    const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
    return utf8Decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
