/**
 * Strategy: collections whose order is known by construction, in the log, in segments and in both, walked in pages of every
 * size; cursors that are forged, of other orders, or long. What order any two records have is the model's to tell
 * (model.test.ts).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../core/index.js';
import type { Collection, JsonObject, OrderBy, ScanInput } from '../../core/index.js';
import { byUtf8, failure, mustEqual, newBench } from './fixture.js';

async function filled(
  records: readonly { readonly id: string; readonly metadata: JsonObject }[],
): Promise<Collection> {
  const db = await newBench().openAgain();
  const collection = await db.createCollection('c', { dimension: 2, metric: 'dot' });
  await collection.upsert(records.map((record, i) => ({ ...record, vector: [i, 1] })));
  return collection;
}

/** All ids that pages of a scan name, and how many pages that took. */
async function walk(collection: Collection, input: ScanInput): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await collection.scan({
      ...input,
      include: [],
      ...(cursor === undefined ? {} : { cursor }),
    });
    ids.push(...page.records.map(({ id }) => id));
    ({ cursor } = page);
    pages++;
  } while (cursor !== undefined && pages < 10_000);
  return { ids, pages };
}

describe('thousands of records with few values', () => {
  // Ids are in no order, and of `tie` there are far more records than a page has.
  const records = Array.from({ length: 3_000 }, (_, i) => ({
    id: `r${(i * 7_919) % 3_000}`,
    metadata: { n: (i * 31) % 1_000, tie: i % 3, ...(i % 5 === 0 ? {} : { some: i % 2 === 0 }) },
  }));
  const orders: readonly (readonly OrderBy[])[] = [
    [{ field: 'n' }],
    [{ field: 'n', direction: 'desc' }],
    [{ field: 'tie', direction: 'desc' }, { field: 'n' }],
    [{ field: 'some' }],
    [{ field: 'some', direction: 'desc' }],
    [{ field: 'nowhere' }],
  ];
  const sign = (a: unknown, b: unknown, { direction }: OrderBy): number => {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return (Number(a) - Number(b)) * (direction === 'desc' ? -1 : 1);
  };
  const expected = (order: readonly OrderBy[]): string[] =>
    records
      .toSorted((a, b) => {
        for (const by of order) {
          const [x, y] = [a, b].map(({ metadata }) => (metadata as Record<string, unknown>)[by.field]);
          if (sign(x, y, by) !== 0) return sign(x, y, by);
        }
        return byUtf8(a.id, b.id);
      })
      .map(({ id }) => id);

  describe.each(['log', 'segment', 'segments and log'])('in %s', (where) => {
    let collection: Collection;
    beforeAll(async () => {
      collection = await filled(records);
      if (where !== 'log') await collection.compact();
      if (where === 'segments and log') {
        await collection.upsert(records.slice(0, 200).map((record) => ({ ...record, vector: [1, 1] })));
        await collection.compact({ minor: true });
        await collection.upsert(records.slice(100, 400).map((record) => ({ ...record, vector: [1, 1] })));
        mustEqual((await collection.stats()).segments.length, 2);
      }
    });

    test.each(orders)('%j %j', async (...orderBy) => {
      const given = orderBy.filter((by) => by !== undefined);
      for (const limit of [170, 3_000, 10_000]) {
        const { ids, pages } = await walk(collection, { orderBy: given, limit });
        expect(ids).toEqual(expected(given));
        expect(pages).toBe(Math.ceil(3_000 / limit));
      }
      for (const k of [1, 10, 10_000]) {
        const { matches, usage } = await collection.query({ orderBy: given, k, include: [] });
        expect(matches).toEqual(
          expected(given)
            .slice(0, k)
            .map((id) => ({ id })),
        );
        expect(usage.rowsScanned).toBe(0);
      }
    });
  });
});

test('is asked for beside other queries, with what they take', async () => {
  const collection = await filled(['a', 'b', 'c'].map((id, i) => ({ id, metadata: { n: i } })));
  const [first, second] = await collection.queryMany([
    {
      orderBy: [{ field: 'n', direction: 'desc' }],
      k: 2,
      filter: 'n <= 1',
      include: ['vector', 'metadata.n'],
    },
    { vector: [1, 0], k: 1 },
  ]);
  expect(first!.matches).toEqual([
    { id: 'b', vector: [1, 1], metadata: { n: 1 } },
    { id: 'a', vector: [0, 1], metadata: { n: 0 } },
  ]);
  expect(second!.matches[0]).toMatchObject({ id: 'c', score: 2 });
  expect(Object.keys(first!.matches[0]!)).not.toContain('score');
});

