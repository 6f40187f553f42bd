/**
 * Strategy: a table of calls that must be refused, as a caller without a type checker would make them. Each must end in a
 * CairnError of the stated kind and code whose message names what was wrong and the limit, and leave behind exactly the
 * state that was there: every record, the sequence, and Object.prototype.
 */
import { describe } from 'vitest';
import { limits } from '../../core/index.js';
import { invalid, json, many, refuses, vector } from './refusals.js';
import type { Case } from './refusals.js';

const base64 = (...numbers: number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('vectors', () => {
  const wrong = (name: string, value: unknown, code: string, message: RegExp): Case[] => [
    [
      `row: ${name}`,
      ({ c }) =>
        c['upsert']!([
          { id: 'ok', vector },
          { id: 'x', vector: value },
        ]),
      invalid(code, message),
    ],
    [`query: ${name}`, ({ c }) => c['query']!({ vector: value }), invalid(code, message)],
    [
      `patch: ${name}`,
      ({ c }) => c['patch']!({ records: [{ id: 'one', vector: value }] }),
      invalid(code, message),
    ],
    [`recall: ${name}`, ({ c }) => c['recall']!({ vectors: [value] }), invalid(code, message)],
    [`columns: ${name}`, ({ c }) => c['upsert']!({ ids: ['x'], vectors: [value] }), invalid(code, message)],
  ];
  refuses([
    ...wrong('three numbers', [1, 2, 3], 'wrong_dimension', /3 numbers.*dimension is 4/),
    ...wrong('no numbers', [], 'wrong_dimension', /0 numbers.*4/),
    ...wrong('five floats', new Float32Array(5).fill(1), 'wrong_dimension', /5 numbers.*4/),
    ...wrong('NaN', [1, Number.NaN, 0, 0], 'invalid_vector', /number 1 is not a finite/),
    ...wrong('Infinity', [1, 0, 0, Infinity], 'invalid_vector', /number 3/),
    ...wrong('beyond f32', [1e39, 0, 0, 0], 'invalid_vector', /number 0 is not a finite 32-bit/),
    ...wrong('NaN in floats', Float32Array.of(0, 1, NaN, 0), 'invalid_vector', /number 2/),
    ...wrong(
      'a huge norm',
      [9e18, 9e18, 9e18, 9e18],
      'invalid_vector',
      /squared norm is 3\.2\d*e\+38, the maximum is 8e\+37/,
    ),
    ...wrong('zero', [0, 0, 0, 0], 'zero_vector', /norm below 1e-15/),
    ...wrong('zero with a sign', [-0, 0, -0, 0], 'zero_vector', /zero vector/),
    ...wrong('a tiny norm', [1e-16, 0, 0, 0], 'zero_vector', /1e-15/),
    ...wrong('denormals', [1e-45, 1e-45, 0, 0], 'zero_vector', /1e-15/),
    ...wrong('a string in it', [1, '2', 3, 4], 'invalid_vector', /number 1 is string/),
    ...wrong('a hole', [1, , 3, 4], 'invalid_vector', /number 1 is undefined/), // eslint-disable-line no-sparse-arrays
    ...wrong('null in it', [1, 2, null, 4], 'invalid_vector', /number 2 is null/),
    ...wrong('an object', { length: 4 }, 'invalid_vector', /got object/),
    ...wrong('a number', 4, 'invalid_vector', /got number/),
    ...wrong('64-bit floats', new Float64Array(4), 'invalid_vector', /got object/),
    ...wrong('base64 with a foreign character', 'AAAA!AAA', 'invalid_base64', /character 4: "!"/),
    ...wrong('base64 of seven bytes', 'AAAAAAAAAA==', 'invalid_base64', /7 bytes/),
    ...wrong('base64 of three numbers', base64(1, 2, 3), 'wrong_dimension', /3 numbers/),
    ...wrong('base64 with NaN', base64(1, 2, NaN, 3), 'invalid_vector', /number 2/),
    ...wrong('empty base64', '', 'wrong_dimension', /0 numbers/),
    [
      'columns: five floats',
      ({ c }) => c['upsert']!({ vectors: new Float32Array(5) }),
      invalid('wrong_dimension', /5 numbers.*4/),
    ],
    [
      'columns: one base64 string, foreign character',
      ({ c }) => c['upsert']!({ vectors: `${base64(...vector)}*` }),
      invalid('invalid_base64', /character \d+/),
    ],
    [
      'columns: NaN in the third row',
      ({ c }) => c['upsert']!({ vectors: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, NaN, 1, 1) }),
      invalid('invalid_vector', /vectors\[2\]: number 1/),
    ],
    [
      'columns: no rows',
      ({ c }) => c['upsert']!({ vectors: new Float32Array(0) }),
      invalid('empty_batch', /vectors is empty/),
    ],
    ['columns: no vectors', ({ c }) => c['upsert']!({ ids: ['a'] }), invalid('invalid_request', /vectors/)],
    [
      'columns: too few ids',
      ({ c }) => c['upsert']!({ ids: ['a'], vectors: new Float32Array(8).fill(1) }),
      invalid('invalid_request', /ids has 1 elements for 2 vectors/),
    ],
    [
      'columns: too much metadata',
      ({ c }) => c['upsert']!({ metadata: [{}, {}], vectors: new Float32Array(4).fill(1) }),
      invalid('invalid_request', /metadata has 2 elements for 1/),
    ],
    [
      'columns: ids as a string',
      ({ c }) => c['upsert']!({ ids: 'abcd', vectors: new Float32Array(16).fill(1) }),
      invalid('invalid_request', /ids must be an array/),
    ],
  ]);
});

