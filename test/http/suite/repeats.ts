/** Idempotency keys: a repeat has one effect and one answer. */
import { describe, expect, test } from 'vitest';
import type { Client } from './client.js';
import { freshCollection } from './writes.js';

export function describeRepeats(client: () => Client): void {
  describe('an Idempotency-Key', () => {
    test.each([
      ['upsert', { ids: ['a'], vectors: [[1, 2]] }],
      ['patch', { records: [{ id: 'seed', metadata: { n: 1 } }] }],
      ['patch', { filter: { kind: 'seed' }, metadata: { n: 1 } }],
      ['delete', { ids: ['seed'] }],
      ['delete', { filter: { kind: 'seed' } }],
      ['delete', { ids: ['seed'], soft: true }],
      ['restore', { ids: ['seed'] }],
      ['write', { upsert: { ids: ['a'], vectors: [[1, 2]] }, delete: { ids: ['seed'] } }],
    ])('gives %s %j its first answer again', async (call, body) => {
      const path = await freshCollection(client());
      await client().post(`${path}/upsert`, {
        records: [{ id: 'seed', vector: [1, 1], metadata: { kind: 'seed' } }],
      });
      const headers = { 'idempotency-key': 'the key ~!/0' };
      const first = await client().post(`${path}/${call}`, body, { headers });
      expect(first.status).toBe(200);
      expect(first.headers['idempotency-key']).toBe('the key ~!/0');
      await client().post(`${path}/upsert`, { ids: ['between'], vectors: [[3, 3]] });
      const again = await client().post(`${path}/${call}`, body, { headers });
      expect(again.status).toBe(200);
      expect(again.json).toEqual(first.json);
      expect((await client().get(path)).json).toMatchObject({ sequence: 3 });
    });

    test('refuses another request under the same key', async () => {
      const path = await freshCollection(client());
      const headers = { 'idempotency-key': 'k' };
      await client().post(`${path}/upsert`, { ids: ['a'], vectors: [[1, 2]] }, { headers });
      const { status, json } = await client().post(
        `${path}/upsert`,
        { ids: ['a'], vectors: [[1, 3]] },
        { headers },
      );
      expect(status).toBe(422);
      expect(json).toMatchObject({ code: 'idempotency_key_reused', outcome: 'not_applied' });
      expect((await client().get(path)).json).toMatchObject({ sequence: 1 });
    });

    test('is made up where the client sends none, and told', async () => {
      const path = await freshCollection(client());
      const { headers } = await client().post(`${path}/upsert`, { ids: ['a'], vectors: [[1, 2]] });
      expect(headers['idempotency-key']).toMatch(/^[\x20-\x7e]{1,255}$/);
    });

    test('goes with the first tail of a late repeat', async () => {
      const path = await freshCollection(client());
      const headers = { 'idempotency-key': 'late', 'cairn-first-tail': '0' };
      const first = await client().post(`${path}/upsert`, { ids: ['a'], vectors: [[1, 2]] }, { headers });
      expect(first.status).toBe(200);
      expect(
        (await client().post(`${path}/upsert`, { ids: ['a'], vectors: [[1, 2]] }, { headers })).json,
      ).toEqual(first.json);
    });

    test.each([
      ['idempotency-key', '', 'invalid_idempotency_key'],
      ['idempotency-key', 'x'.repeat(256), 'invalid_idempotency_key'],
      ['idempotency-key', 'kéy', 'invalid_idempotency_key'],
      ['idempotency-key', 'a\tb', 'invalid_idempotency_key'],
      ['cairn-first-tail', '-1', 'invalid_first_tail'],
      ['cairn-first-tail', 'soon', 'invalid_first_tail'],
    ])('as %s: %j is refused', async (header, value, code) => {
      const path = await freshCollection(client());
      const { status, json } = await client().post(
        `${path}/upsert`,
        { ids: ['a'], vectors: [[1, 2]] },
        { headers: { [header]: value } },
      );
      expect(status).toBe(400);
      expect(json).toMatchObject({ code });
      expect((await client().get(path)).json).toMatchObject({ sequence: 0 });
    });
  });
}
