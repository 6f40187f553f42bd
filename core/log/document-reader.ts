/**
 * Small JSON documents in an envelope, read field by field: the bucket's bytes are hostile, so the first field that is not
 * what it should be is a `corrupt` error that names its path.
 */
import { utf8Decode } from '../base/bytes.js';
import { corrupt } from '../base/errors.js';
import { isUid } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import type { Digests } from '../base/ports.js';
import { openSealed } from '../base/sealed-object.js';

type Json = Readonly<Record<string, unknown>>;

/** Reads one field of a document after another; the first that is wrong throws `corrupt` with its path. */
export class DocumentReader {
  readonly #key: string;
  readonly #document: Json;
  readonly #path: string;

  constructor(key: string, document: unknown, path = '') {
    this.#key = key;
    this.#path = path;
    if (typeof document !== 'object' || document === null || Array.isArray(document)) {
      throw this.wrong('', 'a JSON object', document);
    }
    this.#document = document as Json;
  }

  wrong(field: string, expected: string, found: unknown): Error {
    const where = `${this.#path}${field}`;
    return corrupt({
      key: this.#key,
      offset: 64,
      expected: `${where === '' ? 'body' : where}: ${expected}`,
      found: shown(found),
    });
  }

  read<T>(field: string, expected: string, is: (value: unknown) => value is T): T {
    const value = this.has(field) ? this.#document[field] : undefined;
    if (!is(value)) throw this.wrong(field, expected, value);
    return value;
  }

  integer(field: string, range: { readonly min: number; readonly max: number }): number {
    return this.read(field, `an integer of ${range.min} to ${range.max}`, (value): value is number => {
      return Number.isSafeInteger(value) && (value as number) >= range.min && (value as number) <= range.max;
    });
  }

  number(field: string): number {
    return this.read(field, 'a finite number', (value): value is number => Number.isFinite(value));
  }

  text(field: string, pattern: RegExp): string {
    return this.read(field, `text like ${pattern.source}`, (value): value is string => {
      return typeof value === 'string' && pattern.test(value);
    });
  }

  oneOf<T extends string>(field: string, allowed: readonly T[]): T {
    return this.read(field, allowed.join(' or '), (value): value is T => allowed.includes(value as T));
  }

  uid(field: string): Uid {
    return this.read(field, 'a uid', (value): value is Uid => typeof value === 'string' && isUid(value));
  }

  array(field: string, max: number): readonly unknown[] {
    return this.read(field, `an array of at most ${max}`, (value): value is unknown[] => {
      return Array.isArray(value) && value.length <= max;
    });
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#document, field);
  }

  object(field: string): DocumentReader {
    const value = this.has(field) ? this.#document[field] : undefined;
    return new DocumentReader(this.#key, value, `${this.#path}${field}.`);
  }

  /** Undefined where there is no such field. */
  optional(field: string): DocumentReader | undefined {
    return this.has(field) ? this.object(field) : undefined;
  }

  objects(field: string, max: number): readonly DocumentReader[] {
    return this.array(field, max).map((value, i) => {
      return new DocumentReader(this.#key, value, `${this.#path}${field}[${i}].`);
    });
  }

  keys(): readonly string[] {
    return Object.keys(this.#document);
  }
}

/** Not what is in it: that may be as large, and as deep, as an object of the bucket. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}

/** Opens a sealed JSON document. Throws `corrupt`. */
export function openDocument(
  digests: Digests,
  identity: { readonly kind: 'HED' | 'ENT'; readonly key: string },
  bytes: Uint8Array,
): DocumentReader {
  const body = openSealed(digests, identity, bytes);
  let document: unknown;
  try {
    document = JSON.parse(utf8Decode(body));
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : 'other bytes';
    throw corrupt({ key: identity.key, offset: 64, expected: 'JSON in UTF-8', found });
  }
  return new DocumentReader(identity.key, document);
}