describe('ids', () => {
  const wrong = (name: string, id: unknown, code: string, message: RegExp): Case[] => [
    [
      `upsert: ${name}`,
      ({ c }) =>
        c['upsert']!([
          { id: 'ok', vector },
          { id, vector },
        ]),
      invalid(code, message),
    ],
    [
      `columns: ${name}`,
      ({ c }) => c['upsert']!({ ids: [id], vectors: Float32Array.from(vector) }),
      invalid(code, message),
    ],
    [`patch: ${name}`, ({ c }) => c['patch']!({ records: [{ id, metadata: {} }] }), invalid(code, message)],
    [`delete: ${name}`, ({ c }) => c['delete']!({ ids: ['one', id] }), invalid(code, message)],
    [`restore: ${name}`, ({ c }) => c['restore']!({ ids: [id] }), invalid(code, message)],
    [`fetch: ${name}`, ({ c }) => c['fetch']!({ ids: [id] }), invalid(code, message)],
    [`query: ${name}`, ({ c }) => c['query']!({ id }), invalid(code, message)],
  ];
  refuses([
    ...wrong('empty', '', 'invalid_id', /id is empty/),
    ...wrong('a number', 5, 'invalid_id', /must be a string, got number/),
    ...wrong('null', null, 'invalid_id', /must be a string/),
    ...wrong('a lone high surrogate', 'a\ud800', 'invalid_id', /lone surrogate/),
    ...wrong('a lone low surrogate', '\udc00a', 'invalid_id', /lone surrogate/),
    ...wrong('513 bytes', 'a'.repeat(513), 'limit_exceeded', /idBytes is 513, the maximum is 512/),
    ...wrong('513 bytes in 171 characters', '\uffff'.repeat(171), 'limit_exceeded', /idBytes is 513/),
    [
      'patch without an id',
      ({ c }) => c['patch']!({ records: [{ metadata: {} }] }),
      invalid('invalid_id', /got undefined/),
    ],
  ]);
});

