/**
 * The named schemas of the OpenAPI document: what vectors, filters, records and problems look like on the wire. Those of
 * requests are descriptions for the engine's own checks; those of answers are held against real answers by the tests.
 */
import * as z from 'zod';
import { limits } from '../../../core/base/limits.js';
import { componentRef, count, idJson, sequence } from './parts.js';

/** Component schemas by their names in the OpenAPI document. */
export type NamedSchemas = Readonly<Record<string, z.ZodType>>;

const numbers = { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: limits.dimension };
const base64 = { type: 'string', contentEncoding: 'base64' };

const vector = z.custom<unknown>().meta({
  description:
    'One vector: an array of finite numbers, or base64 of little-endian 32-bit floats. Its length is the dimension.',
  anyOf: [numbers, base64],
});

const filter = z.custom<unknown>().meta({
  description:
    'A filter over metadata, as an object (`{"year": {"$gte": 2020}}`) or as text (`year >= 2020 AND lang = \'en\'`). ' +
    `At most ${limits.filterDepth} deep and ${limits.filterNodes} conditions.`,
  anyOf: [{ type: 'object' }, { type: 'string' }],
});

const metadata = z.custom<unknown>().meta({
  description: `A JSON object of at most ${limits.metadataBytes} bytes.`,
  type: 'object',
});

const expiresAt = { type: 'string', format: 'date-time' };

const recordInput = z.custom<unknown>().meta({
  type: 'object',
  description: 'A record to write. Without an id it gets a UUID made of the idempotency key and its place.',
  properties: {
    id: idJson,
    vector: componentRef('Vector'),
    metadata: { anyOf: [componentRef('Metadata'), { type: 'null' }] },
    expires_at: { anyOf: [expiresAt, { type: 'null' }] },
  },
  required: ['vector'],
  additionalProperties: false,
});

const patchRecord = z.custom<unknown>().meta({
  type: 'object',
  description: 'A change to a stored record.',
  properties: {
    id: idJson,
    vector: componentRef('Vector'),
    metadata: { anyOf: [componentRef('Metadata'), { type: 'null' }] },
  },
  required: ['id'],
  additionalProperties: false,
});

const recordFields = {
  id: z.string(),
  vector: z.array(z.number()).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  deleted: z.literal(true).optional(),
};

const record = z
  .strictObject(recordFields)
  .meta({ description: 'A stored record. `include` decides its fields.' });

const match = z.strictObject({ ...recordFields, score: z.number().optional() }).meta({
  description:
    "A match. `score` is the metric's own value: cosine similarity and dot product (higher is nearer), Euclidean and " +
    'Manhattan distance (lower is nearer). With `order_by` there is none.',
});

const facetValue = z
  .strictObject({ value: z.union([z.string(), z.number(), z.boolean(), z.null()]), count })
  .meta({ description: 'A value of a field, and how many records have it: each once.' });

const usage = z
  .strictObject({
    requests: count,
    bytes_read: count,
    loaded: z.boolean(),
    temperature: z.enum(['hot', 'warm', 'cold']),
    warm_reads: count,
    warm_bytes: count,
    segments: count,
    segments_probed: count,
    rows_scanned: count,
    ms: z.strictObject({ freshen: z.number(), search: z.number(), fetch: z.number(), total: z.number() }),
  })
  .meta({
    description:
      'What the answer cost: requests to the store, bytes, segments and vectors searched, milliseconds. `temperature` says ' +
      'where what never changes lay: in memory, in the warm cache, or in the bucket.',
  });

