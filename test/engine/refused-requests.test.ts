/**
 * Strategy: a table of calls that must be refused, as a caller without a type checker would make them. Each must end in a
 * CairnError of the stated kind and code whose message names what was wrong and the limit, and leave behind exactly the
 * state that was there: every record, the sequence, and Object.prototype.
 */
import { describe } from 'vitest';
import type { Database } from '../../core/index.js';
import { invalid, json, many, refuses, vector } from './refusals.js';
import type { Case } from './refusals.js';

const nestedFilter = (depth: number): unknown => (depth === 0 ? { n: 1 } : { $not: nestedFilter(depth - 1) });

/** Orders that both scans and queries refuse. */
function orders(what: string, call: (fields: { readonly orderBy: unknown }) => Case[1]): Case[] {
  const refused = (name: string, orderBy: unknown, code: string, message: RegExp): Case => [
    `${what}: order by ${name}`,
    call({ orderBy }),
    invalid(code, message),
  ];
  const field = (value: unknown): unknown => [{ field: value }];
  return [
    refused('a text', 'n', 'invalid_request', /order_by must be an array, got string/),
    refused('null', null, 'invalid_request', /order_by must be an array, got null/),
    refused('nothing', [], 'empty_batch', /order_by is empty/),
    refused(
      '5 fields',
      many(5, () => ({ field: 'n' })),
      'limit_exceeded',
      /orderFields is 5, the maximum is 4/,
    ),
    refused('a name', ['n'], 'invalid_request', /order_by\[0\] must be an object, got string/),
    refused(
      'no field',
      [{}],
      'invalid_request',
      /order_by\[0\].field must be the name of a field, got undefined/,
    ),
    refused('an empty name', field(''), 'invalid_request', /got an empty text/),
    refused('a number', field(1), 'invalid_request', /got number/),
    refused(
      'a long name',
      field('x'.repeat(513)),
      'limit_exceeded',
      /fieldNameBytes is 513, the maximum is 512/,
    ),
    refused('a direction', [{ field: 'n', direction: 'up' }], 'invalid_request', /must be asc or desc/),
    refused(
      'a misspelt direction',
      [{ field: 'n', dir: 'asc' }],
      'unknown_field',
      /did you mean direction|known are/,
    ),
  ];
}