describe('metadata', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const wrong = (name: string, metadata: unknown, code: string, message: RegExp): Case[] => [
    [`row: ${name}`, ({ c }) => c['upsert']!([{ id: 'x', vector, metadata }]), invalid(code, message)],
    [
      `columns: ${name}`,
      ({ c }) => c['upsert']!({ ids: ['x'], vectors: [vector], metadata: [metadata] }),
      invalid(code, message),
    ],
    [
      `patch: ${name}`,
      ({ c }) => c['patch']!({ records: [{ id: 'one', metadata }] }),
      invalid(code, message),
    ],
    [
      `replace: ${name}`,
      ({ c }) => c['patch']!({ records: [{ id: 'one', metadata }], mode: 'replace' }),
      invalid(code, message),
    ],
  ];
  refuses([
    ...wrong('an array', [1], 'invalid_metadata', /must be an object, got an array/),
    ...wrong('a string', 'x', 'invalid_metadata', /got string/),
    ...wrong('a Date', new Date(0), 'invalid_metadata', /must be an object/),
    ...wrong('a Map', new Map(), 'invalid_metadata', /must be an object/),
    ...wrong('an inner Date', { a: { b: new Date(0) } }, 'invalid_metadata', /JSON has no form/),
    ...wrong('undefined inside', { a: undefined }, 'invalid_metadata', /undefined/),
    ...wrong('a hole in an array', { a: [1, , 2] }, 'invalid_metadata', /undefined/), // eslint-disable-line no-sparse-arrays
    ...wrong('a BigInt', { a: 1n }, 'invalid_metadata', /bigint/),
    ...wrong('NaN', { a: NaN }, 'invalid_metadata', /NaN/),
    ...wrong('Infinity', { a: [Infinity] }, 'invalid_metadata', /Infinity/),
    ...wrong('a function', { a: () => 1 }, 'invalid_metadata', /function/),
    ...wrong('a symbol', { a: Symbol('x') }, 'invalid_metadata', /symbol/),
    ...wrong('toJSON', { toJSON: () => ({}) }, 'invalid_metadata', /function/),
    ...wrong(
      'a class',
      new (class Point {
        x = 1;
      })(),
      'invalid_metadata',
      /must be an object/,
    ),
    ...wrong('a cycle', cyclic, 'limit_exceeded', /metadataDepth is 33, the maximum is 32/),
    ...wrong('depth 33', nested(33), 'limit_exceeded', /metadataDepth is 33/),
    ...wrong(
      '64 KiB and a byte',
      { a: 'x'.repeat(65_536 - 7) },
      'limit_exceeded',
      /metadataBytes is 65537, the maximum is 65536/,
    ),
    ...wrong('64 KiB by its bytes', { a: 'é'.repeat(33_000) }, 'limit_exceeded', /metadataBytes is 66008/),
    ...wrong('__proto__', json('{"__proto__":{"polluted":1}}'), 'invalid_metadata', /__proto__/),
    ...wrong(
      '__proto__ deep inside',
      json('{"a":[{"b":{"__proto__":{"polluted":1}}}]}'),
      'invalid_metadata',
      /__proto__/,
    ),
    [
      'a merge that grows over the limit',
      async ({ c }) =>
        c['patch']!({
          records: [
            { id: 'one', metadata: { a: 'x'.repeat(60_000) } },
            { id: 'one', metadata: { b: 'x'.repeat(6_000) } },
          ],
        }),
      invalid('limit_exceeded', /metadataBytes is 66\d\d\d, the maximum is 65536/),
    ],
  ]);
});

