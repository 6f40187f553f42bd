/** States of the past by time, restore in place and branches, over HTTP. */
import { describe, expect, test } from 'vitest';
import { columnOf } from './client.js';
import type { Client } from './client.js';
import { freshName } from './server-under-test.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function describePast(client: () => Client): void {
  const upsert = (path: string, id: string, x: number) =>
    client().post(`${path}/upsert`, { ids: [id], vectors: [[x, 1]] });

  /** `a` at 1, then `b` at 2. */
  async function collection(): Promise<string> {
    const path = `/v1/collections/${freshName()}`;
    await client().put(path, { dimension: 2, metric: 'euclidean' });
    await upsert(path, 'a', 1);
    await upsert(path, 'b', 2);
    return path;
  }

  async function idsOf(path: string, asOf: object = {}): Promise<readonly unknown[]> {
    return columnOf((await client().post(`${path}/scan`, asOf)).json, 'records', 'id');
  }

  describe('a read as of a time', () => {
    test('sees what was there', async () => {
      const path = await collection();
      await pause(30);
      const then = new Date();
      await pause(30);
      await client().post(`${path}/delete`, { ids: ['a'] });
      // In another zone, so that no text is taken for another instant.
      const shifted = `${new Date(then.getTime() + 3_600_000).toISOString().slice(0, -1)}+01:00`;
      for (const asOf of [{ as_of: then.toISOString() }, { as_of: shifted }]) {
        expect(await idsOf(path, asOf)).toEqual(['a', 'b']);
        expect((await client().post(`${path}/count`, asOf)).json).toEqual({ count: 2, sequence: 2 });
        const fetched = (await client().post(`${path}/fetch`, { ids: ['a'], ...asOf })).json;
        expect(columnOf(fetched, 'records', 'id')).toEqual(['a']);
        const queries = [{ vector: [1, 1], ...asOf }, { vector: [1, 1] }];
        const { results } = (await client().post(`${path}/query`, { queries })).json as { results: [] };
        expect(results.map((one) => columnOf(one, 'matches', 'id'))).toEqual([['a', 'b'], ['b']]);
      }
      const made = await client().post(`${path}/snapshots`, { as_of: then.toISOString() });
      expect(made.json).toMatchObject({ name: 'at-2', sequence: 2 });
      expect(await idsOf(path)).toEqual(['b']);
    });

    test.each<[string, unknown, string]>([
      ['before the collection', '2001-01-01T00:00:00Z', 'sequence_out_of_range'],
      ['to come', '2999-01-01T00:00:00Z', 'sequence_out_of_range'],
      ['a date alone', '2030-01-01', 'invalid_request'],
      ['no date', 'yesterday', 'invalid_request'],
      ['a month that is none', '2030-13-01T00:00:00Z', 'invalid_request'],
      ['an empty text', '', 'invalid_request'],
      ['a fraction', 1.5, 'invalid_field'],
      ['null', null, 'invalid_field'],
      ['past all sequences', 2 ** 53, 'invalid_field'],
    ])('%s is refused', async (_, as_of, code) => {
      const path = await collection();
      for (const [call, body] of [
        ['query', { vector: [1, 1] }],
        ['fetch', { ids: ['a'] }],
        ['count', {}],
        ['scan', {}],
        ['snapshots', {}],
        ['restore-to', {}],
        ['branches', { name: freshName() }],
      ] as const) {
        const { status, json } = await client().post(`${path}/${call}`, { ...body, as_of });
        expect([status, json['code']], call).toEqual([400, code]);
      }
    });
  });

  describe('a restore in place', () => {
    test('brings back the state of a snapshot, a sequence or a time', async () => {
      const path = await collection();
      await client().post(`${path}/snapshots`, { name: 'both' });
      await pause(30);
      const then = new Date().toISOString();
      await pause(30);
      await client().post(`${path}/delete`, { ids: ['a', 'b'] });
      const points = [{ snapshot: 'both' }, { as_of: 1 }, { as_of: then }];
      const seen: unknown[] = [];
      for (const point of points) {
        const { status, json, headers } = await client().post(`${path}/restore-to`, point);
        expect(status).toBe(200);
        expect(headers['idempotency-key']).toMatch(/^[\x20-\x7e]{1,255}$/);
        seen.push([json, await idsOf(path)]);
      }
      expect(seen).toEqual([
        [{ sequence: 4, restored: 2 }, ['a', 'b']],
        [{ sequence: 5, restored: 1 }, ['a']],
        [{ sequence: 6, restored: 2 }, ['a', 'b']],
      ]);
      // What it undid is still to be read.
      expect(await idsOf(path, { as_of: 3 })).toEqual([]);
      await client().post(`${path}/compact`, {});
      expect(await idsOf(path)).toEqual(['a', 'b']);
    });

    test('has one effect under its key, and refuses another request', async () => {
      const path = await collection();
      const headers = { 'idempotency-key': 'back', 'cairn-first-tail': '2' };
      const first = await client().post(`${path}/restore-to`, { as_of: 1 }, { headers });
      expect(first.json).toEqual({ sequence: 3, restored: 1 });
      expect(first.headers['idempotency-key']).toBe('back');
      await upsert(path, 'c', 3);
      const again = await client().post(`${path}/restore-to`, { as_of: 1 }, { headers });
      expect([again.status, again.json]).toEqual([200, { sequence: 3 }]);
      expect(await idsOf(path)).toEqual(['a', 'c']);
      const other = await client().post(`${path}/restore-to`, { as_of: 2 }, { headers });
      expect([other.status, other.json['code']]).toEqual([422, 'idempotency_key_reused']);
    });

    test('behind restores, of which none is folded, has an end', async () => {
      const path = await collection();
      // Each goes back to the state after the one before.
      const back = (as_of: number) => client().post(`${path}/restore-to`, { as_of });
      for (let at = 2; at < 18; at++) expect((await back(at)).status).toBe(200);
      const { status, json, headers } = await back(18);
      expect([status, json['code'], json['outcome']]).toEqual([429, 'too_many_restores', 'not_applied']);
      expect(json['details']).toEqual({ limit: 'restore_depth', value: 17, maximum: 16 });
      expect(headers['retry-after']).toBe('60');
      await client().post(`${path}/compact`, {});
      expect((await back(18)).json).toEqual({ sequence: 19, restored: 18 });
    });

    test('counts as a change of every record', async () => {
      const path = await collection();
      await client().post(`${path}/restore-to`, { as_of: 1 });
      const body = { upsert: { ids: ['a'], vectors: [[9, 1]] } };
      const stale = await client().post(`${path}/write`, { ...body, if_sequence: 2 });
      expect([stale.status, stale.json['code']]).toEqual([409, 'sequence_conflict']);
      expect((await client().post(`${path}/write`, { ...body, if_sequence: 3 })).status).toBe(200);
    });

    test.each<[string, unknown, number, string]>([
      ['both', { snapshot: 'x', as_of: 1 }, 400, 'invalid_field'],
      ['neither', {}, 400, 'invalid_field'],
      ['no snapshot of that name', { snapshot: 'none' }, 404, 'snapshot_not_found'],
      ['a name that is none', { snapshot: 'a b' }, 400, 'invalid_name'],
      ['a snapshot that is a number', { snapshot: 1 }, 400, 'invalid_field'],
      ['what has not happened', { as_of: 99 }, 400, 'sequence_out_of_range'],
      ['records, which is the other restore', { ids: ['a'] }, 400, 'unknown_field'],
    ])('to %s is refused', async (_, body, status, code) => {
      const path = await collection();
      const answer = await client().post(`${path}/restore-to`, body);
      expect([answer.status, answer.json['code']]).toEqual([status, code]);
      expect((await client().get(path)).json).toMatchObject({ sequence: 2, count: 2 });
    });
  });

  describe('a branch', () => {
    test('begins with a state, and goes its own way', async () => {
      const path = await collection();
      await client().post(`${path}/compact`, {});
      await client().post(`${path}/snapshots`, { name: 'both' });
      await upsert(path, 'c', 3);
      const names = [freshName(), freshName(), freshName()] as const;
      const branches = `${path}/branches`;
      const newest = await client().post(branches, { name: names[0] });
      expect([newest.status, newest.json]).toEqual([201, { name: names[0], sequence: 3 }]);
      const pinned = await client().post(branches, { name: names[1], snapshot: 'both' });
      expect(pinned.json).toEqual({ name: names[1], sequence: 2 });
      const past = await client().post(branches, { name: names[2], as_of: 2 });
      expect(past.json).toEqual({ name: names[2], sequence: 2 });
      const [first, second] = names.map((name) => `/v1/collections/${name}`) as [string, string];
      expect((await client().get(first)).json).toMatchObject({
        dimension: 2,
        metric: 'euclidean',
        sequence: 3,
      });
      expect((await client().get(`${first}/snapshots`)).json).toEqual({ snapshots: [] });
      expect((await upsert(second, 'd', 4)).json).toEqual({ upserted: 1, sequence: 3 });
      await client().post(`${path}/delete`, { ids: ['a'] });
      expect((await client().send('DELETE', path)).status).toBe(204);
      expect(await idsOf(first)).toEqual(['a', 'b', 'c']);
      expect(await idsOf(second)).toEqual(['a', 'b', 'd']);
    });

    test('is refused where it cannot be', async () => {
      const path = await collection();
      const taken = path.slice(path.lastIndexOf('/') + 1);
      const name = freshName();
      for (const [body, status, code] of [
        [{ name: taken }, 409, 'collection_exists'],
        [{}, 400, 'missing_field'],
        [{ name: 1 }, 400, 'invalid_field'],
        [{ name: 'a b' }, 400, 'invalid_name'],
        [{ name, snapshot: 'x', as_of: 1 }, 400, 'invalid_request'],
        [{ name, snapshot: 'none' }, 404, 'snapshot_not_found'],
        [{ name, as_of: 99 }, 400, 'sequence_out_of_range'],
        [{ name, dimension: 3 }, 400, 'unknown_field'],
      ] as const) {
        const answer = await client().post(`${path}/branches`, body);
        expect([answer.status, answer.json['code']], JSON.stringify(body)).toEqual([status, code]);
      }
      expect((await client().get(`/v1/collections/${name}`)).status).toBe(404);
    });
  });
}
