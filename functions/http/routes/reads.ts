/** Routes that read records: query, fetch, count, scan. */
import * as z from 'zod';
import { invalid } from '../../../core/base/errors.js';
import { limits } from '../../../core/base/limits.js';
import type { QueryInput, QueryResult } from '../../../core/index.js';
import {
  asOf,
  bulkArray,
  camelKeys,
  component,
  consistency,
  count,
  described,
  facets,
  filterField,
  idJson,
  include,
  includeDeleted,
  integer,
  mustMatch,
  orderBy,
  sequence,
  snakeDeep,
  snakeKeys,
  timeoutMs,
  vectorField,
} from '../schema/index.js';
import { recordOut } from './records.js';
import { ok } from './route.js';
import type { Call, Reply, Route } from './route.js';

/** Of every route here. */
const readFields = {
  as_of: described(
    'Answer as of this sequence, or this time: a state that no compaction has folded yet, that a snapshot keeps, or that ' +
      'retention keeps.',
    asOf,
  ).optional(),
  include_deleted: includeDeleted.optional(),
  consistency: consistency.optional(),
  timeout_ms: timeoutMs.optional(),
};

const querySchema = z.strictObject({
  vector: vectorField().optional(),
  id: described('Ask with the vector of this stored record.', z.string()).optional(),
  order_by: orderBy.optional(),
  k: described('How many matches. Default 10.', integer(1, limits.k)).optional(),
  filter: filterField().optional(),
  include: include.optional(),
  target_recall: described(
    'Share of the true k nearest to find. Default 0.95. At most one of target_recall, ef and exact.',
    z.number().gt(0).max(1),
  ).optional(),
  ef: described('Candidates of the graph walk, for those who want the knob.', z.int().min(1)).optional(),
  exact: described('Compare with every record.', z.boolean()).optional(),
  index: described(
    'Which index of a segment answers: auto (default) by its graph where that is in memory, else by what reads less; hnsw by the ' +
      'graph; ivf by the leaves that the query is near; flat by a scan of all codes. Not with exact; ef goes with auto and hnsw.',
    z.enum(['auto', 'hnsw', 'ivf', 'flat']),
  ).optional(),
  min_score: described('For cosine and dot: only matches with at least this score.', z.number()).optional(),
  max_distance: described('For euclidean and manhattan: only matches this near.', z.number()).optional(),
  explain: described('Tell how each segment was searched.', z.boolean()).optional(),
  ...readFields,
});

const queriesSchema = z.strictObject({
  queries: bulkArray<unknown>({ $ref: '#/components/schemas/Query' }, 'queriesPerRequest'),
});

const fetchSchema = z.strictObject({
  ids: bulkArray<string>(idJson),
  include: include.optional(),
  ...readFields,
});

const countSchema = z.strictObject({
  filter: filterField().optional(),
  facets: facets.optional(),
  ...readFields,
});

const scanSchema = z.strictObject({
  filter: filterField().optional(),
  limit: described('How many records. Default 100.', integer(1, limits.scanLimit)).optional(),
  order_by: orderBy.optional(),
  cursor: described('From an earlier answer in the same order. Stays valid for ever.', z.string()).optional(),
  include: include.optional(),
  ...readFields,
});

function queryIn(body: unknown, where: string): QueryInput {
  return camelKeys(mustMatch(querySchema, body, where));
}

function queryOut(result: QueryResult): object {
  const { matches, sequence: at, usage, explain } = result;
  const explained = explain === undefined ? {} : { explain: snakeDeep(explain) };
  return { matches: matches.map(recordOut), sequence: at, usage: snakeKeys(usage), ...explained };
}

function serverTiming(results: readonly QueryResult[]): Readonly<Record<string, string>> {
  const sum = (stage: 'freshen' | 'search' | 'fetch'): string =>
    results.reduce((total, { usage }) => total + usage.ms[stage], 0).toFixed(2);
  return {
    'server-timing': `freshen;dur=${sum('freshen')}, search;dur=${sum('search')}, fetch;dur=${sum('fetch')}`,
  };
}