describe('batches and names', () => {
  const over = limits.batchRecords + 1;
  refuses([
    ['no records', ({ c }) => c['upsert']!([]), invalid('empty_batch', /records is empty/)],
    ['no ids to delete', ({ c }) => c['delete']!({ ids: [] }), invalid('empty_batch', /ids is empty/)],
    ['no ids to restore', ({ c }) => c['restore']!({ ids: [] }), invalid('empty_batch')],
    ['no ids to fetch', ({ c }) => c['fetch']!({ ids: [] }), invalid('empty_batch')],
    ['no patches', ({ c }) => c['patch']!({ records: [] }), invalid('empty_batch')],
    ['no queries', ({ c }) => c['queryMany']!([]), invalid('empty_batch', /queries is empty/)],
    ['an empty write', ({ c }) => c['write']!({}), invalid('empty_batch', /no upsert, patch or delete/)],
    ['a write of a condition alone', ({ c }) => c['write']!({ ifSequence: 1 }), invalid('empty_batch')],
    [
      '10,001 records',
      ({ c }) => c['upsert']!(many(over, (i) => ({ id: `${i}`, vector }))),
      invalid('limit_exceeded', /batchRecords is 10001, the maximum is 10000/),
    ],
    [
      '10,001 columns',
      ({ c }) => c['upsert']!({ vectors: new Float32Array(4 * over).fill(1) }),
      invalid('limit_exceeded', /batchRecords is 10001/),
    ],
    [
      '10,001 column rows',
      ({ c }) => c['upsert']!({ vectors: many(over, () => vector) }),
      invalid('limit_exceeded', /batchRecords is 10001/),
    ],
    [
      '10,001 ids to delete',
      ({ c }) => c['delete']!({ ids: many(over, String) }),
      invalid('limit_exceeded', /batchRecords is 10001/),
    ],
    [
      '10,001 ids to fetch',
      ({ c }) => c['fetch']!({ ids: many(over, String) }),
      invalid('limit_exceeded', /batchRecords is 10001/),
    ],
    [
      '101 queries',
      ({ c }) => c['queryMany']!(many(101, () => ({ vector }))),
      invalid('limit_exceeded', /queriesPerRequest is 101, the maximum is 100/),
    ],
    ['upsert of nothing', ({ c }) => c['upsert']!(), invalid('empty_batch')],
    [
      'upsert of null',
      ({ c }) => c['upsert']!(null),
      invalid('invalid_request', /must be an object, got null/),
    ],
    ['upsert of a string', ({ c }) => c['upsert']!('rows'), invalid('invalid_request', /got string/)],
    [
      'a record that is null',
      ({ c }) => c['upsert']!([null]),
      invalid('invalid_request', /records\[0\] must be an object/),
    ],
    [
      'a record that is an array',
      ({ c }) => c['upsert']!([[1]]),
      invalid('invalid_request', /records\[0\].*an array/),
    ],
    [
      'queries that are no array',
      ({ c }) => c['queryMany']!({ vector }),
      invalid('invalid_request', /queries must be an array/),
    ],
    [
      'a bad query among good ones',
      ({ c }) => c['queryMany']!([{ vector }, { vector: [1] }]),
      invalid('wrong_dimension', /queries\[1\]/),
    ],
    ['patch of nothing', ({ c }) => c['patch']!(), invalid('empty_batch')],
    ['delete of nothing', ({ c }) => c['delete']!(), invalid('empty_batch')],
    [
      'query of nothing',
      ({ c }) => c['query']!(),
      invalid('invalid_request', /query must be an object, got undefined/),
    ],
    ['fetch of nothing', ({ c }) => c['fetch']!(), invalid('invalid_request')],
    ['count of null', ({ c }) => c['count']!(null), invalid('invalid_request')],
    ['scan of an array', ({ c }) => c['scan']!([]), invalid('invalid_request')],
    [
      'options that are a string',
      ({ c }) => c['upsert']!([{ id: 'x', vector }], 'key'),
      invalid('invalid_request', /options/),
    ],
    [
      'options that are null',
      ({ c }) => c['upsert']!([{ id: 'x', vector }], null),
      invalid('invalid_request', /options/),
    ],
  ]);

  const unknown = (name: string, call: Case[1], nearest: RegExp): Case => [
    `unknown: ${name}`,
    call,
    invalid('unknown_field', nearest),
  ];
  refuses([
    unknown('vectr', ({ c }) => c['upsert']!([{ id: 'x', vectr: vector }]), /"vectr"; did you mean vector\?/),
    unknown(
      'expires_at',
      ({ c }) => c['upsert']!([{ id: 'x', vector, expires_at: null }]),
      /did you mean expiresAt\?/,
    ),
    unknown(
      'vector in columns',
      ({ c }) => c['upsert']!({ vector: new Float32Array(4) }),
      /did you mean vectors\?/,
    ),
    unknown('filtr', ({ c }) => c['query']!({ vector, filtr: {} }), /did you mean filter\?/),
    unknown(
      'max_distance',
      ({ c }) => c['query']!({ vector, max_distance: 1 }),
      /did you mean maxDistance\?/,
    ),
    unknown('topK', ({ c }) => c['query']!({ vector, topKandMore: 1 }), /known are vector, id, orderBy, k/),
    unknown('curser', ({ c }) => c['scan']!({ curser: 'x' }), /did you mean cursor\?/),
    unknown('limit in count', ({ c }) => c['count']!({ limits: 1 }), /known are filter/),
    unknown('id in fetch', ({ c }) => c['fetch']!({ id: ['one'] }), /did you mean ids\?/),
    unknown('delete filters', ({ c }) => c['delete']!({ filters: {} }), /did you mean filter\?/),
    unknown('hard', ({ c }) => c['delete']!({ ids: ['one'], sotf: true }), /did you mean soft\?/),
    unknown(
      'patch vectors',
      ({ c }) => c['patch']!({ records: [{ id: 'one', vectors: vector }] }),
      /did you mean vector\?/,
    ),
    unknown(
      'patch modes',
      ({ c }) => c['patch']!({ records: [{ id: 'one' }], modes: 'merge' }),
      /did you mean mode\?/,
    ),
    unknown(
      'write restore',
      ({ c }) => c['write']!({ restore: { ids: ['one'] } }),
      /"restore"; known are upsert/,
    ),
    unknown('write if_sequence', ({ c }) => c['write']!({ if_sequence: 1 }), /did you mean ifSequence\?/),
    unknown('restore id', ({ c }) => c['restore']!({ id: 'one' }), /did you mean ids\?/),
    unknown(
      'idempotency_key',
      ({ c }) => c['upsert']!([{ id: 'x', vector }], { idempotency_key: 'k' }),
      /did you mean idempotencyKey\?/,
    ),
    unknown('recall query', ({ c }) => c['recall']!({ querys: 1 }), /did you mean queries\?/),
    unknown('stats option', ({ c }) => c['stats']!({ consistancy: 'strong' }), /did you mean consistency\?/),
    unknown('describe option', ({ c }) => c['describe']!({ timeout: 5 }), /known are|did you mean/),
    unknown(
      'setting',
      ({ db: d }) => d['createCollection']!('new', { dimensions: 4 }),
      /did you mean dimension\?/,
    ),
    unknown(
      'index setting',
      ({ db: d }) => d['createCollection']!('new', { dimension: 4, index: { ef_construction: 9 } }),
      /did you mean efConstruction\?/,
    ),
    unknown(
      'field setting',
      ({ db: d }) => d['createCollection']!('new', { dimension: 4, fields: { a: { filterble: true } } }),
      /did you mean filterable\?/,
    ),
    unknown('list option', ({ db: d }) => d['listCollections']!({ prefx: 'a' }), /did you mean prefix\?/),
    unknown('inherited names', ({ c }) => c['query']!({ vector, toString: 1 }), /"toString"/),
  ]);
});