describe('reads', () => {
  const read = (name: string, fields: Record<string, unknown>, code: string, message: RegExp): Case => [
    name,
    ({ c }) => c['query']!({ vector, ...fields }),
    invalid(code, message),
  ];
  const facets = (name: string, given: unknown, code: string, message: RegExp): Case => [
    `facets: ${name}`,
    ({ c }) => c['count']!({ facets: given }),
    invalid(code, message),
  ];
  refuses([
    [
      'neither vector nor id',
      ({ c }) => c['query']!({ k: 1 }),
      invalid('invalid_request', /either a vector or an id/),
    ],
    [
      'both vector and id',
      ({ c }) => c['query']!({ vector, id: 'one' }),
      invalid('invalid_request', /either a vector or an id/),
    ],
    [
      'an id that is not there',
      ({ c }) => c['query']!({ id: 'three' }),
      { kind: 'not_found', code: 'record_not_found', message: /"three"/ },
    ],
    read('k = 0', { k: 0 }, 'invalid_request', /k must be an integer of 1 to 10000, got 0/),
    read('k = -1', { k: -1 }, 'invalid_request', /got -1/),
    read('k = 1.5', { k: 1.5 }, 'invalid_request', /got 1.5/),
    read('k = NaN', { k: NaN }, 'invalid_request', /got NaN/),
    read('k = "5"', { k: '5' }, 'invalid_request', /got string/),
    read('k = null', { k: null }, 'invalid_request', /got null/),
    read('k = 10,001', { k: 10_001 }, 'limit_exceeded', /k is 10001, the maximum is 10000/),
    read('min score of a string', { minScore: '1' }, 'invalid_request', /min_score must be a finite number/),
    read('min score NaN', { minScore: NaN }, 'invalid_request', /got NaN/),
    read(
      'max distance under cosine',
      { maxDistance: 1 },
      'invalid_request',
      /max_distance has no meaning under cosine; use min_score/,
    ),
    [
      'min score under euclidean',
      ({ e }) => e['query']!({ vector, minScore: 1 }),
      invalid('invalid_request', /min_score has no meaning under euclidean/),
    ],
    read(
      'as of the future',
      { asOf: 2 },
      'sequence_out_of_range',
      /as_of 2 has not happened yet.*sequence 1/,
    ),
    read('as of -1', { asOf: -1 }, 'invalid_request', /as_of must be an integer/),
    read('as of 0.5', { asOf: 0.5 }, 'invalid_request', /got 0.5/),
    read('as of 2^53', { asOf: 2 ** 53 }, 'invalid_request', /as_of/),
    read('target recall 0', { targetRecall: 0 }, 'invalid_request', /above 0 and at most 1, got 0/),
    read('target recall 1.1', { targetRecall: 1.1 }, 'invalid_request', /got 1.1/),
    read(
      'ef and exact',
      { ef: 10, exact: true },
      'invalid_request',
      /at most one of target_recall, ef and exact/,
    ),
    read('ef 0', { ef: 0 }, 'invalid_request', /ef must be/),
    read('exact 1', { exact: 1 }, 'invalid_request', /exact must be true or false, got number/),
    read('include deleted "yes"', { includeDeleted: 'yes' }, 'invalid_request', /true or false, got string/),
    read('include a string', { include: 'vector' }, 'invalid_request', /include must be an array/),
    read('include of something', { include: ['vectors'] }, 'invalid_request', /"vectors"/),
    read('include of an empty field', { include: ['metadata.'] }, 'invalid_request', /"metadata."/),
    read('include of a number', { include: [1] }, 'invalid_request', /got number/),
    read(
      '101 includes',
      { include: many(101, (i) => `metadata.f${i}`) },
      'limit_exceeded',
      /101, the maximum is 100/,
    ),
    read('consistency', { consistency: 'weak' }, 'invalid_request', /strong or eventual/),
    read('time-out 0', { timeoutMs: 0 }, 'invalid_request', /timeoutMs must be/),
    read(
      'time-out of an hour',
      { timeoutMs: 3_600_000 },
      'limit_exceeded',
      /timeoutMs is 3600000, the maximum is 120000/,
    ),
    read('filter null', { filter: null }, 'invalid_filter', /filter/),
    read('filter number', { filter: 5 }, 'invalid_filter', /filter/),
    read('filter text', { filter: 'n = ' }, 'invalid_filter', /./),
    read('filter operator', { filter: { n: { $gtee: 1 } } }, 'invalid_filter', /\$gte/),
    read(
      'filter depth',
      { filter: nestedFilter(17) },
      'limit_exceeded',
      /filterDepth is 17, the maximum is 16/,
    ),
    read(
      'filter nodes',
      { filter: { $or: many(1_100, (i) => ({ n: i })) } },
      'limit_exceeded',
      /filterNodes is 1025, the maximum is 1024/,
    ),
    read('filter text bytes', { filter: `n = '${'x'.repeat(66_000)}'` }, 'limit_exceeded', /filterTextBytes/),
    ...orders(
      'scan',
      (fields) =>
        ({ c }) =>
          c['scan']!(fields),
    ),
    ...orders(
      'query',
      (fields) =>
        ({ c }) =>
          c['query']!(fields),
    ),
    ...(['targetRecall', 'ef', 'exact', 'minScore', 'maxDistance'] as const).map((name): Case => [
      `order and ${name}`,
      ({ c }) => c['query']!({ orderBy: [{ field: 'n' }], [name]: 1 }),
      invalid('invalid_request', /query: [a-z_]+ has no meaning with order_by/),
    ]),
    read('order and vector', { orderBy: [{ field: 'n' }] }, 'invalid_request', /or else order_by/),
    [
      'order and id',
      ({ c }) => c['query']!({ id: 'one', orderBy: [{ field: 'n' }] }),
      invalid('invalid_request', /or else order_by/),
    ],
    facets('no object', [], 'invalid_request', /facets must be an object, got an array/),
    facets('null', null, 'invalid_request', /got null/),
    facets('none', {}, 'empty_batch', /facets is empty/),
    facets(
      '17 fields',
      Object.fromEntries(many(17, (i) => [`f${i}`, 1])),
      'limit_exceeded',
      /facetFields is 17, the maximum is 16/,
    ),
    facets('no field name', { '': 1 }, 'invalid_request', /name of a field, got an empty text/),
    facets(
      'a long field name',
      { ['é'.repeat(257)]: 1 },
      'limit_exceeded',
      /fieldNameBytes is 514, the maximum is 512/,
    ),
    facets('limit 0', { n: 0 }, 'invalid_request', /facetLimit must be an integer of 1 to 1000, got 0/),
    facets('limit 1,001', { n: 1_001 }, 'limit_exceeded', /facetLimit is 1001, the maximum is 1000/),
    facets('limit "1"', { n: '1' }, 'invalid_request', /got string/),
    facets('limit undefined', { n: undefined }, 'invalid_request', /"n" has no limit/),
    ['scan limit 0', ({ c }) => c['scan']!({ limit: 0 }), invalid('invalid_request', /got 0/)],
    [
      'scan limit 10,001',
      ({ c }) => c['scan']!({ limit: 10_001 }),
      invalid('limit_exceeded', /scanLimit is 10001, the maximum is 10000/),
    ],
    ...['', 'x', '!!!!', 'MQ==', 'a'.repeat(1_000), 'Mg', 'Mf8', 5, null].map((cursor): Case => [
      `cursor ${JSON.stringify(cursor).slice(0, 10)}`,
      ({ c }) => c['scan']!({ cursor }),
      invalid('invalid_cursor', /cursor/),
    ]),
    ['list cursor', ({ db: d }) => d['listCollections']!({ cursor: 'zzz' }), invalid('invalid_cursor')],
    [
      'list limit',
      ({ db: d }) => d['listCollections']!({ limit: 1_001 }),
      invalid('limit_exceeded', /listLimit is 1001, the maximum is 1000/),
    ],
    [
      'list prefix',
      ({ db: d }) => d['listCollections']!({ prefix: 5 }),
      invalid('invalid_request', /prefix must be a string, got number/),
    ],
    ['recall k', ({ c }) => c['recall']!({ k: 10_001 }), invalid('limit_exceeded', /k is 10001/)],
    [
      'recall queries',
      ({ c }) => c['recall']!({ queries: 101 }),
      invalid('limit_exceeded', /queriesPerRequest is 101/),
    ],
    [
      'unknown collection',
      ({ db: d }) => (d as unknown as Database).collection('nope').count(),
      { kind: 'not_found', code: 'collection_not_found', message: /nope/ },
    ],
    [
      'write to an unknown collection',
      ({ db: d }) => (d as unknown as Database).collection('nope').delete({ ids: ['a'] }),
      { kind: 'not_found', code: 'collection_not_found' },
    ],
    [
      'drop of an unknown collection',
      ({ db: d }) => d['dropCollection']!('nope'),
      { kind: 'not_found', code: 'collection_not_found' },
    ],
  ]);
});

