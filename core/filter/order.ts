/**
 * Orders of JSON scalars across types: null < false < true < numbers < strings. Filters compare values of one type only;
 * whoever sorts records needs every value to have its place.
 */
import { compareUtf8, utf8Decode, utf8Encode } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import type { Scalar } from './ast.js';
import { compareInstants, tryParseInstant } from './instant.js';
import type { Instant } from './instant.js';

/** Strings as they are given, by their UTF-8 bytes: two spellings of one instant are two values. */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : Number(a > b);
  return typeRank(a) - typeRank(b);
}

function typeRank(value: Scalar): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return value ? 2 : 1;
  return typeof value === 'number' ? 3 : 4;
}

/** A scalar with its place in the order that records are sorted by. */
export interface OrderKey {
  /** What decides; a longer string's beginning. */
  readonly value: Scalar;
  /** Of strings that are instants. */
  readonly instant: Instant | undefined;
}

/** Of a string only the first `orderKeyBytes` count, so that keys, and cursors that hold them, stay small. */
export function orderKey(value: Scalar): OrderKey {
  if (typeof value !== 'string') return { value, instant: undefined };
  const instant = tryParseInstant(value);
  return { value: instant === undefined ? beginningOf(value) : value, instant };
}

/**
 * Total: strings that are instants come before all others, and among themselves in the order of time. Filters compare an
 * instant with another string as text, which is no order: `2024-05-01T01:00:00+02:00` is before `2024-05-01` in time, and
 * a text can stand between the two of them.
 */
export function compareOrderKeys(a: OrderKey, b: OrderKey): number {
  if (a.instant !== undefined && b.instant !== undefined) return compareInstants(a.instant, b.instant);
  if (a.instant !== undefined && typeof b.value === 'string') return -1;
  if (b.instant !== undefined && typeof a.value === 'string') return 1;
  return compareScalars(a.value, b.value);
}

/** Whole characters of at most `orderKeyBytes` UTF-8 bytes. */
function beginningOf(text: string): string {
  // A UTF-16 unit takes at most three bytes.
  if (text.length * 3 <= limits.orderKeyBytes) return text;
  const bytes = utf8Encode(text.slice(0, limits.orderKeyBytes));
  if (bytes.length <= limits.orderKeyBytes && text.length <= limits.orderKeyBytes) return text;
  let end = Math.min(bytes.length, limits.orderKeyBytes);
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  // Decoded anew: a slice would keep the whole text in memory.
  return utf8Decode(bytes.subarray(0, end));
}
