/** Routes on collections as wholes: create, describe, list, drop, stats, compact, recall. */
import * as z from 'zod';
import { invalid } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import type {
  CollectionSettings,
  CollectionSummary,
  UnreadableCollection,
  VectorInput,
} from '../../../core/index.js';
import {
  bulkArray,
  camelKeys,
  component,
  componentRef,
  consistency,
  count,
  described,
  integer,
  mustMatch,
  sequence,
  shown,
  snakeDeep,
  snakeKeys,
  timeoutMs,
} from '../schema/index.js';
import { queryParameters } from './parameters.js';
import { ok } from './route.js';
import type { Call, Reply, Route } from './route.js';

const fieldSchema = z.strictObject({
  filterable: described(
    'False keeps the field out of the filter indexes. Default true.',
    z.boolean(),
  ).optional(),
});

const indexSchema = z.strictObject({
  m: described('HNSW out-degree above level 0. Default 16.', integer(4, 64)).optional(),
  ef_construction: described('HNSW candidates while building. Default 128.', integer(16, 1_000)).optional(),
});

const settingsSchema = z.strictObject({
  dimension: described('Numbers per vector.', integer(1, limits.dimension)),
  metric: described('Default cosine.', z.enum(['cosine', 'euclidean', 'dot', 'manhattan'])).optional(),
  tier: described(
    "Sizes that every writer and compactor keeps to. Default: the server's own.",
    z.enum(['edge', 'server']),
  ).optional(),
  index: indexSchema.optional(),
  quantization: described(
    'How segments code vectors. Default sq8. rabitq is not for manhattan, and has 1 bit by default; pq compresses 16 times by default.',
    z.union(
      [
        z.enum(['sq8', 'none', 'rabitq', 'pq']),
        z.strictObject({ type: z.literal('rabitq'), bits: z.literal([1, 2, 4]).optional() }),
        z.strictObject({ type: z.literal('pq'), compression: z.literal([8, 16, 32]).optional() }),
      ],
      'one of "sq8", "none", "rabitq", "pq", {"type": "rabitq", "bits": 1, 2 or 4}, or {"type": "pq", "compression": 8, 16 or 32}',
    ),
  ).optional(),
  fields: z
    .custom<object>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'an object',
    )
    .meta({
      description: 'Declared metadata fields by their dotted paths. Undeclared fields can be filtered too.',
      type: 'object',
      additionalProperties: componentRef('Field'),
    })
    .optional(),
  soft_delete_days: described(
    'Days after which a soft-deleted record is gone for good. Default 30.',
    integer(0, 3_650),
  ).optional(),
});

const readParameters = z.strictObject({
  consistency: consistency.optional(),
  timeout_ms: timeoutMs.optional(),
});

const listParameters = z.strictObject({
  prefix: described('Only names that start with this.', z.string().max(limits.nameBytes)).optional(),
  limit: described('How many. Default 100.', integer(1, limits.listLimit)).optional(),
  cursor: described('`next` of an earlier answer.', z.string()).optional(),
});

const recallSchema = z.strictObject({
  vectors: described(
    'Queries to measure with. Else stored records are sampled.',
    bulkArray<VectorInput>(componentRef('Vector'), 'queriesPerRequest'),
  ).optional(),
  queries: described('How many to sample. Default 20.', integer(1, limits.queriesPerRequest)).optional(),
  k: described('Default 10.', integer(1, limits.k)).optional(),
  consistency: consistency.optional(),
  timeout_ms: timeoutMs.optional(),
});

const emptySchema = z.strictObject({});

const statsSchema = z.strictObject({
  name: z.string(),
  sequence,
  records: z.strictObject({ visible: count, soft_deleted: count, expired: count }),
  log: z.strictObject({
    slots: count,
    bytes: count,
    slots_max: count,
    bytes_max: count,
    folded_sequence: count,
  }),
  memory: z.strictObject({
    vector_bytes: count,
    rows: count,
    dead_rows: count,
    segment_bytes: count,
    page_cache_bytes: count,
  }),
  segments: z.array(component('Segment')),
  segments_streamed: count,
  head: z.strictObject({ version: count, gc_floor: count }),
});

