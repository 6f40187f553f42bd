/** Bad input: a clear answer each, naming value and limit, and nothing is lost or changed by it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Client } from './client.js';
import { code, detail } from './bad-row.js';
import type { BadRow } from './bad-row.js';
import { selectionExcesses, selectionShapes } from './bad-selections.js';
import { mustRefuse, reaches } from './refusals.js';
import { base64Of, freshName } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';
import { freshCollection } from './writes.js';

const one = (record: object): object => ({ records: [{ id: 'good', vector: [1, 1] }, record] });
const deep = (levels: number): object => (levels === 0 ? {} : { d: deep(levels - 1) });

const vectors: readonly BadRow[] = [
  [
    'a wrong dimension',
    'upsert',
    one({ id: 'x', vector: [1, 2, 3] }),
    400,
    code('wrong_dimension', 'records[1]: the vector has 3 numbers'),
  ],
  [
    'a wrong dimension in base64',
    'upsert',
    one({ id: 'x', vector: base64Of(1) }),
    400,
    code('wrong_dimension'),
  ],
  [
    'columns of a wrong dimension',
    'upsert',
    { ids: ['a'], vectors: base64Of(1, 2, 3) },
    400,
    code('wrong_dimension', '3 numbers'),
  ],
  ['a wrong dimension in a query', 'query', { vector: [1] }, 400, code('wrong_dimension')],
  [
    'NaN in base64',
    'upsert',
    one({ id: 'x', vector: base64Of(1, Number.NaN) }),
    400,
    code('invalid_vector', 'number 1 is not a finite'),
  ],
  [
    'infinity in base64',
    'upsert',
    { ids: ['a'], vectors: base64Of(1, Infinity) },
    400,
    code('invalid_vector'),
  ],
  ['a number past 32 bits', 'upsert', one({ id: 'x', vector: [1e39, 0] }), 400, code('invalid_vector')],
  [
    'null in a vector',
    'upsert',
    one({ id: 'x', vector: [1, null] }),
    400,
    code('invalid_vector', 'number 1 is null'),
  ],
  ['a vector of texts', 'query', { vector: ['1', '2'] }, 400, code('invalid_vector')],
  ['a vector that is an object', 'query', { vector: { 0: 1, 1: 2 } }, 400, code('invalid_vector')],
  ['no vector', 'upsert', one({ id: 'x' }), 400, code('invalid_vector', 'records[1]')],
  [
    'a zero vector under cosine',
    'upsert',
    one({ id: 'x', vector: [0, 0] }),
    400,
    code('zero_vector', 'records[1]'),
  ],
  ['a zero query under cosine', 'query', { vector: [0, 0] }, 400, code('zero_vector')],
  ['malformed base64', 'upsert', one({ id: 'x', vector: '!!!!' }), 400, code('invalid_base64', 'records[1]')],
  ['base64 that is no whole floats', 'upsert', { ids: ['a'], vectors: 'AAAA' }, 400, code('invalid_base64')],
];

const shapes: readonly BadRow[] = [
  [
    'an unknown field',
    'query',
    { vector: [1, 0], filtr: {} },
    400,
    { code: 'unknown_field', details: { field: 'filtr', nearest: 'filter' } },
  ],
  [
    'an unknown field without a near name',
    'query',
    { vector: [1, 0], zzzzzz: 1 },
    400,
    code('unknown_field', 'known are vector, id, order_by, k'),
  ],
  [
    'the embedded spelling',
    'query',
    { vector: [1, 0], targetRecall: 1 },
    400,
    { details: { field: 'targetRecall', nearest: 'target_recall' } },
  ],
  [
    'an unknown field in a record',
    'upsert',
    one({ id: 'x', vector: [1, 1], metdata: {} }),
    400,
    { code: 'unknown_field', details: { field: 'metdata', nearest: 'metadata' }, ...detail('records[1]') },
  ],
  [
    'an unknown field in a patch',
    'patch',
    { records: [{ id: 'a', expires_at: null }] },
    400,
    code('unknown_field', 'body.records[0]'),
  ],
  [
    'an unknown field in one of many queries',
    'query',
    { queries: [{ vector: [1, 0] }, { vectr: [1, 0] }] },
    400,
    code('unknown_field', 'body.queries[1]'),
  ],
  [
    'an unknown field beside queries',
    'query',
    { queries: [{ vector: [1, 0] }], k: 1 },
    400,
    code('unknown_field'),
  ],
  ['a misspelt shape', 'upsert', { record: [] }, 400, { details: { field: 'record', nearest: 'records' } }],
  [
    'a body that is an array',
    'query',
    [],
    400,
    code('invalid_field', 'body must be an object, got an array'),
  ],
  ['a body that is null', 'upsert', null, 400, code('invalid_field', 'got null')],
  [
    'a record that is no object',
    'upsert',
    { records: [1] },
    400,
    code('invalid_field', 'body.records[0] must be an object, got 1'),
  ],
  [
    'records that are no array',
    'upsert',
    { records: {} },
    400,
    code('invalid_field', 'body.records must be an array'),
  ],
  ['neither rows nor columns', 'upsert', {}, 400, code('missing_field', 'records, or ids and vectors')],
  [
    'columns without vectors',
    'upsert',
    { ids: ['a'] },
    400,
    code('missing_field', 'body.vectors is required'),
  ],
  [
    'columns of different length',
    'upsert',
    { ids: ['a', 'b'], vectors: [[1, 1]] },
    400,
    code('invalid_request', 'ids has 2 elements for 1 vectors'),
  ],
  ['rows and columns at once', 'upsert', { records: [], ids: [] }, 400, code('unknown_field')],
  ['an empty batch', 'upsert', { records: [] }, 400, code('empty_batch')],
  ['empty columns', 'upsert', { ids: [], vectors: [] }, 400, code('empty_batch')],
  ['an empty delete', 'delete', { ids: [] }, 400, code('empty_batch')],
  ['no queries', 'query', { queries: [] }, 400, code('empty_batch')],
  ['an empty write', 'write', {}, 400, code('empty_batch')],
  [
    'ids and a filter at once',
    'delete',
    { ids: ['a'], filter: {} },
    400,
    code('invalid_field', 'either ids or filter'),
  ],
  ['neither ids nor a filter', 'delete', {}, 400, code('invalid_field')],
  [
    'a vector and an id',
    'query',
    { vector: [1, 0], id: 'a' },
    400,
    code('invalid_request', 'either a vector or an id'),
  ],
  [
    'a wrong mode',
    'patch',
    { records: [{ id: 'a' }], mode: 'add' },
    400,
    code('invalid_field', 'one of "merge", "replace"'),
  ],
  [
    'a fraction for k',
    'query',
    { vector: [1, 0], k: 1.5 },
    400,
    code('invalid_field', 'body.k must be an integer, got 1.5'),
  ],
  ['null for k', 'query', { vector: [1, 0], k: null }, 400, code('invalid_field')],
  ['k of zero', 'query', { vector: [1, 0], k: 0 }, 400, code('invalid_field', 'at least 1')],
  [
    'an unknown consistency',
    'query',
    { vector: [1, 0], consistency: 'weak' },
    400,
    code('invalid_field', '"strong", "eventual"'),
  ],
  [
    'two knobs of recall',
    'query',
    { vector: [1, 0], ef: 10, exact: true },
    400,
    code('invalid_request', 'target_recall, ef and exact'),
  ],
  [
    'a recall over one',
    'query',
    { vector: [1, 0], target_recall: 1.1 },
    400,
    { details: { limit: 'target_recall', value: 1.1, maximum: 1 } },
  ],
  [
    'a distance bound under cosine',
    'query',
    { vector: [1, 0], max_distance: 1 },
    400,
    code('invalid_request', 'max_distance has no meaning under cosine; use min_score'),
  ],
  [
    'an unknown include',
    'query',
    { vector: [1, 0], include: ['vectors'] },
    400,
    code('invalid_request', '"vectors"'),
  ],
  ['a malformed filter', 'query', { vector: [1, 0], filter: 'year >=' }, 400, { status: 400 }],
  ['an unknown operator', 'query', { vector: [1, 0], filter: { a: { $gtee: 1 } } }, 400, detail('$gte')],
  ['a filter that is a number', 'count', { filter: 1 }, 400, { status: 400 }],
  ['a made-up cursor', 'scan', { cursor: 'abc' }, 400, code('invalid_cursor')],
  [
    'a malformed expiry',
    'upsert',
    one({ id: 'x', vector: [1, 1], expires_at: 'tomorrow' }),
    400,
    code('invalid_expiry', 'expires_at'),
  ],
  [
    'metadata that is an array',
    'upsert',
    one({ id: 'x', vector: [1, 1], metadata: [] }),
    400,
    code('invalid_metadata'),
  ],
];

const excesses: readonly BadRow[] = [
  [
    'k',
    'query',
    { vector: [1, 0], k: 10_001 },
    400,
    { code: 'limit_exceeded', details: { limit: 'k', value: 10_001, maximum: 10_000 } },
  ],
  [
    'records',
    'upsert',
    { records: Array.from({ length: 10_001 }, () => ({ id: 'a', vector: [1, 1] })) },
    400,
    { code: 'limit_exceeded', details: { limit: 'batchRecords', value: 10_001, maximum: 10_000 } },
  ],
  [
    'ids',
    'delete',
    { ids: Array.from({ length: 10_001 }, () => 'a') },
    400,
    { details: { limit: 'batchRecords', value: 10_001, maximum: 10_000 } },
  ],
  [
    'rows of one base64',
    'upsert',
    { vectors: base64Of(...Array.from({ length: 20_002 }, () => 1)) },
    400,
    { details: { limit: 'batchRecords', value: 10_001, maximum: 10_000 } },
  ],
  [
    'queries',
    'query',
    { queries: Array.from({ length: 101 }, () => ({ id: 'a' })) },
    400,
    { code: 'limit_exceeded', details: { limit: 'queriesPerRequest', value: 101, maximum: 100 } },
  ],
  [
    'an id',
    'upsert',
    one({ id: 'é'.repeat(257), vector: [1, 1] }),
    400,
    { details: { limit: 'idBytes', value: 514, maximum: 512 } },
  ],
  [
    'metadata',
    'upsert',
    one({ id: 'x', vector: [1, 1], metadata: { t: 'x'.repeat(65_536) } }),
    400,
    { details: { limit: 'metadataBytes', value: 65_544, maximum: 65_536 } },
  ],
  [
    'the depth of metadata',
    'upsert',
    one({ id: 'x', vector: [1, 1], metadata: deep(40) }),
    400,
    { details: { limit: 'metadataDepth' } },
  ],
  [
    'the depth of a filter',
    'count',
    { filter: Array.from({ length: 40 }).reduce<object>((inner) => ({ $not: inner }), { a: 1 }) },
    400,
    { details: { limit: 'filterDepth' } },
  ],
  [
    'a time limit',
    'query',
    { vector: [1, 0], timeout_ms: 120_001 },
    400,
    { details: { limit: 'timeout_ms', value: 120_001, maximum: 120_000 } },
  ],
  ['a page', 'scan', { limit: 10_001 }, 400, { details: { limit: 'limit', value: 10_001, maximum: 10_000 } }],
];

/** Texts, because JSON.stringify writes neither `__proto__` nor what follows. */
const texts: readonly (readonly [what: string, call: string, body: string, expected: object])[] = [
  [
    '__proto__ in a body',
    'query',
    '{"vector":[1,0],"__proto__":{"k":1}}',
    code('unknown_field', '__proto__'),
  ],
  [
    '__proto__ in a record',
    'upsert',
    '{"records":[{"id":"x","vector":[1,1],"__proto__":{}}]}',
    code('unknown_field', '__proto__'),
  ],
  ['__proto__ in a write', 'write', '{"__proto__":{"upsert":{}}}', code('unknown_field', '__proto__')],
  [
    '__proto__ in metadata',
    'upsert',
    '{"records":[{"id":"x","vector":[1,1],"metadata":{"a":{"__proto__":{"polluted":1}}}}]}',
    code('invalid_metadata', '__proto__'),
  ],
  [
    '__proto__ in a patch',
    'patch',
    '{"records":[{"id":"good","metadata":{"__proto__":{"polluted":1}}}]}',
    { status: 400 },
  ],
  [
    'constructor in a body',
    'query',
    '{"vector":[1,0],"constructor":{"prototype":{"k":1}}}',
    code('unknown_field', 'constructor'),
  ],
  [
    'a lone surrogate in an id',
    'upsert',
    '{"records":[{"id":"\\ud800","vector":[1,1]}]}',
    code('invalid_id', 'lone surrogate'),
  ],
  ['a lone surrogate in an id asked', 'fetch', '{"ids":["\\udc00"]}', code('invalid_id', 'lone surrogate')],
  ['NaN', 'query', '{"vector":[1,NaN]}', code('malformed_json', 'line 1, column 14')],
  ['an endless number', 'query', '{"vector":[1e999,0]}', code('invalid_vector')],
  ['JSON cut short', 'query', '{"vector":[1,0]', code('malformed_json', 'the text ends')],
  [
    'a trailing comma on line 3',
    'upsert',
    '{\n"records": [],\n}',
    { code: 'malformed_json', details: { line: 3, column: 1, offset: 17 } },
  ],
  ['an empty body', 'query', '', code('malformed_json')],
];