const segmentExplanation = z
  .strictObject({
    segment: z.string(),
    rows: count,
    estimate: z.strictObject({ least: count, most: count }).optional(),
    documents_read: count.optional(),
    matches: count,
    plan: z.enum(['none', 'exact', 'scan', 'stream', 'probe', 'walk', 'filtered_walk']),
    fallback: z.literal(true).optional(),
    leaves: count.optional(),
    ef: count.optional(),
    rerank: count.optional(),
    rows_visited: count,
    hits: count,
    ms: z.strictObject({ filter: z.number(), total: z.number() }),
  })
  .meta({
    description:
      'How a segment was searched: rows that its columns say satisfy the filter, at least and at most, documents read for the ' +
      'rest, rows that may be answered, the plan (`fallback`: it found too little, and a scan did), vectors compared, milliseconds.',
  });

const explanation = z
  .strictObject({
    memtable: z.strictObject({ rows: count, rows_visited: count, hits: count }),
    segments: z.array(segmentExplanation),
  })
  .meta({
    description: 'How a query was answered. For people: names and figures may change between versions.',
  });

const queryResult = z.strictObject({
  matches: z.array(match),
  sequence,
  usage,
  explain: explanation.optional(),
});

const summaryFields = {
  name: z.string(),
  dimension: z.int(),
  metric: z.enum(['cosine', 'euclidean', 'dot', 'manhattan']),
  tier: z.enum(['edge', 'server']),
  index: z.strictObject({ m: z.int(), ef_construction: z.int() }),
  quantization: z.union([
    z.enum(['sq8', 'none', 'rabitq', 'pq']),
    z.strictObject({ type: z.literal('rabitq'), bits: z.literal([2, 4]) }),
    z.strictObject({ type: z.literal('pq'), compression: z.literal([8, 32]) }),
  ]),
  fields: z.record(z.string(), z.strictObject({ filterable: z.boolean() })),
  soft_delete_days: z.int(),
  retention_hours: z.number(),
  created_at: z.iso.datetime({ offset: true }),
};

const collection = z
  .strictObject({ ...summaryFields, sequence, count, segments: count })
  .meta({ description: 'A collection: its settings with every default filled in, and where it stands.' });

const collectionSettings = z
  .strictObject(summaryFields)
  .meta({ description: 'A collection as its head tells it.' });

const snapshot = z
  .strictObject({ name: z.string(), sequence, created_at: z.iso.datetime({ offset: true }), bytes: count })
  .meta({
    description:
      'A state that is kept. `bytes` are those of its segments, which the newest state and other snapshots may share.',
  });

const listedCollection = z
  .union([
    collectionSettings,
    z.strictObject({ name: z.string(), error: z.strictObject({ code: z.string(), message: z.string() }) }),
  ])
  .meta({ description: 'A collection as its head tells it, or why its head cannot be read.' });

const segment = z
  .strictObject({
    key: z.string(),
    bytes: count,
    rows: count,
    live: count,
    resident_bytes: count,
    graph: z.boolean(),
    loaded: z.boolean(),
  })
  .meta({
    description:
      'A segment: its object, rows in it and those of them not deleted or replaced, what its index takes in memory, ' +
      'whether that is a graph or is scanned, and whether this process has it loaded.',
  });

const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Stable, for programs.' }),
    request_id: z.string(),
    details: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'Facts behind the refusal: `limit`, `value`, `maximum`, `field`, `nearest`, …' }),
    outcome: z
      .enum(['not_applied', 'applied', 'unknown'])
      .optional()
      .meta({ description: 'What a failed write knows about its own effect.' }),
  })
  .meta({ description: 'An error as RFC 9457 has it.' });

export const components: NamedSchemas = {
  Vector: vector,
  Filter: filter,
  Metadata: metadata,
  RecordInput: recordInput,
  PatchRecord: patchRecord,
  Record: record,
  Match: match,
  FacetValue: facetValue,
  Usage: usage,
  QueryResult: queryResult,
  SegmentExplanation: segmentExplanation,
  Explanation: explanation,
  Collection: collection,
  CollectionSettings: collectionSettings,
  ListedCollection: listedCollection,
  Snapshot: snapshot,
  Segment: segment,
  Problem: problem,
};

/** A component as a part of a route's schema, by name. */
export function component(name: string): z.ZodType {
  return components[name]!;
}
