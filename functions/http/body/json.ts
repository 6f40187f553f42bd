/**
 * Bytes of a body into text and JSON: decoded once and parsed once.
 *
 * One kind of body is worth more care. Columns carry all vectors as one base64 string, tens of megabytes that a JSON
 * parser would scan and copy only for the engine to copy them again. That string is lifted out of the bytes first and
 * set into the parsed body afterwards, which takes a fifth of the time. Whatever does not look exactly as expected is
 * parsed whole. Where the host can, the string is not even made: it becomes floats in its own memory.
 */
import { concatBytes, utf8Encode } from '../../../core/base/bytes.js';
import { invalid } from '../../../core/base/errors.js';
import { jsonFault } from './json-fault.js';
import { mustBeParsable } from './json-shape.js';

/** What a host can do with bytes faster than portable code. */
export interface HostBytes {
  /** Index of the first occurrence of an ASCII text, or -1. */
  indexOf(bytes: Uint8Array, text: string, from: number): number;
  /**
   * Decodes strict base64 of 32-bit floats to the start of `into`, which begins up to 3 bytes before `text` in the same
   * memory. Returns how many floats; the text itself where it is not that. The bytes of the text are lost in any case.
   */
  decodeFloatsInPlace(text: Uint8Array, into: Uint8Array): number | string;
}

export interface JsonTools {
  readonly host?: HostBytes | undefined;
  /** Makes a text that no client can guess. */
  readonly newMark: () => string;
}

/** Shorter strings cost nothing to parse. */
const liftedBytesMin = 65_536;
/** Quotes looked at for a string to lift: all of a batch of ids before the vectors, and no more than milliseconds. */
const quotesMax = 32_768;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const key = utf8Encode('"vectors"');

const decoder = new TextDecoder('utf-8', { fatal: true });

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid('malformed_utf8', `body is not UTF-8 (${bytes.length} bytes)`);
  }
}

/** Throws `invalid` with line and column. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const fault = jsonFault(text);
    if (fault === undefined) throw error;
    const { line, column, offset, reason } = fault;
    throw invalid('malformed_json', `body is not JSON at line ${line}, column ${column}: ${reason}`, {
      line,
      column,
      offset,
    });
  }
}

/** The bytes are the caller's no more: with a host they may be written to, and the value may refer to them. */
export function parseJsonBytes(bytes: Uint8Array, tools: JsonTools): unknown {
  const lifted = tryParseLifted(bytes, tools);
  if (lifted !== undefined) return lifted;
  mustBeParsable(bytes);
  return parseJson(decodeUtf8(bytes));
}

/** A long string in the body that JSON need not see. */
interface LongString {
  readonly start: number;
  readonly length: number;
  /** Its value. Called once, when nothing of the body's bytes is needed any more. */
  readonly value: () => string | Float32Array;
}

/** Undefined where there is nothing to lift, or the body is not what lifting is for. */
function tryParseLifted(bytes: Uint8Array, tools: JsonTools): unknown {
  const start = bytes.length < liftedBytesMin ? undefined : findVectors(bytes);
  if (start === undefined) return undefined;
  const { host, newMark } = tools;
  const found = host === undefined ? inText(bytes, start) : inBytes(bytes, start, host);
  if (found === undefined || found.length < liftedBytesMin) return undefined;
  const mark = newMark();
  let body: unknown;
  try {
    const parts = [bytes.subarray(0, start), utf8Encode(mark), bytes.subarray(start + found.length)];
    const rest = concatBytes(parts);
    mustBeParsable(rest);
    body = JSON.parse(decodeUtf8(rest));
  } catch {
    return undefined;
  }
  // Only here do routes take columns. Anywhere else, in metadata say, the text must stay what it is.
  const columns = [body, fieldOf(body, 'upsert')].find((part) => fieldOf(part, 'vectors') === mark);
  if (columns === undefined) return undefined;
  (columns as { vectors: string | Float32Array }).vectors = found.value();
  return body;
}

/** Without a host the end is looked for in a text: engines search those with memchr, and bytes one by one. */
function inText(bytes: Uint8Array, start: number): LongString | undefined {
  const text = decodeUtf8(bytes.subarray(start));
  const length = text.indexOf('"');
  const vectors = text.slice(0, Math.max(0, length));
  return vectors.includes('\\') ? undefined : { start, length, value: () => vectors };
}

/** With one the floats are decoded to where their text was: no memory is asked for. */
function inBytes(bytes: Uint8Array, start: number, host: HostBytes): LongString | undefined {
  const end = host.indexOf(bytes, '"', start);
  const text = bytes.subarray(start, Math.max(start, end));
  if (host.indexOf(text, '\\', 0) !== -1) return undefined;
  const value = (): string | Float32Array => {
    const into = bytes.subarray(start - ((bytes.byteOffset + start) % 4), end);
    const floats = host.decodeFloatsInPlace(text, into);
    return typeof floats === 'string' ? floats : new Float32Array(into.buffer, into.byteOffset, floats);
  };
  return { start, length: text.length, value };
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** Where the first string begins that is the value of `"vectors"`. */
function findVectors(bytes: Uint8Array): number | undefined {
  let open = bytes.indexOf(QUOTE);
  for (let quotes = 0; open !== -1 && quotes < quotesMax; quotes += 2) {
    if (isVectorsValue(bytes, open)) return open + 1;
    let end = bytes.indexOf(QUOTE, open + 1);
    while (end !== -1 && isEscaped(bytes, end, open + 1)) {
      if (++quotes > quotesMax) return undefined;
      end = bytes.indexOf(QUOTE, end + 1);
    }
    if (end === -1) return undefined;
    open = bytes.indexOf(QUOTE, end + 1);
  }
  return undefined;
}

function isEscaped(bytes: Uint8Array, at: number, start: number): boolean {
  let backslashes = 0;
  while (at - 1 - backslashes >= start && bytes[at - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function isVectorsValue(bytes: Uint8Array, open: number): boolean {
  let at = skipSpaceBack(bytes, open - 1);
  if (bytes[at] !== COLON) return false;
  at = skipSpaceBack(bytes, at - 1) - key.length + 1;
  return at >= 0 && key.every((byte, i) => bytes[at + i] === byte);
}

function skipSpaceBack(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at >= 0 && [0x20, 0x0a, 0x0d, 0x09].includes(bytes[at]!)) at--;
  return at;
}