async function runQuery(call: Call): Promise<Reply> {
  const body = await call.json();
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, 'queries')) {
    const { queries } = mustMatch(queriesSchema, body, 'body');
    if (queries.length === 0) throw invalid('empty_batch', 'body.queries is empty', { field: 'queries' });
    const inputs = queries.map((query, at) => queryIn(query, `body.queries[${at}]`));
    const results = await call.collection.queryMany(inputs);
    return { ...ok({ results: results.map(queryOut) }), headers: serverTiming(results) };
  }
  const result = await call.collection.query(queryIn(body, 'body'));
  return { ...ok(queryOut(result)), headers: serverTiming([result]) };
}

const exampleUsage = {
  requests: 2,
  bytes_read: 0,
  loaded: false,
  temperature: 'hot',
  warm_reads: 0,
  warm_bytes: 0,
  segments: 0,
  segments_probed: 0,
  rows_scanned: 2,
  ms: { freshen: 0.4, search: 0.1, fetch: 0, total: 0.6 },
};
const exampleMatch = { id: 'a', score: 0.9996, metadata: { year: 2021 } };

const queryRoute: Route = {
  operation: 'query',
  method: 'POST',
  path: '/collections/{name}/query',
  access: 'guarded',
  summary: 'Find the nearest records',
  description: 'One query, or up to 100 in `queries`. Always k matches where k records match the filter.',
  body: { schema: z.union([querySchema, queriesSchema]), accept: ['json'] },
  answers: {
    200: {
      description: 'Nearest first; ties by id.',
      schema: z.union([
        component('QueryResult'),
        z.strictObject({ results: z.array(component('QueryResult')) }),
      ]),
    },
  },
  examples: [
    {
      summary: 'One query with a filter',
      request: { vector: [0.1, 0.2, 0.3], k: 1, filter: { year: { $gte: 2020 } } },
      answer: { matches: [exampleMatch], sequence: 1, usage: exampleUsage },
    },
    {
      summary: 'Two queries, one with the vector of a stored record',
      request: {
        queries: [
          { vector: 'AACAPwAAAEAAAEBA', k: 1 },
          { id: 'a', k: 1, include: [] },
        ],
      },
      answer: {
        results: [
          { matches: [exampleMatch], sequence: 1, usage: exampleUsage },
          { matches: [{ id: 'a', score: 1 }], sequence: 1, usage: exampleUsage },
        ],
      },
    },
  ],
  run: runQuery,
};

const exampleSegment = {
  segment: 'c/0f6c…/seg/91aa…-0.seg',
  rows: 60_000,
  estimate: { least: 6_012, most: 6_012 },
  documents_read: 0,
  matches: 6_012,
  plan: 'filtered_walk',
  ef: 71,
  rerank: 15,
  rows_visited: 634,
  hits: 1,
  ms: { filter: 0.03, total: 0.1 },
};

const explainRoute: Route = {
  operation: 'explain',
  method: 'POST',
  path: '/collections/{name}/explain',
  access: 'guarded',
  summary: 'Tell how a query is answered',
  description:
    'Takes a query, runs it, and answers the plan and the cost of each segment instead of the matches.',
  body: { schema: querySchema, accept: ['json'] },
  answers: {
    200: {
      description: 'The plan and the cost of each segment.',
      schema: z.strictObject({ explain: component('Explanation'), sequence, usage: component('Usage') }),
    },
  },
  examples: [
    {
      summary: 'A filter that a tenth of a segment satisfies',
      request: { vector: [0.1, 0.2, 0.3], k: 1, filter: { label: 7 } },
      answer: {
        explain: { memtable: { rows: 0, rows_visited: 0, hits: 0 }, segments: [exampleSegment] },
        sequence: 1,
        usage: { ...exampleUsage, segments: 1, rows_scanned: 634 },
      },
    },
  ],
  run: async (call) => {
    const {
      explain,
      sequence: at,
      usage,
    } = await call.collection.explain(queryIn(await call.json(), 'body'));
    return ok({ explain: snakeDeep(explain), sequence: at, usage: snakeKeys(usage) });
  },
};

