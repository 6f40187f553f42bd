/**
 * A write as callers ask for it, checked, and told apart: a batch that is the same whatever the state, or a request that
 * has to be resolved against it.
 */
import { utf8Encode } from '../../base/bytes.js';
import { invalid } from '../../base/errors.js';
import { mustBeRecordId } from '../../base/ids.js';
import { limits } from '../../base/limits.js';
import { filterToJson, parseFilter } from '../../filter/index.js';
import type { Filter } from '../../filter/index.js';
import {
  deletionBatch,
  hashRequest,
  joinBatches,
  NO_COUNTS,
  OP_DELETE,
  OP_HIDE,
  prepareBatch,
} from '../../log/index.js';
import type { OpKind, PreparedBatch } from '../../log/index.js';
import { mustBeBatch, mustBeObject, mustHaveOnly, optionalBoolean, optionalInteger } from './input-shape.js';
import { documentOf, metadataToText } from './metadata.js';
import { parseUpsert } from './records.js';
import type { ParsedUpsert, RecordParser } from './records.js';
import type { JsonObject, PatchMode } from '../interface/index.js';

const BATCH = { name: 'batchRecords', max: limits.batchRecords };

export interface ParsedPatchRecord {
  readonly id: string;
  readonly vector: Float32Array | undefined;
  /** Undefined: left as it is. */
  readonly metadata: JsonObject | null | undefined;
}

export interface ParsedFilterPatch {
  readonly filter: Filter;
  readonly metadata: JsonObject | null;
  readonly mode: PatchMode;
}

export type ParsedPatch =
  { readonly records: readonly ParsedPatchRecord[]; readonly mode: PatchMode } | ParsedFilterPatch;

export type ParsedDelete =
  | { readonly ids: readonly string[]; readonly kind: OpKind }
  | { readonly filter: Filter; readonly kind: OpKind };

export interface ParsedWrite {
  readonly upsert: ParsedUpsert | undefined;
  readonly patch: ParsedPatch | undefined;
  readonly deletion: ParsedDelete | undefined;
  readonly restore: readonly string[] | undefined;
  readonly ifSequence: number | undefined;
}

/** What a caller may pass: `write` of the public interface, and `restore`, which is a write of its own. */
const WRITE_FIELDS = ['upsert', 'patch', 'delete', 'restore', 'ifSequence'] as const;

/** Throws `invalid`. `key`: the idempotency key. */
export function parseWrite(parser: RecordParser, value: unknown, key: string): ParsedWrite {
  const input = mustBeObject(value, 'write');
  mustHaveOnly(input, WRITE_FIELDS, 'write');
  const parsed: ParsedWrite = {
    upsert: input['upsert'] === undefined ? undefined : parseUpsert(parser, input['upsert'], key),
    patch: input['patch'] === undefined ? undefined : parsePatch(parser, input['patch']),
    deletion: input['delete'] === undefined ? undefined : parseDelete(input['delete']),
    restore: input['restore'] === undefined ? undefined : parseRestore(input['restore']),
    ifSequence:
      input['ifSequence'] === undefined
        ? undefined
        : optionalInteger(input['ifSequence'], {
            name: 'if_sequence',
            min: 0,
            max: Number.MAX_SAFE_INTEGER,
            fallback: 0,
          }),
  };
  if (!parsed.upsert && !parsed.patch && !parsed.deletion && !parsed.restore) {
    throw invalid('empty_batch', 'write has no upsert, patch or delete', { what: 'write' });
  }
  return parsed;
}

function parseIds(value: unknown): readonly string[] {
  return mustBeBatch(value, 'ids', BATCH).map((id, i) => mustBeRecordId(id, `ids[${i}]`));
}