const lines: readonly (readonly [what: string, body: string, line: number, expected: object])[] = [
  [
    'malformed JSON',
    '{"id":"a","vector":[1,1]}\n\n{"id":"b","vector":[1,1],}\n',
    3,
    code('malformed_json', 'line 3, column 26'),
  ],
  [
    'a record of a wrong dimension',
    '{"id":"a","vector":[1,1]}\n\n\n{"id":"b","vector":[1]}',
    4,
    code('wrong_dimension', 'line 4'),
  ],
  [
    'an unknown field',
    '{"id":"a","vector":[1,1]}\n{"id":"b","vctor":[1,1]}',
    2,
    code('unknown_field', 'line 2'),
  ],
  ['an array', '[1,2]', 1, code('invalid_field', 'line 1')],
];

const settings: readonly (readonly [what: string, body: unknown, expected: object])[] = [
  ['no dimension', {}, code('missing_field', 'body.dimension')],
  ['a dimension of zero', { dimension: 0 }, code('invalid_field', 'at least 1')],
  [
    'a dimension too large',
    { dimension: 20_001 },
    { details: { limit: 'dimension', value: 20_001, maximum: 20_000 } },
  ],
  ['an unknown metric', { dimension: 2, metric: 'cosin' }, code('invalid_field', '"cosine"')],
  [
    'an unknown setting',
    { dimension: 2, quantisation: 'none' },
    { details: { field: 'quantisation', nearest: 'quantization' } },
  ],
  [
    'an unknown setting of the index',
    { dimension: 2, index: { efConstruction: 1 } },
    { details: { field: 'efConstruction', nearest: 'ef_construction' } },
  ],
  [
    'an unknown setting of a field',
    { dimension: 2, fields: { year: { filtrable: true } } },
    { details: { field: 'filtrable', nearest: 'filterable' } },
  ],
  ['m too small', { dimension: 2, index: { m: 1 } }, code('invalid_field', 'at least 4')],
  ['fields that are an array', { dimension: 2, fields: [] }, code('invalid_field', 'body.fields')],
];

