/**
 * Names, ids and numbers that must never be swapped, as branded types, with their makers and checks.
 */
import { bytesToHex, utf8Length } from './bytes.js';
import { invalid, overLimit } from './errors.js';
import { limits } from './limits.js';
import type { Random } from './ports.js';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** A position in a collection's log: 0 is the empty log, the first commit is 1. */
export type Sequence = Branded<number, 'Sequence'>;
/** A version of a collection's head: 1 at creation, one more at each swap. */
export type HeadVersion = Branded<number, 'HeadVersion'>;
/** A row of a memtable or a segment. */
export type Row = Branded<number, 'Row'>;
/** 128 random bits in lower-case hex. */
export type Uid = Branded<string, 'Uid'>;

export const sequence = (value: number): Sequence => value as Sequence;
export const headVersion = (value: number): HeadVersion => value as HeadVersion;
export const row = (value: number): Row => value as Row;

const UID = /^[0-9a-f]{32}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const SURROGATE = /\p{Surrogate}/u;

/** 128 random bits in lower-case hex: what tells one try, job or key from all others. */
export function newNonce(random: Random): string {
  return bytesToHex(random.fill(new Uint8Array(16)));
}

export function newUid(random: Random): Uid {
  return newNonce(random) as Uid;
}

export function isUid(text: string): text is Uid {
  return UID.test(text);
}

/** Lays 16 bytes out as an RFC 9562 UUID with the given version digit. */
export function formatUuid(bytes: Uint8Array, version: 4 | 8): string {
  const b = bytes.slice(0, 16);
  b[6] = (b[6]! & 0x0f) | (version << 4);
  b[8] = (b[8]! & 0x3f) | 0x80;
  return uuidOfHex(bytesToHex(b));
}

/** 32 hex digits with the dashes of a UUID. */
export function uuidOfHex(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function newUuid(random: Random): string {
  return formatUuid(random.fill(new Uint8Array(16)), 4);
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Checks the name of a collection or namespace. */
export function mustBeName(value: unknown, what: string): string {
  if (typeof value !== 'string' || !isName(value)) {
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 140)) : typeof value;
    throw invalid(
      'invalid_name',
      `${what} ${shown} is not a name: a letter or digit, then up to 127 letters, digits, dots, dashes or underscores`,
      { what },
    );
  }
  return value;
}

/** Checks a record id: a string of 1 to 512 bytes of UTF-8, without lone surrogates. `where` locates it in a batch. */
export function mustBeRecordId(value: unknown, where: string): string {
  if (typeof value !== 'string')
    throw invalid('invalid_id', `${where}: id must be a string, got ${typeof value}`, { where });
  if (value.length === 0) throw invalid('invalid_id', `${where}: id is empty`, { where });
  if (SURROGATE.test(value)) {
    throw invalid('invalid_id', `${where}: id has a lone surrogate and no UTF-8 form`, { where });
  }
  // A UTF-16 unit takes at most three bytes: only longer strings need measuring.
  if (value.length * 3 > limits.idBytes) {
    const bytes = utf8Length(value);
    if (bytes > limits.idBytes) throw overLimit('idBytes', bytes, limits.idBytes, where);
  }
  return value;
}
