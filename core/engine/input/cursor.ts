/**
 * Cursors of scans and lists: the last name seen, nothing else, so that they survive restarts, compactions, other
 * processes and any change of the data. Base64url of `1` and the name, so that nobody takes them for an offset. A scan in
 * an order of its own also needs the values that put the last record there: base64url of `2` and the JSON of the order,
 * these values and the id.
 */
import { utf8Decode, utf8Encode } from '../../base/bytes.js';
import { invalid } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { orderKey } from '../../filter/index.js';
import type { OrderKey, Scalar } from '../../filter/index.js';
import { kindOf } from './input-shape.js';
import type { OrderField } from './order-parser.js';

const BY_ID = '1';
const ORDERED = '2';
const CHARACTERS_MAX = Math.ceil(((limits.idBytes + 1) * 4) / 3);
/** In JSON a byte may become six; with quotes, commas, brackets and directions around each. */
const ORDERED_BYTES_MAX =
  6 * (limits.orderFields * (limits.fieldNameBytes + limits.orderKeyBytes) + limits.idBytes) + 1_024;
const ORDERED_CHARACTERS_MAX = Math.ceil((ORDERED_BYTES_MAX * 4) / 3);

/** Where a record stands in an order: what it has of each field, undefined for nothing, and its id. */
export interface OrderPosition {
  readonly keys: readonly (OrderKey | undefined)[];
  readonly id: string;
}

export function toCursor(last: string): string {
  return encode(BY_ID + last);
}

export function toOrderedCursor(order: readonly OrderField[], { keys, id }: OrderPosition): string {
  const values = keys.map((key) => (key === undefined ? [] : [key.value]));
  return encode(ORDERED + JSON.stringify([orderText(order), values, id]));
}

/** What a cursor holds of the order that it belongs to. */
function orderText(order: readonly OrderField[]): string {
  return JSON.stringify(order.map(({ field, descending }) => [field, descending]));
}

function encode(text: string): string {
  const bytes = utf8Encode(text);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** The name after which to go on; '' without a cursor. Throws `invalid`. */
export function parseCursor(value: unknown): string {
  if (value === undefined) return '';
  const text = tryDecode(value, CHARACTERS_MAX);
  if (text?.startsWith(BY_ID) !== true)
    throw invalid('invalid_cursor', 'cursor is not one that a scan without order_by, or a list, answered');
  return text.slice(BY_ID.length);
}

/** The position after which to go on; undefined without a cursor. Throws `invalid`. */
export function parseOrderedCursor(value: unknown, order: readonly OrderField[]): OrderPosition | undefined {
  if (value === undefined) return undefined;
  const text = tryDecode(value, ORDERED_CHARACTERS_MAX);
  const position = text?.startsWith(ORDERED) === true ? tryPosition(text.slice(1), order) : undefined;
  if (position !== undefined) return position;
  throw invalid('invalid_cursor', 'cursor is not one that a scan in this order answered');
}

function tryPosition(text: string, order: readonly OrderField[]): OrderPosition | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) return undefined;
  const [of, values, id] = parsed as readonly unknown[];
  if (of !== orderText(order) || typeof id !== 'string') return undefined;
  if (!Array.isArray(values) || values.length !== order.length) return undefined;
  const keys = (values as readonly unknown[]).map(tryKey);
  return keys.includes(null) ? undefined : { keys: keys as readonly (OrderKey | undefined)[], id };
}

/** Null where it is none. */
function tryKey(value: unknown): OrderKey | undefined | null {
  if (!Array.isArray(value) || value.length > 1) return null;
  if (value.length === 0) return undefined;
  const [scalar] = value as readonly unknown[];
  if (typeof scalar === 'object' && scalar !== null) return null;
  return orderKey(scalar as Scalar);
}

function tryDecode(value: unknown, charactersMax: number): string | undefined {
  if (typeof value !== 'string')
    throw invalid('invalid_cursor', `cursor must be a string, got ${kindOf(value)}`);
  if (value.length > charactersMax || !/^[A-Za-z0-9_-]+$/.test(value)) return undefined;
  try {
    const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
    return utf8Decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