describe('__proto__ as a key', () => {
  const evil = (rest: string): unknown => json(`{"__proto__":{"polluted":1}${rest}}`);
  const refused = invalid('unknown_field', /__proto__/);
  refuses([
    ['in a record', ({ c }) => c['upsert']!([evil(',"id":"x","vector":[1,2,3,4]')]), refused],
    ['in columns', ({ c }) => c['upsert']!(evil(',"vectors":[[1,2,3,4]]')), refused],
    ['in write', ({ c }) => c['write']!(evil(',"delete":{"ids":["one"]}')), refused],
    ['in its delete', ({ c }) => c['write']!({ delete: evil(',"ids":["one"]') }), refused],
    ['in delete', ({ c }) => c['delete']!(evil(',"ids":["one"]')), refused],
    ['in restore', ({ c }) => c['restore']!(evil(',"ids":["one"]')), refused],
    ['in patch', ({ c }) => c['patch']!(evil(',"records":[{"id":"one"}]')), refused],
    ['in a patch record', ({ c }) => c['patch']!({ records: [evil(',"id":"one"')] }), refused],
    ['in query', ({ c }) => c['query']!(evil(',"vector":[1,2,3,4]')), refused],
    ['in fetch', ({ c }) => c['fetch']!(evil(',"ids":["one"]')), refused],
    ['in count', ({ c }) => c['count']!(evil('')), refused],
    ['in scan', ({ c }) => c['scan']!(evil('')), refused],
    ['in options', ({ c }) => c['delete']!({ ids: ['one'] }, evil('')), refused],
    ['in stats', ({ c }) => c['stats']!(evil('')), refused],
    ['in recall', ({ c }) => c['recall']!(evil('')), refused],
    ['in settings', ({ db: d }) => d['createCollection']!('new', evil(',"dimension":4')), refused],
    [
      'in index settings',
      ({ db: d }) => d['createCollection']!('new', { dimension: 4, index: evil('') }),
      refused,
    ],
    [
      'in fields',
      ({ db: d }) => d['createCollection']!('new', { dimension: 4, fields: evil('') }),
      invalid('invalid_setting', /__proto__/),
    ],
    [
      'in a field',
      ({ db: d }) => d['createCollection']!('new', { dimension: 4, fields: { a: evil('') } }),
      refused,
    ],
    ['in list', ({ db: d }) => d['listCollections']!(evil('')), refused],
  ]);
});