/** Settings carry names that the user chose (`fields`), so they are respelt level by level. */
function settingsIn(body: unknown): CollectionSettings {
  const { fields, index, ...rest } = mustMatch(settingsSchema, body, 'body');
  return {
    ...camelKeys(rest),
    ...(index === undefined ? {} : { index: camelKeys(index) }),
    ...(fields === undefined ? {} : { fields: fieldsIn(fields) }),
  };
}

function fieldsIn(fields: object): NonNullable<CollectionSettings['fields']> {
  const declared = Object.entries(fields).map(([name, field]) => {
    if (name === '__proto__') {
      throw invalid('invalid_field', 'body.fields: "__proto__" cannot be a field', { field: name });
    }
    const where = `body.fields[${shown(name)}]`;
    return [name, camelKeys(mustMatch(fieldSchema, field, where))] as const;
  });
  return Object.fromEntries(declared);
}

export function summaryOut(summary: CollectionSummary): object {
  return { ...snakeKeys(summary), index: snakeKeys(summary.index) };
}

function listedOut(listed: CollectionSummary | UnreadableCollection): object {
  return 'error' in listed ? listed : summaryOut(listed);
}

async function runCreate(call: Call): Promise<Reply> {
  const settings = settingsIn(await call.json());
  const created = await call.database.createCollection(call.collection.name, settings);
  return { status: created.created ? 201 : 200, json: summaryOut(await created.describe()) };
}

async function runList(call: Call): Promise<Reply> {
  const input = camelKeys(queryParameters(listParameters, call.url));
  const { collections, next } = await call.database.listCollections(input);
  return ok({ collections: collections.map(listedOut), ...(next === undefined ? {} : { next }) });
}

export const exampleSummary = {
  name: 'papers',
  dimension: 3,
  metric: 'cosine',
  tier: 'server',
  index: { m: 16, ef_construction: 128 },
  quantization: 'sq8',
  fields: { year: { filterable: true } },
  soft_delete_days: 30,
  retention_hours: 0,
  created_at: '2030-01-01T00:00:00.000Z',
};

const exampleCollection = { ...exampleSummary, sequence: 0, count: 0, segments: 0 };

const createRoute: Route = {
  operation: 'createCollection',
  method: 'PUT',
  path: '/collections/{name}',
  access: 'guarded',
  summary: 'Create a collection',
  body: { schema: settingsSchema, accept: ['json'] },
  answers: {
    201: { description: 'It was created.', schema: component('Collection') },
    200: { description: 'It was there already, with the same settings.', schema: component('Collection') },
  },
  examples: [
    {
      summary: 'Three dimensions and one declared field',
      request: { dimension: 3, metric: 'cosine', fields: { year: { filterable: true } } },
      answer: exampleCollection,
    },
  ],
  run: runCreate,
};

const describeRoute: Route = {
  operation: 'describeCollection',
  method: 'GET',
  path: '/collections/{name}',
  access: 'guarded',
  summary: 'Describe a collection',
  parameters: readParameters,
  answers: { 200: { description: 'Settings, counts, sequence.', schema: component('Collection') } },
  examples: [{ summary: 'A new collection', answer: exampleCollection }],
  run: async (call) =>
    ok(summaryOut(await call.collection.describe(camelKeys(queryParameters(readParameters, call.url))))),
};

const listRoute: Route = {
  operation: 'listCollections',
  method: 'GET',
  path: '/collections',
  access: 'guarded',
  summary: 'List collections',
  parameters: listParameters,
  answers: {
    200: {
      description: 'By name. `next` is absent at the end.',
      schema: z.strictObject({
        collections: z.array(component('ListedCollection')),
        next: z.string().optional(),
      }),
    },
  },
  examples: [{ summary: 'One collection', answer: { collections: [exampleSummary] } }],
  run: runList,
};

