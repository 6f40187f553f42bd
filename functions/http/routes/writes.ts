/** Routes that change records: upsert, patch, delete, restore, and write, which is the first three in one commit. */
import * as z from 'zod';
import { invalid } from '../../../core/base/errors.js';
import type {
  DeleteInput,
  PatchInput,
  PatchRecord,
  UpsertInput,
  UpsertResult,
  WriteInput,
} from '../../../core/index.js';
import {
  bulkArray,
  camelKeys,
  componentRef,
  count,
  described,
  filterField,
  idJson,
  mustMatch,
  sequence,
  shown,
} from '../schema/index.js';
import { parseLines, upsertLines } from './ndjson.js';
import { patchesIn, recordsIn } from './records.js';
import { ok } from './route.js';
import type { Call, Reply, Route } from './route.js';

const nullable = (schema: object): object => ({ anyOf: [schema, { type: 'null' }] });

const rowsSchema = z.strictObject({ records: bulkArray<unknown>(componentRef('RecordInput')) });

const columnsSchema = z.strictObject({
  ids: bulkArray<string>(idJson).optional(),
  vectors: z
    .custom<string | readonly string[] | Float32Array>(
      // No JSON holds floats: they are base64 that was decoded while the body was read.
      (value) => typeof value === 'string' || Array.isArray(value) || value instanceof Float32Array,
    )
    .meta({
      description: 'An array of vectors, or one base64 string of all rows in order.',
      anyOf: [
        { type: 'array', items: componentRef('Vector') },
        { type: 'string', contentEncoding: 'base64' },
      ],
    }),
  metadata: bulkArray<null>(nullable(componentRef('Metadata'))).optional(),
  expires_at: bulkArray<string>(nullable({ type: 'string', format: 'date-time' })).optional(),
});

const upsertSchema = z.union([rowsSchema, columnsSchema]);

const patchSchema = z
  .strictObject({
    records: bulkArray<unknown>(componentRef('PatchRecord')).optional(),
    filter: filterField().optional(),
    metadata: z
      .custom<PatchRecord['metadata']>()
      .meta({ description: 'With `filter`: the change of each.', ...nullable(componentRef('Metadata')) })
      .optional(),
    mode: described(
      '`merge` (default): an RFC 7396 merge patch, null removes a field. `replace`: the metadata given is the metadata.',
      z.enum(['merge', 'replace']),
    ).optional(),
  })
  .meta({ description: 'Either `records`, or `filter` and `metadata`.' });

const deleteSchema = z
  .strictObject({
    ids: bulkArray<string>(idJson).optional(),
    filter: filterField().optional(),
    soft: described('Hide the records; `restore` brings them back.', z.boolean()).optional(),
  })
  .meta({ description: 'Either `ids` or `filter`.' });

const restoreSchema = z.strictObject({ ids: bulkArray<string>(idJson) });

const ifSequence = described('Refuse (409) where a named id changed after this sequence.', sequence);

/** What the OpenAPI document says of a write. Its parts are checked one by one. */
const writeSchema = z.strictObject({
  upsert: upsertSchema.optional(),
  patch: patchSchema.optional(),
  delete: deleteSchema.optional(),
  if_sequence: ifSequence.optional(),
});

const writePartsSchema = z.strictObject({
  upsert: z.unknown().optional(),
  patch: z.unknown().optional(),
  delete: z.unknown().optional(),
  if_sequence: ifSequence.optional(),
});

function upsertIn(body: unknown, where: string): UpsertInput {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('invalid_field', `${where} must be an object, got ${shown(body)}`);
  }
  if (Object.hasOwn(body, 'records')) {
    return recordsIn(mustMatch(rowsSchema, body, where).records, `${where}.records`);
  }
  if (Object.hasOwn(body, 'vectors') || Object.hasOwn(body, 'ids')) {
    return camelKeys(mustMatch(columnsSchema, body, where));
  }
  // Names what is unknown, which may be a misspelt `records`, before what is missing.
  mustMatch(z.strictObject({ ...rowsSchema.shape, ...columnsSchema.shape }).partial(), body, where);
  throw invalid('missing_field', `${where}: give records, or ids and vectors`, { field: 'records' });
}

