/** Upsert in its three shapes, patch, delete, restore, write. */
import { describe, expect, test } from 'vitest';
import type { Client } from './client.js';
import { base64Of, freshName } from './server-under-test.js';

export async function freshCollection(client: Client, settings: object = { dimension: 2 }): Promise<string> {
  const path = `/v1/collections/${freshName()}`;
  expect((await client.put(path, settings)).status).toBe(201);
  return path;
}

async function fetched(client: Client, path: string, ids: readonly string[]): Promise<unknown> {
  const include = ['metadata', 'vector', 'expires_at'];
  return (await client.post(`${path}/fetch`, { ids, include })).json['records'];
}

export function describeWrites(client: () => Client): void {
  describe('upsert', () => {
    test('takes rows, with vectors as numbers or base64, metadata and expiry', async () => {
      const path = await freshCollection(client());
      const { json } = await client().post(`${path}/upsert`, {
        records: [
          { id: 'a', vector: [1, 2], metadata: { year: 2021, deep: { snake_case: true, camelCase: null } } },
          { id: 'b', vector: base64Of(3, 4), expires_at: '2999-01-02T03:04:05+01:00', metadata: null },
        ],
      });
      expect(json).toEqual({ upserted: 2, sequence: 1 });
      expect(await fetched(client(), path, ['b', 'x', 'a'])).toEqual([
        { id: 'b', vector: [3, 4], metadata: {}, expires_at: '2999-01-02T02:04:05.000Z' },
        { id: 'a', vector: [1, 2], metadata: { year: 2021, deep: { snake_case: true, camelCase: null } } },
      ]);
    });

    test.each([
      [
        'arrays',
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ['base64 per row', [base64Of(1, 2), base64Of(3, 4)]],
      ['one base64', base64Of(1, 2, 3, 4)],
    ])('takes columns with vectors as %s', async (_, vectors) => {
      const path = await freshCollection(client());
      const columns = {
        ids: ['a', 'b'],
        vectors,
        metadata: [{ n: 1 }, null],
        expires_at: [null, '2999-01-01T00:00:00Z'],
      };
      expect((await client().post(`${path}/upsert`, columns)).json).toEqual({ upserted: 2, sequence: 1 });
      expect(await fetched(client(), path, ['a', 'b'])).toEqual([
        { id: 'a', vector: [1, 2], metadata: { n: 1 } },
        { id: 'b', vector: [3, 4], metadata: {}, expires_at: '2999-01-01T00:00:00.000Z' },
      ]);
    });

    test('makes ids up from the idempotency key where there are none', async () => {
      const path = await freshCollection(client());
      const send = () =>
        client().post(
          `${path}/upsert`,
          { records: [{ id: 'a', vector: [1, 1] }, { vector: [1, 2] }] },
          { headers: { 'idempotency-key': 'made-up' } },
        );
      const first = await send();
      expect(first.json['ids']).toEqual(['a', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      expect((await send()).json).toEqual(first.json);
      const { json } = await client().post(`${path}/upsert`, {
        vectors: [
          [1, 2],
          [2, 2],
        ],
      });
      expect(json['ids']).toHaveLength(2);
    });

    test('says how many rows of a batch were replaced by a later one', async () => {
      const path = await freshCollection(client());
      const { json } = await client().post(`${path}/upsert`, {
        ids: ['a', 'a', 'b'],
        vectors: [
          [1, 0],
          [2, 0],
          [3, 0],
        ],
      });
      expect(json).toEqual({ upserted: 2, sequence: 1, duplicates: 1 });
      expect(await fetched(client(), path, ['a'])).toMatchObject([{ vector: [2, 0] }]);
    });

    test('takes NDJSON, with blank lines and without a last line end', async () => {
      const path = await freshCollection(client());
      const body =
        '{"id":"a","vector":[1,2]}\n\n{"id":"b","vector":[3,4],"metadata":{"n":1}}\r\n{"id":"c","vector":[5,6]}';
      const headers = { 'content-type': 'application/x-ndjson' };
      const { json } = await client().send('POST', `${path}/upsert`, { body, headers });
      expect(json).toEqual({ upserted: 3, sequence: 1 });
      expect(await fetched(client(), path, ['b'])).toEqual([{ id: 'b', vector: [3, 4], metadata: { n: 1 } }]);
    });

    test('splits NDJSON of more than a batch into several commits, repeatable as one', async () => {
      const path = await freshCollection(client());
      const lines = Array.from({ length: 10_001 }, (_, i) =>
        JSON.stringify(i === 10_000 ? { vector: [1, 1] } : { id: `r${i}`, vector: [i, 1] }),
      );
      const send = () =>
        client().send('POST', `${path}/upsert`, {
          body: lines.join('\n'),
          headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'many' },
        });
      const { json } = await send();
      expect(json).toMatchObject({ upserted: 10_001, sequence: 2, commits: 2 });
      expect(json['ids']).toHaveLength(10_001);
      expect((json['ids'] as string[])[9_999]).toBe('r9999');
      expect((await send()).json).toEqual(json);
      expect((await client().post(`${path}/count`, {})).json).toEqual({ count: 10_001, sequence: 2 });
    });

    test('names the line of a row that the second commit refuses, and what is durable', async () => {
      const path = await freshCollection(client());
      const lines = Array.from({ length: 10_003 }, (_, i) =>
        JSON.stringify({ id: `r${i}`, vector: i === 10_001 ? [1, 2, 3] : [1, 1] }),
      );
      const { status, json } = await client().send('POST', `${path}/upsert`, {
        body: `\n${lines.join('\n')}`,
        headers: { 'content-type': 'application/x-ndjson' },
      });
      expect(status).toBe(400);
      expect(json).toMatchObject({
        code: 'wrong_dimension',
        detail: expect.stringContaining('line 10003') as string,
        details: { line: 10_003, applied_commits: 1, applied_lines: 10_000 },
      });
    });
  });

  describe('patch', () => {
    test('merges, removes and replaces metadata, and counts what is missing', async () => {
      const path = await freshCollection(client());
      await client().post(`${path}/upsert`, {
        records: [{ id: 'a', vector: [1, 2], metadata: { x: 1, y: { z: 2 } } }],
      });
      const merged = await client().post(`${path}/patch`, {
        records: [
          { id: 'a', metadata: { x: null, y: { w: 3 } } },
          { id: 'nowhere', metadata: {} },
        ],
      });
      expect(merged.json).toEqual({ patched: 1, missing: 1, sequence: 2 });
      expect(await fetched(client(), path, ['a'])).toMatchObject([{ metadata: { y: { z: 2, w: 3 } } }]);
      await client().post(`${path}/patch`, {
        records: [{ id: 'a', vector: [5, 6], metadata: { n: 1 } }],
        mode: 'replace',
      });
      expect(await fetched(client(), path, ['a'])).toEqual([{ id: 'a', vector: [5, 6], metadata: { n: 1 } }]);
    });
  });

  describe('patch by filter', () => {
    test('changes what matches, in both spellings and modes, and tells nothing of missing ones', async () => {
      const path = await freshCollection(client());
      const records = [1, 2, 3].map((n) => ({
        id: `r${n}`,
        vector: [n, 1],
        metadata: { n, deep: { x: 1 } },
      }));
      await client().post(`${path}/upsert`, { records });
      const merged = await client().post(`${path}/patch`, {
        filter: { n: { $gte: 2 } },
        metadata: { deep: { snake_case: true }, n: null },
      });
      expect(merged.json).toEqual({ patched: 2, sequence: 2 });
      const replaced = await client().post(`${path}/patch`, {
        filter: 'n = 1',
        metadata: { m: 1 },
        mode: 'replace',
      });
      expect(replaced.json).toEqual({ patched: 1, sequence: 3 });
      expect(await fetched(client(), path, ['r1', 'r2', 'r3'])).toEqual([
        { id: 'r1', vector: [1, 1], metadata: { m: 1 } },
        { id: 'r2', vector: [2, 1], metadata: { deep: { x: 1, snake_case: true } } },
        { id: 'r3', vector: [3, 1], metadata: { deep: { x: 1, snake_case: true } } },
      ]);
      const cleared = await client().post(`${path}/patch`, { filter: {}, metadata: null });
      expect(cleared.json).toEqual({ patched: 3, sequence: 4 });
      expect((await client().post(`${path}/patch`, { filter: {}, metadata: null })).json).toEqual({
        patched: 0,
        sequence: 5,
      });
    });

    test('says where there is more to change, and goes on', async () => {
      const path = await freshCollection(client(), { dimension: 1, metric: 'dot' });
      const count = 10_001;
      for (const from of [0, 10_000]) {
        const ids = Array.from({ length: Math.min(10_000, count - from) }, (_, i) => `r${from + i}`);
        await client().post(`${path}/upsert`, { ids, vectors: base64Of(...ids.map(() => 1)) });
      }
      const change = () => client().post(`${path}/patch`, { filter: {}, metadata: { seen: true } });
      expect((await change()).json).toEqual({ patched: 10_000, sequence: 3, more: true });
      expect((await change()).json).toEqual({ patched: 1, sequence: 4 });
    });
  });

  describe('delete and restore', () => {
    test('by ids: for good, or softly and back', async () => {
      const path = await freshCollection(client());
      await client().post(`${path}/upsert`, {
        ids: ['a', 'b', 'c'],
        vectors: [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      });
      expect((await client().post(`${path}/delete`, { ids: ['a', 'x', 'a'] })).json).toEqual({
        deleted: 2,
        sequence: 2,
      });
      expect((await client().post(`${path}/delete`, { ids: ['b'], soft: true })).json).toEqual({
        deleted: 1,
        sequence: 3,
      });
      expect((await client().post(`${path}/count`, {})).json).toMatchObject({ count: 1 });
      const seen = (
        await client().post(`${path}/fetch`, { ids: ['a', 'b'], include: [], include_deleted: true })
      ).json;
      expect(seen['records']).toEqual([{ id: 'b', deleted: true }]);
      const restored = await client().post(`${path}/restore`, { ids: ['b', 'a'] });
      expect(restored.json).toEqual({ restored: 1, missing: 1, sequence: 4 });
      expect((await client().post(`${path}/count`, {})).json).toMatchObject({ count: 2 });
    });

    test('by filter, in both spellings', async () => {
      const path = await freshCollection(client());
      const records = [1, 2, 3, 4].map((n) => ({ id: `r${n}`, vector: [n, 1], metadata: { n } }));
      await client().post(`${path}/upsert`, { records });
      expect((await client().post(`${path}/delete`, { filter: { n: { $lt: 2 } } })).json).toMatchObject({
        deleted: 1,
      });
      expect((await client().post(`${path}/delete`, { filter: 'n >= 4' })).json).toMatchObject({
        deleted: 1,
      });
      expect((await client().post(`${path}/count`, {})).json).toMatchObject({ count: 2 });
    });
  });

  describe('write', () => {
    test('does all of it in one commit, or nothing', async () => {
      const path = await freshCollection(client());
      await client().post(`${path}/upsert`, {
        ids: ['a', 'b'],
        vectors: [
          [1, 1],
          [2, 1],
        ],
      });
      const { json } = await client().post(`${path}/write`, {
        upsert: { records: [{ id: 'c', vector: [3, 1] }] },
        patch: {
          records: [
            { id: 'b', metadata: { n: 1 } },
            { id: 'x', metadata: {} },
          ],
        },
        delete: { ids: ['a'] },
        if_sequence: 1,
      });
      expect(json).toEqual({ upserted: 1, patched: 1, missing: 1, deleted: 1, sequence: 2 });
      const late = await client().post(`${path}/write`, { delete: { ids: ['b'] }, if_sequence: 1 });
      expect(late.status).toBe(409);
      expect(late.json).toMatchObject({ code: 'sequence_conflict', outcome: 'not_applied' });
      expect((await client().post(`${path}/count`, {})).json).toEqual({ count: 2, sequence: 2 });
    });

    test('patches by filter what it upserted', async () => {
      const path = await freshCollection(client());
      const { json } = await client().post(`${path}/write`, {
        upsert: { records: [{ id: 'a', vector: [1, 1], metadata: { n: 1 } }] },
        patch: { filter: { n: 1 }, metadata: { n: 2 } },
        delete: { filter: { n: 1 } },
      });
      expect(json).toEqual({ upserted: 1, patched: 1, deleted: 0, sequence: 1 });
    });

    test('takes columns too', async () => {
      const path = await freshCollection(client());
      const { json } = await client().post(`${path}/write`, {
        upsert: { ids: ['a'], vectors: base64Of(1, 2) },
      });
      expect(json).toEqual({ upserted: 1, sequence: 1 });
    });
  });
}
