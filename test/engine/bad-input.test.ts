/**
 * Strategy: a table of calls that must be refused, as a caller without a type checker would make them. Each must end in a
 * CairnError of the stated kind and code whose message names what was wrong and the limit, and leave behind exactly the
 * state that was there: every record, the sequence, and Object.prototype.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../core/index.js';
import type { Collection, Database } from '../../core/index.js';
import { failure, newBench } from './fixture.js';
import type { Expected } from './fixture.js';

type Loose = Record<string, (...parameters: unknown[]) => Promise<unknown>>;
interface Subjects {
  /** Cosine, dimension 4, two records. */
  readonly c: Loose;
  /** Euclidean, dimension 4, empty. */
  readonly e: Loose;
  readonly db: Loose;
}

const { openAgain } = newBench();
const prototypeNames = Reflect.ownKeys(Object.prototype).map(String);
let db: Database;
let full: Collection;
let subjects: Subjects;

beforeAll(async () => {
  db = await openAgain();
  full = await db.createCollection('full', { dimension: 4 });
  const empty = await db.createCollection('empty', { dimension: 4, metric: 'euclidean' });
  await full.upsert([
    { id: 'one', vector: [1, 0, 0, 0], metadata: { n: 1, text: 'a\ud800b' } },
    { id: 'two', vector: [0, 1, 0, 0], expiresAt: '2030-01-01T00:00:00Z' },
  ]);
  subjects = { c: full as unknown as Loose, e: empty as unknown as Loose, db: db as unknown as Loose };
});
afterAll(() => db.close());

async function everything(): Promise<unknown> {
  const include = ['metadata', 'vector', 'expires_at'];
  const scan = await full.scan({ include, includeDeleted: true });
  const list = await db.listCollections();
  return { scan, list };
}

type Case = readonly [name: string, call: (subjects: Subjects) => Promise<unknown>, expected: Expected];

function refuses(cases: readonly Case[]): void {
  test.each(cases)('%s', async (_name, call, expected) => {
    const before = await everything();
    await failure(() => call(subjects), expected);
    expect(await everything()).toEqual(before);
    expect(Reflect.ownKeys(Object.prototype).map(String)).toEqual(prototypeNames);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
}

const invalid = (code: string, message?: RegExp): Expected => ({
  kind: 'invalid',
  code,
  ...(message === undefined ? {} : { message }),
});
const vector = [1, 2, 3, 4];
const base64 = (...numbers: number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
const nestedFilter = (depth: number): unknown => (depth === 0 ? { n: 1 } : { $not: nestedFilter(depth - 1) });
const json = (text: string): unknown => JSON.parse(text);
const many = <T>(count: number, value: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => value(i));

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
    unknown('topK', ({ c }) => c['query']!({ vector, topKandMore: 1 }), /known are vector, id, k/),
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

describe('reads', () => {
  const read = (name: string, fields: Record<string, unknown>, code: string, message: RegExp): Case => [
    name,
    ({ c }) => c['query']!({ vector, ...fields }),
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
      /filterNodes is 110\d, the maximum is 1024/,
    ),
    read('filter text bytes', { filter: `n = '${'x'.repeat(66_000)}'` }, 'limit_exceeded', /filterTextBytes/),
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