test('a page ends early where the answer would become too large, and goes on', async () => {
  const db = await newBench().openAgain();
  const dimension = 20_000;
  const collection = await db.createCollection('c', { dimension, metric: 'dot' });
  const count = 700;
  const ids = Array.from({ length: count }, (_, i) => `r${String(i).padStart(3, '0')}`);
  for (const folded of [false, true]) {
    for (let from = 0; from < count; from += 350) {
      await collection.upsert({
        ids: ids.slice(from, from + 350),
        vectors: new Float32Array(350 * dimension).fill(1),
        metadata: ids.slice(from, from + 350).map((_, i) => ({ n: from + i })),
      });
    }
    if (folded) await collection.compact();
    const orderBy = [{ field: 'n' }];
    const first = await collection.scan({ orderBy, limit: 10_000, include: ['vector'] });
    // 20 characters a number.
    expect(first.records.length).toBe(Math.floor(limits.answerBytes / (20 * dimension + 64 + 4)));
    const rest = await collection.scan({
      orderBy,
      limit: 10_000,
      include: ['vector'],
      cursor: first.cursor!,
    });
    expect([...first.records, ...rest.records].map(({ id }) => id)).toEqual(ids);
    await failure(() => collection.query({ orderBy, k: count, include: ['vector'] }), {
      kind: 'invalid',
      code: 'limit_exceeded',
      message: /answerBytes/,
    });
  }
});

describe('a cursor', () => {
  const orderBy = [{ field: 'text' }, { field: 'n', direction: 'desc' }] as const;
  const long = '\u0001'.repeat(10_000);
  const decoded = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();
  const encoded = (text: string): string => Buffer.from(text).toString('base64url');
  let collection: Collection;
  let cursor: string;
  beforeAll(async () => {
    collection = await filled([
      { id: 'a', metadata: { text: 'x', n: 1 } },
      { id: 'b', metadata: { text: 'x', n: 2 } },
      { id: 'c'.repeat(512), metadata: { text: long, n: 1 } },
      { id: 'd', metadata: { text: `${long}!`, n: 2 } },
      { id: 'e', metadata: {} },
    ]);
    cursor = (await collection.scan({ orderBy, limit: 1 })).cursor!;
  });

  test('holds no more than decides, however long the values are', async () => {
    const { ids } = await walk(collection, { orderBy, limit: 1 });
    // The long texts are one value to the order: the larger n comes first.
    expect(ids).toEqual(['d', 'c'.repeat(512), 'b', 'a', 'e']);
    expect(cursor.length).toBeLessThan(10_000);
  });

  test('goes on where records before it have gone, and where its own has', async () => {
    const other = await filled(['a', 'b', 'c', 'd'].map((id, i) => ({ id, metadata: { n: i } })));
    const first = await other.scan({ orderBy: [{ field: 'n' }], limit: 2 });
    await other.delete({ ids: ['a', 'b'] });
    await other.upsert([{ id: 'late', vector: [1, 1], metadata: { n: 1 } }]);
    await other.compact();
    const page = await other.scan({ orderBy: [{ field: 'n' }], limit: 9, cursor: first.cursor! });
    expect(page.records.map(({ id }) => id)).toEqual(['late', 'c', 'd']);
  });

  test('of another order, or of none, is refused', async () => {
    const plain = (await collection.scan({ limit: 1 })).cursor!;
    const others: readonly ScanInput[] = [
      { cursor },
      { cursor: plain, orderBy },
      { cursor, orderBy: orderBy.slice(0, 1) },
      { cursor, orderBy: orderBy.toReversed() },
      { cursor, orderBy: [{ field: 'text' }, { field: 'n', direction: 'asc' }] },
      { cursor, orderBy: [{ field: 'text', direction: 'desc' }, orderBy[1]] },
    ];
    for (const input of others) {
      await failure(() => collection.scan(input), {
        kind: 'invalid',
        code: 'invalid_cursor',
        message: /cursor/,
      });
    }
    await expect(collection.scan({ cursor, orderBy })).resolves.toMatchObject({ sequence: 1 });
  });

  test('that is forged is refused, or means a place', async () => {
    const [order, , id] = JSON.parse(decoded(cursor).slice(1)) as [string, unknown, string];
    const forged: readonly unknown[] = [
      [order, [[1], [2]]],
      [order, [[1], [2]], id, 1],
      [order, [[1]], id],
      [order, [[1], [2], [3]], id],
      [order, [[1, 2], [2]], id],
      [order, [[{}], [2]], id],
      [order, [[[]], [2]], id],
      [order, [null, [2]], id],
      [order, { 0: [1], 1: [2], length: 2 }, id],
      [order, [[1], [2]], 5],
      [order, [[1], [2]], null],
      [JSON.parse(order), [[1], [2]], id],
      [null, [[1], [2]], id],
      {}, 'text', 5, null,
    ]; // prettier-ignore
    const texts = [
      ...forged.map((value) => `2${JSON.stringify(value)}`),
      '2',
      '2[',
      `3${decoded(cursor).slice(1)}`,
    ];
    for (const one of [...texts.map(encoded), `${cursor}=`, `${cursor} `, 'A'.repeat(200_000)]) {
      await failure(() => collection.scan({ orderBy, cursor: one }), {
        kind: 'invalid',
        code: 'invalid_cursor',
      });
    }
    for (const values of [
      [[null], [false]],
      [[], []],
      [['x'.repeat(5_000)], [1e300]],
    ]) {
      const made = encoded(`2${JSON.stringify([order, values, 'any'])}`);
      const { records } = await collection.scan({ orderBy, cursor: made });
      expect(records.length).toBeLessThanOrEqual(5);
    }
  });
});