function patchIn(body: unknown, where: string): PatchInput {
  const { records, filter, metadata, mode } = mustMatch(patchSchema, body, where);
  if ((records === undefined) === (filter === undefined)) {
    throw invalid('invalid_field', `${where}: give either records or filter`, { field: 'records' });
  }
  const options = mode === undefined ? {} : { mode };
  if (records !== undefined && metadata === undefined)
    return { records: patchesIn(records, `${where}.records`), ...options };
  if (filter !== undefined && metadata !== undefined) return { filter, metadata, ...options };
  throw invalid('invalid_field', `${where}: metadata goes with filter, and filter with metadata`, {
    field: 'metadata',
  });
}

function deleteIn(body: unknown, where: string): DeleteInput {
  const { ids, filter, soft } = mustMatch(deleteSchema, body, where);
  if ((ids === undefined) === (filter === undefined)) {
    throw invalid('invalid_field', `${where}: give either ids or filter`, { field: 'ids' });
  }
  const options = soft === undefined ? {} : { soft };
  return ids === undefined ? { filter: filter!, ...options } : { ids, ...options };
}

function writeIn(body: unknown): WriteInput {
  const parts = mustMatch(writePartsSchema, body, 'body');
  return {
    ...(parts.upsert === undefined ? {} : { upsert: upsertIn(parts.upsert, 'body.upsert') }),
    ...(parts.patch === undefined ? {} : { patch: patchIn(parts.patch, 'body.patch') }),
    ...(parts.delete === undefined ? {} : { delete: deleteIn(parts.delete, 'body.delete') }),
    ...(parts.if_sequence === undefined ? {} : { ifSequence: parts.if_sequence }),
  };
}

async function runUpsert(call: Call): Promise<Reply> {
  const lines = await call.ndjson();
  let result: UpsertResult;
  if (lines !== undefined) {
    result = await upsertLines(call.collection, parseLines(lines), call.write);
  } else {
    result = await call.collection.upsert(upsertIn(await call.json(), 'body'), call.write);
  }
  return ok(result);
}

const upserted = described('Distinct ids named.', count);
const ids = described('All ids in row order, where at least one was made up.', z.array(z.string()));
const duplicates = described('Rows that a later row of the same batch replaced.', count);
const commits = described('Commits that an NDJSON body took, where more than one.', count);
const more = described('The filter has more to do than one call takes: call again.', z.literal(true));

const upsertRoute: Route = {
  operation: 'upsert',
  method: 'POST',
  path: '/collections/{name}/upsert',
  access: 'guarded',
  summary: 'Write records, replacing those of the same id',
  description:
    'As rows, as columns, or as NDJSON with one record per line (more than 10,000 lines become several commits). ' +
    'The last row of an id wins. When this is answered the records are durable and every strong read sees them.',
  writes: true,
  body: { schema: upsertSchema, accept: ['json', 'ndjson'] },
  answers: {
    200: {
      description: 'The records are durable.',
      schema: z.strictObject({
        upserted,
        sequence,
        ids: ids.optional(),
        duplicates: duplicates.optional(),
        commits: commits.optional(),
      }),
    },
  },
  examples: [
    {
      summary: 'Rows',
      request: {
        records: [
          { id: 'a', vector: [1, 2, 3], metadata: { year: 2021 } },
          { id: 'b', vector: 'AACAPwAAAEAAAEBA', expires_at: '2031-01-01T00:00:00Z' },
        ],
      },
      answer: { upserted: 2, sequence: 1 },
    },
    {
      summary: 'Columns, with the vectors of both rows in one base64 string',
      request: {
        ids: ['a', 'b'],
        vectors: 'AACAPwAAAEAAAEBAAACAQAAAoEAAAMBA',
        metadata: [{ year: 2021 }, null],
      },
      answer: { upserted: 2, sequence: 1 },
    },
  ],
  run: runUpsert,
};

