/**
 * The shape of a JSON text, looked at before it is parsed. A parser makes an object of every two bytes of `[],[],[]`: 64 MiB
 * of that take ten seconds in which nothing else is served, and gigabytes that no bound on bytes has foreseen. Strings
 * and numbers cost no more than their bytes, so only what opens and what names is counted.
 */
import { overLimit } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Too short to hold more values, or more depth, than costs milliseconds. */
const HARMLESS_BYTES = 65_536;

/**
 * Throws `limit_exceeded` for more arrays, objects and fields than `limits.jsonValues`, or more depth than
 * `limits.jsonDepth`. What is no JSON at all is the parser's to refuse. Cost: about 2 ms per MiB.
 */
export function mustBeParsable(bytes: Uint8Array): void {
  if (bytes.length < HARMLESS_BYTES) return;
  let values = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at + 1);
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      values++;
      depth++;
      if (depth > limits.jsonDepth) throw overLimit('jsonDepth', depth, limits.jsonDepth, 'body');
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth--;
    } else if (byte === COLON) {
      values++;
    }
    if (values > limits.jsonValues) throw overLimit('jsonValues', values, limits.jsonValues, 'body');
  }
}

/** Where the quote is that ends a string, or the end of the bytes. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.length;
}