describe('writes', () => {
  const expires = (value: unknown): Case[] => {
    const shown = JSON.stringify(value) ?? String(value);
    return [
      [
        `expiry ${shown}`,
        ({ c }) => c['upsert']!([{ id: 'x', vector, expiresAt: value }]),
        invalid('invalid_expiry', /records\[0\].*RFC 3339/),
      ],
      [
        `column expiry ${shown}`,
        ({ c }) => c['upsert']!({ vectors: [vector], expiresAt: [value] }),
        invalid('invalid_expiry', /RFC 3339/),
      ],
    ];
  };
  refuses([
    ...expires(1_700_000_000),
    ...expires('tomorrow'),
    ...expires('2026-02-30T00:00:00Z'),
    ...expires('2026-01-01T00:00:00'),
    ...expires('2026-01-01'),
    ...expires('2026-01-01 00:00:00Z'),
    ...expires('2026-01-01T00:00:60Z'),
    ...expires('9999-12-31T23:59:59-01:00'),
    ...expires('0000-01-01T00:00:00+00:01'),
    ...expires({}),
    [
      'mode',
      ({ c }) => c['patch']!({ records: [{ id: 'one' }], mode: 'overwrite' }),
      invalid('invalid_request', /merge or replace/),
    ],
    ...(
      [
        ['records and filter', { records: [{ id: 'one' }], filter: {} }, /either records or a filter/],
        ['neither records nor filter', { mode: 'merge' }, /either records or a filter/],
        [
          'records and metadata',
          { records: [{ id: 'one' }], metadata: {} },
          /metadata with a filter, and only/,
        ],
        ['filter alone', { filter: {} }, /metadata with a filter, and only/],
        ['metadata alone', { metadata: {} }, /either records or a filter/],
      ] as const
    ).map(([name, input, message]): Case => [
      `patch by ${name}`,
      ({ c }) => c['patch']!(input),
      invalid('invalid_request', message),
    ]),
    [
      'patch by filter with a vector',
      ({ c }) => c['patch']!({ filter: {}, metadata: {}, vector }),
      invalid('unknown_field', /vector/),
    ],
    [
      'patch by a bad filter',
      ({ c }) => c['patch']!({ filter: 'n =', metadata: {} }),
      invalid('invalid_filter'),
    ],
    ...[[], 'text', 5, { a: NaN }, json('{"__proto__": 1}')].map((metadata, i): Case => [
      `patch by filter with metadata ${i}`,
      ({ c }) => c['patch']!({ filter: {}, metadata }),
      invalid('invalid_metadata', /patch: metadata/),
    ]),
    [
      'patch by filter that grows past the limit',
      ({ c }) => c['patch']!({ filter: 'EXISTS n', metadata: { more: 'x'.repeat(65_520) } }),
      invalid('limit_exceeded', /record "one": metadataBytes is 655\d\d, the maximum is 65536/),
    ],
    [
      'soft',
      ({ c }) => c['delete']!({ ids: ['one'], soft: 1 }),
      invalid('invalid_request', /soft must be true or false/),
    ],
    [
      'delete by ids and filter',
      ({ c }) => c['delete']!({ ids: ['one'], filter: {} }),
      invalid('invalid_request', /either ids or a filter/),
    ],
    [
      'delete by neither',
      ({ c }) => c['delete']!({ soft: true }),
      invalid('invalid_request', /either ids or a filter/),
    ],
    ['delete by a bad filter', ({ c }) => c['delete']!({ filter: { $nope: 1 } }), invalid('invalid_filter')],
    [
      'if sequence -1',
      ({ c }) => c['write']!({ delete: { ids: ['one'] }, ifSequence: -1 }),
      invalid('invalid_request', /if_sequence/),
    ],
    [
      'if sequence "1"',
      ({ c }) => c['write']!({ delete: { ids: ['one'] }, ifSequence: '1' }),
      invalid('invalid_request', /if_sequence/),
    ],
    [
      'if sequence 0',
      ({ c }) => c['write']!({ delete: { ids: ['one'] }, ifSequence: 0 }),
      {
        kind: 'conflict',
        code: 'sequence_conflict',
        message: /"one" changed at sequence 1, after if_sequence 0/,
      },
    ],
    [
      'one bad part of a write',
      ({ c }) => c['write']!({ delete: { ids: ['one'] }, upsert: [{ id: 'x', vector: [1] }] }),
      invalid('wrong_dimension'),
    ],
    ...['', 'a'.repeat(256), 'é', 'a\nb', 5, null].map((idempotencyKey): Case => [
      `key ${JSON.stringify(idempotencyKey).slice(0, 10)}`,
      ({ c }) => c['delete']!({ ids: ['one'] }, { idempotencyKey }),
      invalid('invalid_idempotency_key', /1 to 255 printable ASCII/),
    ]),
    [
      'first tail -1',
      ({ c }) => c['delete']!({ ids: ['one'] }, { firstTail: -1 }),
      invalid('invalid_request', /first_tail/),
    ],
    [
      'write time-out',
      ({ c }) => c['delete']!({ ids: ['one'] }, { timeoutMs: 120_001 }),
      invalid('limit_exceeded', /timeoutMs is 120001/),
    ],
  ]);
});

