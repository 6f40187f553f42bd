/**
 * What every adapter asks of a request before it spends anything on it, so that all stores refuse the same things in
 * the same words: keys, ranges, bodies under a condition, list limits.
 */
import { utf8Length } from '../base/bytes.js';
import { CairnError, invalid, overLimit } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { ByteRange, ListOptions, PutOptions } from './object-store.js';

const SURROGATE = /\p{Surrogate}/u;

/** A key has 1 to 1,024 bytes of UTF-8; any character may stand in it, a lone surrogate (which has no bytes) may not. */
export function mustBeKey(key: string): void {
  if (key.length === 0) throw invalid('invalid_key', 'object key is empty');
  mustBeKeyText(key, 'object key');
}

/** `prefix` and `after` are texts like a key, but may be empty. */
export function mustBeList(prefix: string, options: ListOptions): void {
  mustBeKeyText(prefix, 'list prefix');
  if (options.after !== undefined) mustBeKeyText(options.after, 'list position');
  const { limit } = options;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw invalid('invalid_list', `list limit ${limit} is not a whole number above 0`, { limit });
  }
}

function mustBeKeyText(text: string, what: string): void {
  // A UTF-16 unit takes at most three bytes: only longer texts need measuring.
  if (text.length * 3 > limits.keyBytes) {
    const bytes = utf8Length(text);
    if (bytes > limits.keyBytes) throw overLimit('keyBytes', bytes, limits.keyBytes, what);
  }
  if (SURROGATE.test(text)) {
    throw invalid('invalid_key', `${what} ${JSON.stringify(text)} has a lone surrogate and no UTF-8 form`);
  }
}

export function mustBeRange(key: string, range: ByteRange): void {
  const whole = Number.isSafeInteger(range.offset) && Number.isSafeInteger(range.length);
  if (!whole || range.offset < 0 || range.length < 1) {
    const { offset, length } = range;
    throw invalid('invalid_range', `range of ${length} bytes at ${offset} of object ${key} is no range`, {
      key,
      offset,
      length,
    });
  }
}

/**
 * The part of `range` that lies in an object of `size` bytes; without a range, all of it. A range that starts at or
 * past the end is `invalid`, as every cloud answers it with 416.
 */
export function clampRange(key: string, range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { offset: 0, length: size };
  if (range.offset >= size) {
    throw invalid(
      'range_past_end',
      `range at ${range.offset} starts past the ${size} bytes of object ${key}`,
      {
        key,
        offset: range.offset,
        size,
      },
    );
  }
  return { offset: range.offset, length: Math.min(range.length, size - range.offset) };
}

/** For a range of which a store says so without a word of the size. */
export function pastEnd(key: string, { offset }: ByteRange): CairnError {
  return invalid('range_past_end', `range at ${offset} starts past the end of object ${key}`, {
    key,
    offset,
  });
}

/** For a write or finish of an upload that was finished or aborted before. */
export function uploadEnded(key: string): CairnError {
  return invalid('upload_ended', `the upload of object ${key} has ended and takes no more`, { key });
}

/** Conditional puts are single requests everywhere; larger objects have names of their own and need no condition. */
export function mustBePut(key: string, bytes: Uint8Array, options: PutOptions): void {
  mustBeKey(key);
  if (options.if !== 'any' && bytes.length > limits.conditionalPutBytes) {
    throw new CairnError(
      'invalid',
      'limit_exceeded',
      `conditional put of ${key}: conditionalPutBytes is ${bytes.length}, the maximum is ${limits.conditionalPutBytes}`,
      {
        details: {
          limit: 'conditionalPutBytes',
          value: bytes.length,
          maximum: limits.conditionalPutBytes,
          key,
        },
        outcome: 'not_applied',
      },
    );
  }
}
