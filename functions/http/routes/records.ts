/**
 * Rows between wire and engine. Input rows are walked once, without a schema: only their field names are checked and
 * respelt here, the values are the engine's to check.
 */
import { invalid } from '../../../core/base/errors.js';
import type { Match, PatchRecord, RecordInput, RecordOutput } from '../../../core/index.js';
import { shown, unknownField } from '../schema/index.js';

type Writable<T> = { -readonly [K in keyof T]?: unknown };

const recordFields = ['id', 'vector', 'metadata', 'expires_at'];
const patchFields = ['id', 'vector', 'metadata'];

/** `where` names the array in messages. */
export function recordsIn(rows: readonly unknown[], where: string): RecordInput[] {
  return rows.map((row, at) => recordIn(row, `${where}[${at}]`));
}

export function recordIn(row: unknown, where: string): RecordInput {
  const source = mustBeObject(row, where);
  const record: Writable<RecordInput> = {};
  for (const key of Object.keys(source)) {
    if (key === 'id') record.id = source[key];
    else if (key === 'vector') record.vector = source[key];
    else if (key === 'metadata') record.metadata = source[key];
    else if (key === 'expires_at') record.expiresAt = source[key];
    else throw unknownField(key, recordFields, where);
  }
  return record as unknown as RecordInput;
}

export function patchesIn(rows: readonly unknown[], where: string): PatchRecord[] {
  return rows.map((row, at) => {
    const source = mustBeObject(row, `${where}[${at}]`);
    for (const key of Object.keys(source)) {
      if (!patchFields.includes(key)) throw unknownField(key, patchFields, `${where}[${at}]`);
    }
    return source as unknown as PatchRecord;
  });
}

/** A record or match of an answer. Only one field is spelt in two words. */
export function recordOut(record: RecordOutput | Match): object {
  if (record.expiresAt === undefined) return record;
  const { expiresAt, ...rest } = record;
  return { ...rest, expires_at: expiresAt };
}

function mustBeObject(row: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
  throw invalid('invalid_field', `${where} must be an object, got ${shown(row)}`, { field: where });
}