describe('settings', () => {
  const setting = (name: string, settings: unknown, code: string, message: RegExp): Case => [
    name,
    ({ db: d }) => d['createCollection']!('new', settings),
    invalid(code, message),
  ];
  const differs = (name: string, settings: Record<string, unknown>, message: RegExp): Case => [
    `re-create with another ${name}`,
    ({ db: d }) => d['createCollection']!('full', { dimension: 4, ...settings }),
    { kind: 'conflict', code: 'collection_exists', message },
  ];
  refuses([
    setting('none', undefined, 'invalid_request', /settings must be an object, got undefined/),
    setting(
      'no dimension',
      {},
      'invalid_setting',
      /dimension must be an integer of 1 to 20000, got undefined/,
    ),
    setting('dimension 0', { dimension: 0 }, 'invalid_setting', /got 0/),
    setting('dimension 20,001', { dimension: 20_001 }, 'invalid_setting', /1 to 20000, got 20001/),
    setting('dimension 1.5', { dimension: 1.5 }, 'invalid_setting', /got 1.5/),
    setting('dimension "4"', { dimension: '4' }, 'invalid_setting', /got string/),
    setting(
      'metric',
      { dimension: 4, metric: 'l2' },
      'invalid_setting',
      /cosine, euclidean, dot, manhattan; got "l2"/,
    ),
    setting('metric of another type', { dimension: 4, metric: 5 }, 'invalid_setting', /got number/),
    setting('tier', { dimension: 4, tier: 'cloud' }, 'invalid_setting', /edge, server/),
    setting('quantization', { dimension: 4, quantization: 'sq4' }, 'invalid_setting', /sq8/),
    setting(
      'bits',
      { dimension: 4, quantization: { type: 'rabitq', bits: 3 } },
      'invalid_setting',
      /bits: 1 \| 2 \| 4.*got \{type: rabitq, bits: 3\}$/,
    ),
    setting(
      'compression',
      { dimension: 4, quantization: { type: 'pq', compression: 64 } },
      'invalid_setting',
      /compression: 8 \| 16 \| 32.*got \{type: pq, compression: 64\}$/,
    ),
    setting(
      'what is said of a coding that has nothing to be said of',
      { dimension: 4, quantization: { type: 'sq8' } },
      'invalid_setting',
      /got \{type: sq8\}$/,
    ),
    setting(
      'quantization of a metric that a rotation does not keep',
      { dimension: 4, metric: 'manhattan', quantization: 'rabitq' },
      'invalid_setting',
      /not their Manhattan distances; take sq8, pq or none/,
    ),
    setting(
      'm',
      { dimension: 4, index: { m: 3 } },
      'invalid_setting',
      /m must be an integer of 4 to 64, got 3/,
    ),
    setting(
      'ef construction',
      { dimension: 4, index: { efConstruction: 1_001 } },
      'invalid_setting',
      /16 to 1000/,
    ),
    setting('soft delete days', { dimension: 4, softDeleteDays: -1 }, 'invalid_setting', /0 to 3650/),
    setting(
      'fields as an array',
      { dimension: 4, fields: ['a'] },
      'invalid_request',
      /fields must be an object/,
    ),
    setting('an empty field name', { dimension: 4, fields: { '': {} } }, 'invalid_setting', /no field name/),
    setting(
      'a long field name',
      { dimension: 4, fields: { ['f'.repeat(513)]: {} } },
      'limit_exceeded',
      /fieldNameBytes is 513, the maximum is 512/,
    ),
    setting(
      '1,001 fields',
      { dimension: 4, fields: Object.fromEntries(many(1_001, (i) => [`f${i}`, {}])) },
      'limit_exceeded',
      /fields is 1001, the maximum is 1000/,
    ),
    setting(
      'filterable',
      { dimension: 4, fields: { a: { filterable: 'no' } } },
      'invalid_setting',
      /filterable must be true or false/,
    ),
    ...['', '.hidden', '-a', 'a/b', 'a b', 'ä', 'a'.repeat(129), '../x', 5, null, undefined].map(
      (name): Case => [
        `name ${String(name).slice(0, 10)}`,
        ({ db: d }) => d['createCollection']!(name, { dimension: 4 }),
        invalid('invalid_name', /collection .* is not a name/),
      ],
    ),
    ['handle with a bad name', async ({ db: d }) => d['collection']!('a/b'), invalid('invalid_name')],
    ['drop with a bad name', ({ db: d }) => d['dropCollection']!('a/b'), invalid('invalid_name')],
    differs('dimension', { dimension: 5 }, /full exists with other settings: dimension$/),
    differs('metric', { metric: 'dot' }, /metric/),
    differs('index', { index: { m: 17 } }, /index/),
    differs('quantization and fields', { quantization: 'none', fields: { a: {} } }, /quantization, fields/),
    differs('retention', { softDeleteDays: 1 }, /softDeleteDays/),
    differs('tier', { tier: 'edge' }, /tier/),
  ]);
});