const dropRoute: Route = {
  operation: 'dropCollection',
  method: 'DELETE',
  path: '/collections/{name}',
  access: 'guarded',
  summary: 'Drop a collection with all its records',
  answers: { 204: { description: 'It is gone.' } },
  examples: [],
  run: async (call) => {
    await call.database.dropCollection(call.collection.name);
    return { status: 204 };
  },
};

const statsRoute: Route = {
  operation: 'stats',
  method: 'GET',
  path: '/collections/{name}/stats',
  access: 'guarded',
  summary: 'Sizes of records, log, memory and segments',
  parameters: readParameters,
  answers: { 200: { description: 'As of its sequence.', schema: statsSchema } },
  examples: [
    {
      summary: 'Two records in the log',
      answer: {
        name: 'papers',
        sequence: 1,
        records: { visible: 2, soft_deleted: 0, expired: 0 },
        log: { slots: 1, bytes: 512, slots_max: 131_072, bytes_max: 268_435_456, folded_sequence: 0 },
        memory: { vector_bytes: 24, rows: 2, dead_rows: 0, segment_bytes: 0, page_cache_bytes: 0 },
        segments: [],
        segments_streamed: 0,
        head: { version: 1, gc_floor: 0 },
      },
    },
  ],
  run: async (call) =>
    ok(snakeDeep(await call.collection.stats(camelKeys(queryParameters(readParameters, call.url))))),
};

const compactedSchema = z.strictObject({
  folded_slots: count,
  segments_written: count,
  segments_merged: count,
  rows_in: count,
  rows_written: count,
  rows_dropped: count,
  bytes_written: count,
  sequence,
  more: z.boolean(),
  too_large: z.boolean(),
});

const compactRoute: Route = {
  operation: 'compact',
  method: 'POST',
  path: '/collections/{name}/compact',
  access: 'guarded',
  summary: 'Compact now',
  body: { schema: emptySchema, accept: ['json'], optional: true },
  answers: {
    200: {
      description: 'What was done.',
      schema: compactedSchema,
    },
  },
  examples: [
    {
      summary: 'Nothing to do',
      request: {},
      answer: {
        folded_slots: 0,
        segments_written: 0,
        segments_merged: 0,
        rows_in: 0,
        rows_written: 0,
        rows_dropped: 0,
        bytes_written: 0,
        sequence: 1,
        more: false,
        too_large: false,
      },
    },
  ],
  run: async (call) => {
    mustMatch(emptySchema, await call.json(), 'body');
    const { stopping } = call.services;
    return ok(snakeKeys(await call.collection.compact(stopping === undefined ? {} : { signal: stopping })));
  },
};

const recallRoute: Route = {
  operation: 'recall',
  method: 'POST',
  path: '/collections/{name}/recall',
  access: 'guarded',
  summary: 'Measure recall',
  body: { schema: recallSchema, accept: ['json'], optional: true },
  answers: {
    200: {
      description: 'Mean share of the exact k nearest that the query path finds.',
      schema: z.strictObject({
        recall: z.number(),
        queries: count,
        k: count,
        source: z.enum(['given', 'stored_records']),
      }),
    },
  },
  examples: [
    {
      summary: 'Ten stored records as queries',
      request: { queries: 10, k: 10 },
      answer: { recall: 1, queries: 10, k: 10, source: 'stored_records' },
    },
  ],
  run: async (call) =>
    ok(await call.collection.recall(camelKeys(mustMatch(recallSchema, await call.json(), 'body')))),
};

export const collectionRoutes: readonly Route[] = [
  createRoute,
  describeRoute,
  listRoute,
  dropRoute,
  statsRoute,
  compactRoute,
  recallRoute,
];

export const collectionComponents: Readonly<Record<string, z.ZodType>> = { Field: fieldSchema };