export function describeBadInput(client: () => Client, server: () => ServerUnderTest): void {
  describe('bad input', () => {
    let path: string;
    beforeAll(async () => {
      path = await freshCollection(client());
    });

    test.each([...vectors, ...shapes, ...selectionShapes])(
      '%s is refused by %s',
      async (_, call, body, status, expected) => {
        const seen = reaches(server(), JSON.stringify(body));
        await mustRefuse(client(), `${path}/${call}`, { json: body }, seen, { status, ...expected });
      },
    );

    test.each([...excesses, ...selectionExcesses])(
      'too much of %s is refused by %s',
      async (_, call, body, status, expected) => {
        expect((await client().post(`${path}/${call}`, body)).json).toMatchObject({
          status,
          code: 'limit_exceeded',
          ...expected,
        });
      },
    );

    test.each(texts)('%s is refused by %s', async (_, call, body, expected) => {
      const headers = { 'content-type': 'application/json' };
      const seen = reaches(server(), body);
      await mustRefuse(client(), `${path}/${call}`, { body, headers }, seen, { status: 400, ...expected });
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });

    test.each(lines)('%s in NDJSON is refused with its line', async (_, body, line, expected) => {
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await client().send('POST', `${path}/upsert`, { body, headers });
      expect(answer.json).toMatchObject({ status: 400, details: { line }, ...expected });
    });

    test('empty NDJSON is an empty batch', async () => {
      const headers = { 'content-type': 'application/x-ndjson' };
      expect((await client().send('POST', `${path}/upsert`, { body: '\n', headers })).json).toMatchObject({
        code: 'empty_batch',
      });
    });

    test.each(settings)('a collection with %s is refused', async (_, body, expected) => {
      const answer = await client().put(`/v1/collections/${freshName()}`, body);
      expect(answer.json).toMatchObject({ status: 400, ...expected });
    });

    test('a field named __proto__ is refused', async () => {
      const body = '{"dimension":2,"fields":{"__proto__":{"filterable":true}}}';
      const headers = { 'content-type': 'application/json' };
      const answer = await client().send('PUT', `/v1/collections/${freshName()}`, { body, headers });
      expect(answer.json).toMatchObject({ status: 400, ...detail('__proto__') });
    });

    test.each([
      ['/v1/collections/-bad', 400, 'invalid_name'],
      [`/v1/collections/${'x'.repeat(129)}`, 400, 'invalid_name'],
      ['/v1/collections/a%2Fb', 400, 'invalid_name'],
      ['/v1/collections/%ff', 400, 'invalid_name'],
      ['/v1/collections/%F0%9F%98%80', 400, 'invalid_name'],
      ['/v1/collections/__proto__', 400, 'invalid_name'],
      ['/v1/collections/constructor', 404, 'collection_not_found'],
      ['/v1/namespaces/other/collections', 404, 'namespace_not_found'],
      ['/v1/namespaces/other/collections/c/stats', 404, 'namespace_not_found'],
      ['/v1/namespaces/..bad/collections', 400, 'invalid_name'],
      ['/v1/collections?limt=3', 400, 'unknown_field'],
      ['/v1/collections?__proto__=3', 400, 'unknown_field'],
      ['/v1/collections?limit=0', 400, 'invalid_field'],
      ['/v1/collections?limit=1001', 400, 'limit_exceeded'],
      ['/v1/collections?limit=ten', 400, 'invalid_field'],
      ['/v1/collections?limit=', 400, 'invalid_field'],
      ['/v1/collections?limit=1&limit=2', 400, 'invalid_field'],
      ['/v1/collections?cursor=x', 400, 'invalid_cursor'],
      ['/v1/collections/c/stats?consistency=weak', 400, 'invalid_field'],
      ['/', 404, 'route_not_found'],
      ['/v2/collections', 404, 'route_not_found'],
      ['/v1/collections/c/nothing', 404, 'route_not_found'],
    ])('GET %s is %i %s', async (target, status, name) => {
      const unseen = server().refusesPaths === true && target.includes('%ff');
      const answer = await client().get(target, { judged: !unseen });
      if (unseen) expect(answer.status).toBe(status);
      else expect(answer.json).toMatchObject({ status, code: name });
    });

    test.each([
      'upsert',
      'patch',
      'delete',
      'restore',
      'write',
      'query',
      'fetch',
      'count',
      'scan',
      'compact',
      'recall',
      'restore-to',
      'branches',
    ])('%s on a collection that is not there is 404', async (call) => {
      const bodies: Readonly<Record<string, object>> = {
        upsert: { ids: ['a'], vectors: [[1, 1]] },
        patch: { records: [{ id: 'a', metadata: {} }] },
        delete: { ids: ['a'] },
        restore: { ids: ['a'] },
        write: { delete: { ids: ['a'] } },
        query: { vector: [1, 1] },
        fetch: { ids: ['a'] },
        'restore-to': { as_of: 1 },
        branches: { name: 'elsewhere' },
      };
      const { json } = await client().post(`/v1/collections/${freshName()}/${call}`, bodies[call] ?? {});
      expect(json).toMatchObject({ status: 404, code: 'collection_not_found' });
    });

    test('changes nothing', async () => {
      expect((await client().get(path)).json).toMatchObject({ sequence: 0, count: 0 });
    });
  });
}
