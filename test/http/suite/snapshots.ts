/** Snapshots and reads of the past, over HTTP. */
import { describe, expect, test } from 'vitest';
import { columnOf } from './client.js';
import type { Client } from './client.js';
import { freshName } from './server-under-test.js';

export function describeSnapshots(client: () => Client): void {
  async function collection(): Promise<string> {
    const path = `/v1/collections/${freshName()}`;
    await client().put(path, { dimension: 2, metric: 'euclidean' });
    await client().post(`${path}/upsert`, { ids: ['a', 'b'], vectors: [[1, 2], [3, 4]] }); // prettier-ignore
    return path;
  }

  describe('a snapshot', () => {
    test('is made, listed, read and deleted', async () => {
      const path = await collection();
      const made = await client().post(`${path}/snapshots`, { name: 'first' });
      expect(made.status).toBe(201);
      expect(made.json).toMatchObject({ name: 'first', sequence: 1, bytes: 0 });
      await client().post(`${path}/delete`, { ids: ['a'] });
      await client().post(`${path}/compact`, {});
      const unnamed = await client().post(`${path}/snapshots`, undefined);
      expect(unnamed.json).toMatchObject({ name: 'at-2', sequence: 2 });
      const { json } = await client().get(`${path}/snapshots`);
      expect(columnOf(json, 'snapshots', 'name')).toEqual(['first', 'at-2']);
      const asOf = { as_of: 1 };
      expect((await client().post(`${path}/count`, asOf)).json).toEqual({ count: 2, sequence: 1 });
      const scanned = (await client().post(`${path}/scan`, asOf)).json;
      expect(columnOf(scanned, 'records', 'id')).toEqual(['a', 'b']);
      const fetched = (await client().post(`${path}/fetch`, { ids: ['a'], ...asOf })).json;
      expect(columnOf(fetched, 'records', 'id')).toEqual(['a']);
      const found = (await client().post(`${path}/query`, { vector: [1, 2], ...asOf })).json;
      expect(columnOf(found, 'matches', 'id')).toEqual(['a', 'b']);
      const now = (await client().post(`${path}/query`, { vector: [1, 2] })).json;
      expect(columnOf(now, 'matches', 'id')).toEqual(['b']);
      expect((await client().send('DELETE', `${path}/snapshots/first`)).status).toBe(204);
      const gone = await client().send('DELETE', `${path}/snapshots/first`);
      expect([gone.status, gone.json['code']]).toEqual([404, 'snapshot_not_found']);
    });

    test('is refused where it cannot be', async () => {
      const path = await collection();
      await client().post(`${path}/snapshots`, { name: 'one', as_of: 0 });
      for (const [body, status, code] of [
        [{ name: 'one' }, 409, 'snapshot_exists'],
        [{ name: 'a b' }, 400, 'invalid_name'],
        [{ as_of: 99 }, 400, 'sequence_out_of_range'],
        [{ as_of: -1 }, 400, 'invalid_field'],
        [{ nam: 'x' }, 400, 'unknown_field'],
      ] as const) {
        const { status: found, json } = await client().post(`${path}/snapshots`, body);
        expect([found, json['code']], JSON.stringify(body)).toEqual([status, code]);
      }
      const nowhere = await client().get(`/v1/collections/${freshName()}/snapshots`);
      expect([nowhere.status, nowhere.json['code']]).toEqual([404, 'collection_not_found']);
      expect((await client().send('DELETE', `${path}/snapshots/a%20b`)).json['code']).toBe('invalid_name');
    });
  });

  describe('retention', () => {
    test('is changed, and told', async () => {
      const path = await collection();
      expect((await client().get(path)).json).toMatchObject({ retention_hours: 0 });
      const changed = await client().send('PATCH', path, { json: { retention_hours: 24 } });
      expect(changed.status).toBe(200);
      expect(changed.json).toMatchObject({ dimension: 2, retention_hours: 24 });
      expect((await client().get(path)).json).toMatchObject({ retention_hours: 24 });
      for (const [body, code] of [
        [{}, 'missing_field'],
        [{ retention_hours: 8_785 }, 'limit_exceeded'],
        [{ retention_hours: 'a' }, 'invalid_field'],
        [{ retention_hours: 1, dimension: 3 }, 'unknown_field'],
      ] as const) {
        const { status, json } = await client().send('PATCH', path, { json: body });
        expect([status, json['code']], JSON.stringify(body)).toEqual([400, code]);
      }
    });
  });
}