const patchRoute: Route = {
  operation: 'patch',
  method: 'POST',
  path: '/collections/{name}/patch',
  access: 'guarded',
  summary: 'Change parts of stored records, by id or by filter',
  description:
    'By filter a record that is as the patch would leave it is left alone and not counted, so that a call that is ' +
    'repeated while `more` is answered goes on to the end.',
  writes: true,
  body: { schema: patchSchema, accept: ['json'] },
  answers: {
    200: {
      description: 'Exact at its sequence. `missing` is answered where records were named by id.',
      schema: z.strictObject({
        patched: count,
        missing: count.optional(),
        sequence,
        more: more.optional(),
      }),
    },
  },
  examples: [
    {
      summary: 'Set one field and remove another',
      request: { records: [{ id: 'a', metadata: { year: 2022, draft: null } }], mode: 'merge' },
      answer: { patched: 1, missing: 0, sequence: 2 },
    },
    {
      summary: 'By filter',
      request: { filter: { year: { $lt: 2000 } }, metadata: { archived: true } },
      answer: { patched: 10_000, sequence: 3, more: true },
    },
  ],
  run: async (call) => ok(await call.collection.patch(patchIn(await call.json(), 'body'), call.write)),
};

const deleteRoute: Route = {
  operation: 'delete',
  method: 'POST',
  path: '/collections/{name}/delete',
  access: 'guarded',
  summary: 'Delete records by id or by filter',
  writes: true,
  body: { schema: deleteSchema, accept: ['json'] },
  answers: {
    200: {
      description: '`deleted` counts distinct ids named, or exactly the records that matched the filter.',
      schema: z.strictObject({ deleted: count, sequence, more: more.optional() }),
    },
  },
  examples: [
    { summary: 'By ids', request: { ids: ['a', 'b'] }, answer: { deleted: 2, sequence: 3 } },
    {
      summary: 'By filter, so that they can be restored',
      request: { filter: { year: { $lt: 2000 } }, soft: true },
      answer: { deleted: 17, sequence: 4 },
    },
  ],
  run: async (call) => ok(await call.collection.delete(deleteIn(await call.json(), 'body'), call.write)),
};

const restoreRoute: Route = {
  operation: 'restore',
  method: 'POST',
  path: '/collections/{name}/restore',
  access: 'guarded',
  summary: 'Bring soft-deleted records back',
  writes: true,
  body: { schema: restoreSchema, accept: ['json'] },
  answers: {
    200: {
      description: 'Exact at its sequence.',
      schema: z.strictObject({ restored: count, missing: count, sequence }),
    },
  },
  examples: [
    { summary: 'One record', request: { ids: ['a'] }, answer: { restored: 1, missing: 0, sequence: 5 } },
  ],
  run: async (call) =>
    ok(await call.collection.restore(mustMatch(restoreSchema, await call.json(), 'body'), call.write)),
};

const writeRoute: Route = {
  operation: 'write',
  method: 'POST',
  path: '/collections/{name}/write',
  access: 'guarded',
  summary: 'Upsert, patch and delete in one atomic commit',
  writes: true,
  body: { schema: writeSchema, accept: ['json'] },
  answers: {
    200: {
      description: 'All of it is durable. On any error none of it is.',
      schema: z.strictObject({
        upserted: upserted.optional(),
        ids: ids.optional(),
        duplicates: duplicates.optional(),
        patched: count.optional(),
        missing: count.optional(),
        deleted: count.optional(),
        more: more.optional(),
        sequence,
      }),
    },
  },
  examples: [
    {
      summary: 'Replace one record by another, unless either changed meanwhile',
      request: {
        upsert: { records: [{ id: 'b', vector: [4, 5, 6] }] },
        delete: { ids: ['a'] },
        if_sequence: 5,
      },
      answer: { upserted: 1, deleted: 1, sequence: 6 },
    },
  ],
  run: async (call) => ok(await call.collection.write(writeIn(await call.json()), call.write)),
};

export const writeRoutes: readonly Route[] = [upsertRoute, patchRoute, deleteRoute, restoreRoute, writeRoute];
