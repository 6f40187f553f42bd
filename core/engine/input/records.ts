/**
 * Records as callers write them, rows or columns, into one batch of upserts.
 */
import { utf8Encode } from '../../base/bytes.js';
import { invalid, overLimit } from '../../base/errors.js';
import { formatUuid, mustBeRecordId } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import type { Digests } from '../../base/ports.js';
import type { SpareMemory } from '../../base/spare-memory.js';
import { tryParseDateTime } from './date-time.js';
import type { Batch, CollectionSchema } from '../../log/index.js';
import { kindOf, mustBeArray, mustBeBatch, mustBeObject, mustHaveOnly } from './input-shape.js';
import type { UnknownObject } from './input-shape.js';
import { metadataToText } from './metadata.js';
import type { VectorParser } from './vectors.js';

export interface RecordParser {
  readonly schema: CollectionSchema;
  readonly vectors: VectorParser;
  readonly digests: Digests;
  /** Where large batches are encoded. */
  readonly spare?: SpareMemory;
}

export interface ParsedUpsert {
  readonly batch: Batch;
  /** Distinct ids. */
  readonly distinct: number;
  /** At least one id was derived. */
  readonly derived: boolean;
}

const BATCH = { name: 'batchRecords', max: limits.batchRecords };
const RECORD_FIELDS = ['id', 'vector', 'metadata', 'expiresAt'] as const;
const COLUMN_FIELDS = ['ids', 'vectors', 'metadata', 'expiresAt'] as const;

/** `key`: the idempotency key, from which absent ids are derived. The vectors may be the caller's own. Throws `invalid`. */
export function parseUpsert(parser: RecordParser, input: unknown, key: string): ParsedUpsert {
  return Array.isArray(input)
    ? parseRows(parser, input, key)
    : parseColumns(parser, mustBeObject(input, 'upsert'), key);
}

function parseRows(parser: RecordParser, input: readonly unknown[], key: string): ParsedUpsert {
  const records = mustBeBatch(input, 'records', BATCH).map((value, i): UnknownObject => {
    const record = mustBeObject(value, `records[${i}]`);
    mustHaveOnly(record, RECORD_FIELDS, `records[${i}]`);
    return record;
  });
  const where = (i: number): string => `records[${i}]`;
  return toBatch(parser, key, {
    ids: records.map((record) => record['id']),
    vectors: parser.vectors.rows(records.length, (i) => records[i]!['vector'], where),
    metadata: toTexts(records.length, (i) => records[i]!['metadata'], where),
    expiresMs: toExpiries(records.length, (i) => records[i]!['expiresAt'], where),
    where,
  });
}

function parseColumns(parser: RecordParser, input: UnknownObject, key: string): ParsedUpsert {
  mustHaveOnly(input, COLUMN_FIELDS, 'upsert');
  const vectors = columnVectors(parser, input['vectors']);
  const count = vectors.length / parser.schema.dimension;
  if (count === 0) throw invalid('empty_batch', 'vectors is empty', { what: 'vectors' });
  if (count > BATCH.max) throw overLimit(BATCH.name, count, BATCH.max, 'vectors');
  const column = (name: 'ids' | 'metadata' | 'expiresAt'): readonly unknown[] | undefined => {
    if (input[name] === undefined) return undefined;
    const values = mustBeArray(input[name], name);
    if (values.length === count) return values;
    throw invalid('invalid_request', `${name} has ${values.length} elements for ${count} vectors`, {
      vectors: count,
    });
  };
  const [ids, metadata, expiresAt] = [column('ids'), column('metadata'), column('expiresAt')];
  const where = (i: number): string => `ids[${i}]`;
  return toBatch(parser, key, {
    ids: ids ?? new Array<undefined>(count).fill(undefined),
    vectors,
    metadata: toTexts(
      count,
      (i) => metadata?.[i],
      (i) => `metadata[${i}]`,
    ),
    expiresMs: expiresAt === undefined ? undefined : toExpiries(count, (i) => expiresAt[i], where),
    where,
  });
}

function columnVectors({ vectors }: RecordParser, input: unknown): Float32Array {
  if (input instanceof Float32Array || typeof input === 'string') return vectors.matrix(input, 'vectors');
  const rows = mustBeBatch(input, 'vectors', BATCH);
  return vectors.rows(
    rows.length,
    (i) => rows[i],
    (i) => `vectors[${i}]`,
  );
}

interface Columns {
  readonly ids: readonly unknown[];
  readonly vectors: Float32Array;
  readonly metadata: readonly string[];
  readonly expiresMs: Float64Array | undefined;
  readonly where: (row: number) => string;
}

// Where a value stands is put into words only for an error: words for every row cost more than its checks.

function toTexts(
  count: number,
  at: (row: number) => unknown,
  where: (row: number) => string,
): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const value = at(i);
    return value === undefined || value === null ? '' : metadataToText(value, where(i));
  });
}

/** Undefined where no row expires. */
function toExpiries(
  count: number,
  at: (row: number) => unknown,
  where: (row: number) => string,
): Float64Array | undefined {
  let expiresMs: Float64Array | undefined;
  for (let i = 0; i < count; i++) {
    const value = at(i);
    if (value === undefined || value === null) continue;
    expiresMs ??= new Float64Array(count).fill(Infinity);
    expiresMs[i] = parseExpiry(value, where(i));
  }
  return expiresMs;
}

/** The ids that nearly everybody has, told at a glance. Others are looked at more closely, and may still be right. */
const PLAIN_ID = /^[\x20-\x7e]{1,128}$/;

function toBatch({ schema, digests }: RecordParser, key: string, columns: Columns): ParsedUpsert {
  let derived = false;
  const ids = columns.ids.map((id, i) => {
    if (typeof id === 'string' && PLAIN_ID.test(id)) return id;
    if (id !== undefined) return mustBeRecordId(id, columns.where(i));
    derived = true;
    return deriveId(digests, key, i);
  });
  const batch: Batch = {
    kinds: new Uint8Array(ids.length),
    ids,
    dimension: schema.dimension,
    vectors: columns.vectors,
    metadata: columns.metadata,
    expiresMs: columns.expiresMs,
  };
  return { batch, distinct: new Set(ids).size, derived };
}

/** A function of key and row number alone, so that a repeated request makes the same records. */
function deriveId(digests: Digests, key: string, row: number): string {
  return formatUuid(digests.sha256(utf8Encode(`${row}\n${key}`)), 8);
}

/** Milliseconds since 1970. */
function parseExpiry(value: unknown, where: string): number {
  const ms = tryParseDateTime(value);
  if (ms === undefined) {
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : kindOf(value);
    throw invalid('invalid_expiry', `${where}: expires_at must be an RFC 3339 date-time, got ${shown}`, {
      where,
    });
  }
  return ms;
}
