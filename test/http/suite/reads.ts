/** Query, fetch, count, scan. */
import { beforeAll, describe, expect, test } from 'vitest';
import { columnOf, rowsOf } from './client.js';
import type { Answer, Client } from './client.js';
import { base64Of, freshName } from './server-under-test.js';
import { freshCollection } from './writes.js';

const records = [
  { id: 'east', vector: [1, 0], metadata: { year: 2019, lang: 'en', deep: { title: 'E' } } },
  { id: 'north', vector: [0, 2], metadata: { year: 2020, lang: 'de' } },
  { id: 'north-east', vector: [3, 3], metadata: { year: 2021, lang: 'en' } },
  { id: 'west', vector: [-4, 0], metadata: { year: 2022, lang: 'fr' } },
];

export function describeReads(client: () => Client): void {
  describe('query', () => {
    let path: string;
    beforeAll(async () => {
      path = await freshCollection(client());
      await client().post(`${path}/upsert`, { records });
    });
    const ask = (body: object): Promise<Answer> => client().post(`${path}/query`, body);

    test('answers the nearest first, with scores, metadata and what it cost', async () => {
      const { json, headers } = await ask({ vector: [1, 0.1], k: 2 });
      expect(columnOf(json, 'matches', 'id')).toEqual(['east', 'north-east']);
      expect(rowsOf(json, 'matches')[0]).toEqual({
        id: 'east',
        score: expect.closeTo(0.99504, 4) as number,
        metadata: records[0]!.metadata,
      });
      expect(json).toMatchObject({ sequence: 1, usage: { requests: 2, rows_scanned: 4 } });
      expect(headers['server-timing']).toMatch(
        /^freshen;dur=[\d.]+, search;dur=[\d.]+, fetch;dur=[\d.]+, total;dur=[\d.]+$/,
      );
    });

    test('takes base64, the id of a record, every knob', async () => {
      const wanted = ['north', 'north-east'];
      for (const body of [
        { vector: base64Of(0, 1), k: 2 },
        { id: 'north', k: 2 },
        { vector: [0, 1], k: 2, target_recall: 1 },
        { vector: [0, 1], k: 2, ef: 50 },
        { vector: [0, 1], k: 2, exact: true, consistency: 'eventual', timeout_ms: 1_000 },
        { vector: [0, 1], min_score: 0.5 },
        { vector: [0, 1], k: 2, as_of: 1 },
        { vector: [0, 1], k: 2, include_deleted: true },
      ]) {
        expect(columnOf((await ask(body)).json, 'matches', 'id'), JSON.stringify(body)).toEqual(wanted);
      }
    });

    test('takes both spellings of a filter', async () => {
      for (const filter of [{ year: { $gte: 2020 }, lang: 'en' }, "year >= 2020 AND lang = 'en'"]) {
        expect(columnOf((await ask({ vector: [1, 0], filter })).json, 'matches', 'id')).toEqual([
          'north-east',
        ]);
      }
    });

    test('includes what is asked for', async () => {
      const shown = async (include: readonly string[]): Promise<unknown> =>
        rowsOf((await ask({ id: 'east', k: 1, include })).json, 'matches')[0];
      const score = expect.closeTo(1, 5) as number;
      expect(await shown([])).toEqual({ id: 'east', score });
      expect(await shown(['vector'])).toEqual({ id: 'east', score, vector: [1, 0] });
      expect(await shown(['metadata.deep.title', 'expires_at'])).toEqual({
        id: 'east',
        score,
        metadata: { deep: { title: 'E' } },
      });
    });

    test('answers many queries on one state', async () => {
      const queries = [
        { vector: [1, 0], k: 1 },
        { id: 'west', k: 1, include: [] },
      ];
      const { json } = await ask({ queries });
      expect(rowsOf(json, 'results').map((result) => columnOf(result, 'matches', 'id'))).toEqual([
        ['east'],
        ['west'],
      ]);
    });

    test('answers all there is where k is larger, and nothing on an empty collection', async () => {
      expect((await ask({ vector: [1, 0], k: 10_000 })).json['matches']).toHaveLength(4);
      const empty = await freshCollection(client());
      expect((await client().post(`${empty}/query`, { vector: [1, 0] })).json).toMatchObject({
        matches: [],
        sequence: 0,
      });
    });

    test('scores distances by the metric, and bounds them', async () => {
      const plain = await freshCollection(client(), { dimension: 2, metric: 'euclidean' });
      await client().post(`${plain}/upsert`, { records });
      const { json } = await client().post(`${plain}/query`, {
        vector: [0, 0],
        max_distance: 2,
        include: [],
      });
      expect(json['matches']).toEqual([
        { id: 'east', score: 1 },
        { id: 'north', score: 2 },
      ]);
    });

    test('explains itself, beside the answer or instead of it', async () => {
      const query = { vector: [1, 0], k: 2, include: [], filter: 'year > 2000' };
      const { json } = await ask({ ...query, explain: true });
      const { matches, ...rest } = json as { readonly matches: readonly object[] };
      expect(matches).toHaveLength(2);
      expect(rest).toMatchObject({ explain: { memtable: { hits: 2 }, segments: [] } });
      const compacted = await freshCollection(client());
      await client().post(`${compacted}/upsert`, { records });
      await client().send('POST', `${compacted}/compact`);
      const explained = await client().post(`${compacted}/explain`, query);
      expect(explained.status).toBe(200);
      expect(Object.keys(explained.json)).toEqual(['explain', 'sequence', 'usage']);
      expect(explained.json).toMatchObject({
        explain: { memtable: { rows: 0 }, segments: [{ documents_read: 0, plan: 'exact', hits: 2 }] },
        ...{ sequence: 1, usage: { segments: 1 } },
      });
    });

    test('knows no such id and no such collection', async () => {
      expect((await ask({ id: 'nobody' })).status).toBe(404);
      const { status, json } = await client().post(`/v1/collections/${freshName()}/query`, {
        vector: [1, 0],
      });
      expect(status).toBe(404);
      expect(json).toMatchObject({ code: 'collection_not_found' });
    });
  });

  describe('fetch, count and scan', () => {
    let path: string;
    beforeAll(async () => {
      path = await freshCollection(client());
      await client().post(`${path}/upsert`, { records });
    });

    test('fetch answers in the order asked', async () => {
      const { json } = await client().post(`${path}/fetch`, { ids: ['west', 'nobody', 'east'], include: [] });
      expect(json).toEqual({ records: [{ id: 'west' }, { id: 'east' }], sequence: 1 });
    });

    test('count takes a filter, or no body at all', async () => {
      expect((await client().post(`${path}/count`, { filter: 'year > 2020' })).json).toEqual({
        count: 2,
        sequence: 1,
      });
      expect((await client().send('POST', `${path}/count`)).json).toEqual({ count: 4, sequence: 1 });
    });

    test('count answers the most frequent values of fields', async () => {
      const { json } = await client().post(`${path}/count`, {
        facets: { lang: 2, 'deep.title': 1, year: 1_000 },
        filter: 'year < 2022',
      });
      expect(json).toEqual({
        count: 3,
        facets: {
          lang: [
            { value: 'en', count: 2 },
            { value: 'de', count: 1 },
          ],
          'deep.title': [{ value: 'E', count: 1 }],
          year: [2019, 2020, 2021].map((value) => ({ value, count: 1 })),
        },
        sequence: 1,
      });
      const odd = await client().send('POST', `${path}/count`, {
        body: '{"facets": {"__proto__": 1, "snake_case": 1}}',
        headers: { 'content-type': 'application/json' },
      });
      expect(odd.text).toContain('"facets":{"__proto__":[],"snake_case":[]}');
    });

    test('scan and query go by the order of fields', async () => {
      const order_by = [{ field: 'lang' }, { field: 'year', direction: 'desc' }];
      const wanted = ['north', 'north-east', 'east', 'west'];
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = { order_by, limit: 3, include: [], ...(cursor === undefined ? {} : { cursor }) };
        const { json } = await client().post(`${path}/scan`, page);
        seen.push(...columnOf(json, 'records', 'id'));
        cursor = json['cursor'] as string | undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(wanted);
      const { json } = await client().post(`${path}/query`, {
        order_by,
        k: 2,
        filter: "lang != 'de'",
        include: ['metadata.year'],
      });
      expect(json).toMatchObject({
        matches: [
          { id: 'north-east', metadata: { year: 2021 } },
          { id: 'east', metadata: { year: 2019 } },
        ],
        usage: { rows_scanned: 0 },
      });
      expect(json['matches']).not.toContainEqual(
        expect.objectContaining({ score: expect.anything() as unknown }),
      );
      const many = await client().post(`${path}/query`, {
        queries: [
          { order_by, k: 1 },
          { id: 'west', k: 1 },
        ],
      });
      expect(rowsOf(many.json, 'results').map((one) => columnOf(one, 'matches', 'id'))).toEqual([
        ['north'],
        ['west'],
      ]);
    });

    test('scan walks in id order by cursors', async () => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const { json } = await client().post(`${path}/scan`, {
          limit: 2,
          include: [],
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...columnOf(json, 'records', 'id').map(String));
        cursor = json['cursor'] as string | undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(['east', 'north', 'north-east', 'west']);
      const { json } = await client().post(`${path}/scan`, {
        filter: { lang: 'en' },
        include: ['metadata.year', 'vector'],
      });
      expect(json['records']).toEqual([
        { id: 'east', vector: [1, 0], metadata: { year: 2019 } },
        { id: 'north-east', vector: [3, 3], metadata: { year: 2021 } },
      ]);
    });
  });
}