function parsePatch({ vectors }: RecordParser, value: unknown): ParsedPatch {
  const input = mustBeObject(value, 'patch');
  mustHaveOnly(input, ['records', 'filter', 'metadata', 'mode'], 'patch');
  const mode = input['mode'] ?? 'merge';
  if (mode !== 'merge' && mode !== 'replace')
    throw invalid('invalid_request', 'mode must be merge or replace', { field: 'mode' });
  if ((input['records'] === undefined) === (input['filter'] === undefined)) {
    throw invalid('invalid_request', 'patch takes either records or a filter', { what: 'patch' });
  }
  if ((input['filter'] === undefined) !== (input['metadata'] === undefined)) {
    throw invalid('invalid_request', 'patch takes metadata with a filter, and only there', {
      field: 'metadata',
    });
  }
  if (input['filter'] !== undefined) {
    const metadata = parsePatchMetadata(input['metadata'], 'patch') ?? null;
    return { filter: parseFilter(input['filter']), metadata, mode };
  }
  const records = mustBeBatch(input['records'], 'records', BATCH).map((record, i): ParsedPatchRecord => {
    const where = `records[${i}]`;
    const fields = mustBeObject(record, where);
    mustHaveOnly(fields, ['id', 'vector', 'metadata'], where);
    const { id, vector, metadata } = fields;
    return {
      id: mustBeRecordId(id, where),
      vector: vector === undefined ? undefined : vectors.one(vector, where),
      metadata: parsePatchMetadata(metadata, where),
    };
  });
  return { records, mode };
}

/** A copy by way of its text, which is checked: the patch is applied later, and the caller's object may have changed. */
function parsePatchMetadata(value: unknown, where: string): ParsedPatchRecord['metadata'] {
  if (value === undefined || value === null) return value;
  return documentOf(metadataToText(value, where));
}

function parseDelete(value: unknown): ParsedDelete {
  const input = mustBeObject(value, 'delete');
  mustHaveOnly(input, ['ids', 'filter', 'soft'], 'delete');
  const kind = optionalBoolean(input['soft'], 'soft') ? OP_HIDE : OP_DELETE;
  if ((input['ids'] === undefined) === (input['filter'] === undefined)) {
    throw invalid('invalid_request', 'delete takes either ids or a filter', { what: 'delete' });
  }
  if (input['ids'] !== undefined) return { ids: parseIds(input['ids']), kind };
  return { filter: parseFilter(input['filter']), kind };
}

function parseRestore(value: unknown): readonly string[] {
  const input = mustBeObject(value, 'restore');
  mustHaveOnly(input, ['ids'], 'restore');
  return parseIds(input['ids']);
}

/** The batch of a write that does not depend on the state; undefined where it does. */
export function tryPrepareBlind(
  { digests, schema, spare }: RecordParser,
  write: ParsedWrite,
): PreparedBatch | undefined {
  const { upsert, patch, deletion, restore, ifSequence } = write;
  if (patch !== undefined || restore !== undefined || ifSequence !== undefined) return undefined;
  if (deletion !== undefined && 'filter' in deletion) return undefined;
  const batches = upsert === undefined ? [] : [upsert.batch];
  if (deletion !== undefined) batches.push(deletionBatch(deletion.ids, deletion.kind, schema.dimension));
  const counts = {
    ...NO_COUNTS,
    upserted: upsert?.distinct ?? 0,
    deleted: deletion === undefined ? 0 : new Set(deletion.ids).size,
  };
  return prepareBatch(digests, joinBatches(batches, schema.dimension), counts, spare);
}

/** Identifies what was asked: the same for a repetition of the same request, whatever the state in between. */
export function requestHash(
  { digests }: RecordParser,
  write: ParsedWrite,
  blind: PreparedBatch | undefined,
): string {
  if (blind !== undefined) return hashRequest(digests, 'blind', utf8Encode(blind.contentSha));
  const { upsert, patch, deletion, restore, ifSequence } = write;
  const description = {
    upsert: upsert === undefined ? null : prepareBatch(digests, upsert.batch, NO_COUNTS).contentSha,
    patch: patch === undefined ? null : describePatch(patch),
    delete:
      deletion === undefined
        ? null
        : 'ids' in deletion
          ? deletion
          : { ...deletion, filter: filterToJson(deletion.filter) },
    restore: restore ?? null,
    if_sequence: ifSequence ?? null,
  };
  return hashRequest(digests, 'resolved', utf8Encode(JSON.stringify(description)));
}

function describePatch(patch: ParsedPatch): unknown {
  const { mode } = patch;
  if ('records' in patch) return { mode, records: patch.records.map(describePatchRecord) };
  return { mode, filter: filterToJson(patch.filter), metadata: patch.metadata };
}

function describePatchRecord({ id, vector, metadata }: ParsedPatchRecord): unknown {
  return {
    id,
    vector: vector === undefined ? null : Array.from(vector),
    metadata: metadata === undefined ? 'kept' : [metadata],
  };
}