const fetchRoute: Route = {
  operation: 'fetch',
  method: 'POST',
  path: '/collections/{name}/fetch',
  access: 'guarded',
  summary: 'Read records by id',
  body: { schema: fetchSchema, accept: ['json'] },
  answers: {
    200: {
      description: 'In the order of the ids; those that are not there are left out.',
      schema: z.strictObject({ records: z.array(component('Record')), sequence }),
    },
  },
  examples: [
    {
      summary: 'Two ids, one of them unknown',
      request: { ids: ['a', 'x'], include: ['metadata', 'vector'] },
      answer: { records: [{ id: 'a', vector: [1, 2, 3], metadata: { year: 2021 } }], sequence: 1 },
    },
  ],
  run: async (call) => {
    const input = camelKeys(mustMatch(fetchSchema, await call.json(), 'body'));
    const { records, sequence: at } = await call.collection.fetch(input);
    return ok({ records: records.map(recordOut), sequence: at });
  },
};

const countRoute: Route = {
  operation: 'count',
  method: 'POST',
  path: '/collections/{name}/count',
  access: 'guarded',
  summary: 'Count records, and the values of their fields',
  body: { schema: countSchema, accept: ['json'], optional: true },
  answers: {
    200: {
      description: 'Exact at its sequence. Of each facet the most frequent values come first, ties by value.',
      schema: z.strictObject({
        count,
        facets: z.record(z.string(), z.array(component('FacetValue'))).optional(),
        sequence,
      }),
    },
  },
  examples: [
    {
      summary: 'With a filter as text',
      request: { filter: "year >= 2020 AND lang = 'en'" },
      answer: { count: 1, sequence: 1 },
    },
    {
      summary: 'The most frequent values of two fields',
      request: { facets: { lang: 2, tags: 10 } },
      answer: {
        count: 3,
        facets: {
          lang: [
            { value: 'en', count: 2 },
            { value: null, count: 1 },
          ],
          tags: [],
        },
        sequence: 1,
      },
    },
  ],
  run: async (call) =>
    ok(await call.collection.count(camelKeys(mustMatch(countSchema, await call.json(), 'body')))),
};

const scanRoute: Route = {
  operation: 'scan',
  method: 'POST',
  path: '/collections/{name}/scan',
  access: 'guarded',
  summary: 'Walk records in the order of their ids, or of fields',
  body: { schema: scanSchema, accept: ['json'], optional: true },
  answers: {
    200: {
      description: 'By the UTF-8 bytes of the ids, or by `order_by`. `cursor` is absent at the end.',
      schema: z.strictObject({
        records: z.array(component('Record')),
        cursor: z.string().optional(),
        sequence,
      }),
    },
  },
  examples: [
    {
      summary: 'The first record',
      request: { limit: 1, include: ['metadata.year'] },
      answer: { records: [{ id: 'a', metadata: { year: 2021 } }], cursor: 'MWE', sequence: 1 },
    },
    {
      summary: 'The newest first',
      request: { order_by: [{ field: 'year', direction: 'desc' }], limit: 2, include: ['metadata.year'] },
      answer: {
        records: [
          { id: 'b', metadata: { year: 2024 } },
          { id: 'a', metadata: { year: 2021 } },
        ],
        sequence: 1,
      },
    },
  ],
  run: async (call) => {
    const input = camelKeys(mustMatch(scanSchema, await call.json(), 'body'));
    const { records, ...rest } = await call.collection.scan(input);
    return ok({ records: records.map(recordOut), ...rest });
  },
};

export const readRoutes: readonly Route[] = [queryRoute, explainRoute, fetchRoute, countRoute, scanRoute];

export const readComponents: Readonly<Record<string, z.ZodType>> = { Query: querySchema };
