/**
 * Strategy: facets of more values than are wanted or allowed, wherever the records lie. Their counts are the model's to
 * tell (model.test.ts).
 */
import { expect, test } from 'vitest';
import { limits } from '../../core/index.js';
import type { Collection, JsonObject } from '../../core/index.js';
import { failure, newBench } from './fixture.js';

async function filled(documents: readonly JsonObject[]): Promise<Collection> {
  const db = await newBench().openAgain();
  const collection = await db.createCollection('c', { dimension: 1, metric: 'dot' });
  for (let from = 0; from < documents.length; from += 10_000) {
    const part = documents.slice(from, from + 10_000);
    await collection.upsert(part.map((metadata, i) => ({ id: `r${from + i}`, vector: [1], metadata })));
  }
  return collection;
}

test('each record counts once for each of its values, of every type, as they are given', async () => {
  const collection = await filled([
    { v: [1, 1, [1, 'x']], w: { in: 'a' } },
    { v: 1, 'w.in': 'a' },
    { v: '1', w: [{ in: 'a' }, { in: 'a' }, { in: null }] },
    { v: null },
    { v: [null, null, true, false] },
    { v: '2024-05-01' },
    { v: '2024-05-01T00:00:00Z' },
    { v: {} },
    { v: [] },
    JSON.parse('{"v": -0.0, "w": 0}') as JsonObject,
    {},
  ]);
  const facets = { v: 100, 'w.in': 1, w: 5, nowhere: 3 };
  const expected = {
    count: 11,
    sequence: 1,
    facets: {
      v: [
        ...[
          { value: null, count: 2 },
          { value: 1, count: 2 },
        ],
        ...[
          { value: false, count: 1 },
          { value: true, count: 1 },
          { value: 0, count: 1 },
        ],
        ...[
          { value: '1', count: 1 },
          { value: '2024-05-01', count: 1 },
        ],
        ...[
          { value: '2024-05-01T00:00:00Z', count: 1 },
          { value: 'x', count: 1 },
        ],
      ],
      'w.in': [{ value: 'a', count: 3 }],
      w: [{ value: 0, count: 1 }],
      nowhere: [],
    },
  };
  expect(await collection.count({ facets })).toEqual(expected);
  await collection.compact();
  expect(await collection.count({ facets })).toEqual(expected);
  const filtered = await collection.count({ filter: 'v = 1', facets: { v: 1 } });
  expect(filtered).toEqual({ count: 2, sequence: 1, facets: { v: [{ value: 1, count: 2 }] } });
});

test('deleted, replaced and expired records have no values, nor hidden ones, but where they are asked for', async () => {
  const { clock, openAgain } = newBench();
  const collection = await (await openAgain()).createCollection('c', { dimension: 1, metric: 'dot' });
  const row = (id: string, v: string): object => ({ id, vector: [1], metadata: { v } });
  await collection.upsert([
    ...['gone', 'hidden', 'replaced', 'stays'].map((id) => row(id, 'old')),
    { ...row('over', 'old'), expiresAt: new Date(clock.wallMs() + 1_000).toISOString() },
  ] as never);
  await collection.compact();
  await collection.delete({ ids: ['gone'] });
  await collection.delete({ ids: ['hidden'], soft: true });
  await collection.upsert([row('replaced', 'new')] as never);
  clock.advance(1_000);
  const of = async (includeDeleted: boolean) =>
    (await collection.count({ facets: { v: 9 }, includeDeleted })).facets;
  for (const compacted of [false, true]) {
    if (compacted) await collection.compact();
    expect(await of(false)).toEqual({
      v: [
        { value: 'new', count: 1 },
        { value: 'old', count: 1 },
      ],
    });
    expect(await of(true)).toEqual({
      v: [
        { value: 'old', count: 2 },
        { value: 'new', count: 1 },
      ],
    });
  }
});

test('a field may have any name', async () => {
  const collection = await filled([{ constructor: 'c', toString: 1 }]);
  const facets = JSON.parse(
    '{"__proto__": 1, "constructor": 1, "toString": 1, "hasOwnProperty": 1}',
  ) as Record<string, number>;
  const answer = await collection.count({ facets });
  expect(Object.entries(answer.facets!)).toEqual([
    ['__proto__', []],
    ['constructor', [{ value: 'c', count: 1 }]],
    ['toString', [{ value: 1, count: 1 }]],
    ['hasOwnProperty', []],
  ]);
  expect(Object.getPrototypeOf(answer.facets!)).toBe(Object.prototype);
});

test('as many distinct values as are counted, and one more', async () => {
  const most = limits.facetValues;
  // Ten to a record.
  const collection = await filled(
    Array.from({ length: most / 10 }, (_, i) => ({
      v: Array.from({ length: 10 }, (__, j) => 10 * i + j),
      few: i % 2,
    })),
  );
  const first = await collection.count({ facets: { v: 2, few: 1 } });
  expect(first.facets).toEqual({
    v: [
      { value: 0, count: 1 },
      { value: 1, count: 1 },
    ],
    few: [{ value: 0, count: most / 20 }],
  });
  await collection.compact();
  await collection.upsert([{ id: 'more', vector: [1], metadata: { v: -1 } }]);
  const error = await failure(() => collection.count({ facets: { few: 1, v: 1 } }), {
    kind: 'invalid',
    code: 'limit_exceeded',
    message: /facetValues of "v" is 100001, the maximum is 100000/,
  });
  expect(error.details).toEqual({ limit: 'facetValues', value: most + 1, maximum: most, field: 'v' });
  expect((await collection.count({ facets: { v: 1 }, filter: 'v >= 0' })).count).toBe(most / 10);
});

test('distinct values of few but long texts', async () => {
  const text = 'x'.repeat(60_000);
  const collection = await filled(Array.from({ length: 150 }, (_, i) => ({ [`v${i % 2}`]: text + i })));
  const error = await failure(() => collection.count({ facets: { v0: 1, v1: 1 } }), {
    kind: 'invalid',
    code: 'limit_exceeded',
    message: /facetBytes of "v[01]" is \d+, the maximum is 16777216/,
  });
  expect(error.details).toMatchObject({ limit: 'facetBytes', maximum: limits.facetBytes });
  expect((await collection.count({ facets: { v0: 1 } })).facets!['v0']).toHaveLength(1);
});
