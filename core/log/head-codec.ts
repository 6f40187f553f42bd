/**
 * The bytes of a head: a JSON document in a HED envelope, snake_case, so that a person can read it. Every field is
 * checked on the way in: the bucket's bytes are hostile.
 */
import { utf8Decode } from '../base/bytes.js';
import { corrupt } from '../base/errors.js';
import { headVersion, isName, isUid, sequence } from '../base/ids.js';
import type { Uid } from '../base/ids.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { openSealed, sealJson } from '../base/sealed-object.js';
import { metrics } from '../kernel/index.js';
import type { Head } from './head.js';
import { headKey } from './layout.js';
import { QUANTIZATIONS, settingRanges, TIERS } from './schema.js';
import type { CollectionSchema } from './schema.js';

export function sealHead(digests: Digests, head: Head): Uint8Array<ArrayBuffer> {
  const { schema } = head;
  const document = {
    uid: head.uid,
    version: head.version,
    nonce: head.nonce,
    nonces: head.nonces,
    state: head.state,
    namespace: head.namespace,
    name: head.name,
    created_ms: head.createdMs,
    folded_seq: head.foldedSeq,
    folded_chain: head.foldedChain,
    folded_label: head.foldedLabel,
    gc_floor: head.gcFloor,
    // Segments, jobs and pins come with folding. A head that has any is refused by this release, never half read.
    segments: [],
    schema: {
      dimension: schema.dimension,
      metric: schema.metric,
      tier: schema.tier,
      index: { m: schema.index.m, ef_construction: schema.index.efConstruction },
      quantization: schema.quantization,
      fields: schema.fields,
      soft_delete_days: schema.softDeleteDays,
    },
  };
  return sealJson(digests, { kind: 'HED', key: headKey(head.uid) }, document, limits.headBytes);
}

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
    const shown = (JSON.stringify(found) ?? String(found)).slice(0, 80);
    return corrupt({
      key: this.#key,
      offset: 64,
      expected: `${where === '' ? 'body' : where}: ${expected}`,
      found: shown,
    });
  }

  read<T>(field: string, expected: string, is: (value: unknown) => value is T): T {
    const value = Object.hasOwn(this.#document, field) ? this.#document[field] : undefined;
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

  object(field: string): DocumentReader {
    const value = Object.hasOwn(this.#document, field) ? this.#document[field] : undefined;
    return new DocumentReader(this.#key, value, `${this.#path}${field}.`);
  }

  keys(): readonly string[] {
    return Object.keys(this.#document);
  }
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

const SAFE = { min: 0, max: Number.MAX_SAFE_INTEGER };
/** What a Date can hold. */
const DATE_MAX_MS = 8_640_000_000_000_000;
const HEX_128 = /^[0-9a-f]{32}$/;
const HEX_256 = /^[0-9a-f]{64}$/;

/** Opens a head or a copy of one. Throws `corrupt`. */
export function openHead(digests: Digests, uid: Uid, bytes: Uint8Array): Head {
  const d = openDocument(digests, { kind: 'HED', key: headKey(uid) }, bytes);
  const found = d.uid('uid');
  if (found !== uid) throw d.wrong('uid', uid, found);
  const segments = d.array('segments', limits.headBytes);
  if (segments.length > 0)
    throw d.wrong('segments', 'none, as this release reads no segments', segments.length);
  const foldedSeq = d.integer('folded_seq', SAFE);
  return Object.freeze({
    uid,
    version: headVersion(d.integer('version', { ...SAFE, min: 1 })),
    nonce: d.text('nonce', HEX_128),
    nonces: d.read('nonces', 'nonces', (value): value is string[] => {
      return (
        Array.isArray(value) &&
        value.length <= limits.headNonces &&
        value.every((nonce) => typeof nonce === 'string' && HEX_128.test(nonce))
      );
    }),
    state: d.oneOf('state', ['active', 'dropped'] as const),
    namespace: d.uid('namespace'),
    name: d.read('name', 'a name', (value): value is string => typeof value === 'string' && isName(value)),
    createdMs: d.read('created_ms', 'a date in milliseconds', (value): value is number => {
      return Number.isFinite(value) && Math.abs(value as number) <= DATE_MAX_MS;
    }),
    foldedSeq: sequence(foldedSeq),
    foldedChain: d.text('folded_chain', HEX_256),
    foldedLabel: d.number('folded_label'),
    gcFloor: sequence(d.integer('gc_floor', { min: 0, max: foldedSeq })),
    schema: readSchema(d.object('schema')),
  });
}

function readSchema(d: DocumentReader): CollectionSchema {
  const index = d.object('index');
  const fields = d.object('fields');
  const declared: Record<string, { readonly filterable: boolean }> = Object.create(null) as Record<
    string,
    never
  >;
  for (const name of fields.keys()) {
    const filterable = fields
      .object(name)
      .read('filterable', 'true or false', (v): v is boolean => typeof v === 'boolean');
    declared[name] = { filterable };
  }
  return {
    dimension: d.integer('dimension', settingRanges.dimension),
    metric: d.oneOf('metric', metrics),
    tier: d.oneOf('tier', TIERS),
    index: {
      m: index.integer('m', settingRanges.m),
      efConstruction: index.integer('ef_construction', settingRanges.efConstruction),
    },
    quantization: d.oneOf('quantization', QUANTIZATIONS),
    fields: declared,
    softDeleteDays: d.integer('soft_delete_days', settingRanges.softDeleteDays),
  };
}
