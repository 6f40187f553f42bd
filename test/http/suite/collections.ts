/** Collections as wholes, and the server's own routes. */
import { describe, expect, test } from 'vitest';
import { columnOf } from './client.js';
import type { Client } from './client.js';
import { freshName } from './server-under-test.js';

export function describeCollections(client: () => Client): void {
  describe('the server', () => {
    test('is healthy and ready', async () => {
      expect((await client().get('/health')).json).toMatchObject({ status: 'ok' });
      expect((await client().get('/ready')).json).toEqual({ status: 'ready' });
    });

    test('counts its requests by route, never by path', async () => {
      const name = freshName();
      await client().get(`/v1/collections/${name}`);
      const { text, headers } = await client().get('/metrics');
      expect(headers['content-type']).toContain('version=0.0.4');
      expect(text).toMatch(
        /^cairn_http_requests_total\{route="\/collections\/\{name\}",method="GET",status="404"\} \d+$/m,
      );
      expect(text).not.toContain(`/${name}`);
      expect(text).toMatch(/^cairn_http_request_seconds_bucket\{.*le="\+Inf"\} \d+$/m);
      expect(text).toMatch(/^cairn_http_requests_in_flight 0$/m);
      expect(text).toMatch(/^cairn_memory_bytes\{holder="arenas"\} [1-9]\d+$/m);
      expect(text).toMatch(/^cairn_memory_budget_bytes [1-9]\d+$/m);
      expect(text).toMatch(/^cairn_store_requests_total\{operation="get",outcome="absent"\} [1-9]/m);
      for (const line of text.trimEnd().split('\n')) {
        expect(line).toMatch(
          /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? -?[\d.e+-]+)$/,
        );
      }
    });
  });

  describe('a collection', () => {
    test('is created with defaults, described, and created again the same way', async () => {
      const path = `/v1/collections/${freshName()}`;
      const created = await client().put(path, { dimension: 3 });
      expect(created.status).toBe(201);
      expect(created.json).toMatchObject({
        dimension: 3,
        metric: 'cosine',
        index: { m: 16, ef_construction: 128 },
        quantization: 'sq8',
        soft_delete_days: 30,
        sequence: 0,
        count: 0,
      });
      const again = await client().put(path, { dimension: 3, metric: 'cosine' });
      expect(again.status).toBe(200);
      expect(again.json).toEqual(created.json);
      expect((await client().get(path)).json).toEqual(created.json);
      expect((await client().get(`${path}?consistency=eventual&timeout_ms=5000`)).json).toEqual(created.json);
    });

    test('keeps all its settings', async () => {
      const path = `/v1/collections/${freshName()}`;
      const settings = {
        dimension: 4,
        metric: 'manhattan',
        tier: 'edge',
        index: { m: 8, ef_construction: 64 },
        quantization: 'none',
        fields: { year: { filterable: true }, soft_title: { filterable: false } },
        soft_delete_days: 7,
      };
      expect((await client().put(path, settings)).json).toMatchObject(settings);
    });

    test('says of a coding what is not so by default', async () => {
      const path = `/v1/collections/${freshName()}`;
      const quantization = { type: 'rabitq', bits: 2 };
      const created = await client().put(path, { dimension: 4, quantization });
      expect(created.json).toMatchObject({ quantization });
      expect((await client().put(path, { dimension: 4, quantization })).status).toBe(200);
      const other = `/v1/collections/${freshName()}`;
      const plain = { dimension: 4, quantization: { type: 'rabitq', bits: 1 } };
      expect((await client().put(other, plain)).json).toMatchObject({ quantization: 'rabitq' });
      const compressed = { dimension: 4, quantization: { type: 'pq', compression: 16 } };
      const third = `/v1/collections/${freshName()}`;
      expect((await client().put(third, compressed)).json).toMatchObject({ quantization: 'pq' });
      const tight = { dimension: 4, quantization: { type: 'pq', compression: 32 } };
      const fourth = `/v1/collections/${freshName()}`;
      expect((await client().put(fourth, tight)).json).toMatchObject(tight);
      const wrong = { dimension: 4, quantization: { type: 'rabitq', bits: 3 } };
      expect((await client().put(path, wrong)).json).toMatchObject({
        ...{ status: 400, code: 'invalid_field' },
        detail: 'body.quantization.bits must be one of 1, 2, 4, got 3',
      });
      const mixed = { dimension: 4, quantization: { type: 'pq', bits: 2 } };
      expect((await client().put(path, mixed)).json).toMatchObject({
        ...{ status: 400, code: 'unknown_field' },
        detail: 'body.quantization: unknown field "bits", known are type, compression',
      });
      const named = { dimension: 4, quantization: { type: 'sq8' } };
      expect((await client().put(path, named)).json).toMatchObject({ status: 400, code: 'invalid_field' });
      const turned = { dimension: 4, metric: 'manhattan', quantization: 'rabitq' };
      expect((await client().put(path, turned)).json).toMatchObject({ status: 400, code: 'invalid_setting' });
    });

    test('is not created again with other settings, and the refusal names them', async () => {
      const path = `/v1/collections/${freshName()}`;
      await client().put(path, { dimension: 3 });
      const { status, json } = await client().put(path, { dimension: 4, soft_delete_days: 1 });
      expect(status).toBe(409);
      expect(json).toMatchObject({
        code: 'collection_exists',
        outcome: 'not_applied',
        details: { differing: ['dimension', 'soft_delete_days'] },
      });
    });

    test('is listed in pages by prefix', async () => {
      const prefix = `${freshName()}-`;
      for (const suffix of ['b', 'a', 'c']) {
        await client().put(`/v1/collections/${prefix}${suffix}`, { dimension: 2 });
      }
      const first = (await client().get(`/v1/collections?prefix=${prefix}&limit=2`)).json;
      expect(columnOf(first, 'collections', 'name')).toEqual([`${prefix}a`, `${prefix}b`]);
      const second = (
        await client().get(`/v1/collections?prefix=${prefix}&limit=2&cursor=${String(first['next'])}`)
      ).json;
      expect(columnOf(second, 'collections', 'name')).toEqual([`${prefix}c`]);
      expect(second).not.toHaveProperty('next');
    });

    test('is dropped with what it holds', async () => {
      const path = `/v1/collections/${freshName()}`;
      await client().put(path, { dimension: 2 });
      await client().post(`${path}/upsert`, { ids: ['a'], vectors: [[1, 2]] });
      const dropped = await client().send('DELETE', path);
      expect(dropped.status).toBe(204);
      expect((await client().send('DELETE', path)).status).toBe(404);
      expect((await client().get(path)).json).toMatchObject({ code: 'collection_not_found' });
      await client().put(path, { dimension: 2 });
      expect((await client().post(`${path}/count`, {})).json).toMatchObject({ count: 0 });
    });

    test('is the same under the default namespace', async () => {
      const name = freshName();
      await client().put(`/v1/namespaces/default/collections/${name}`, { dimension: 2 });
      expect((await client().get(`/v1/collections/${name}`)).status).toBe(200);
      const { json } = await client().get(`/v1/namespaces/default/collections?prefix=${name}`);
      expect(json['collections']).toHaveLength(1);
    });

    test('has stats, compacts, and measures its recall', async () => {
      const path = `/v1/collections/${freshName()}`;
      await client().put(path, { dimension: 2 });
      await client().post(`${path}/upsert`, { ids: ['a', 'b'], vectors: [1, 2].map((x) => [x, 1]) });
      const stats = (await client().get(`${path}/stats`)).json;
      expect(stats).toMatchObject({
        sequence: 1,
        records: { visible: 2, soft_deleted: 0 },
        log: { slots: 1 },
      });
      expect((await client().send('POST', `${path}/compact`)).json).toMatchObject({ sequence: 1 });
      expect((await client().post(`${path}/compact`, {})).status).toBe(200);
      expect((await client().send('POST', `${path}/recall`)).json).toEqual({
        recall: 1,
        queries: 2,
        k: 10,
        source: 'stored_records',
      });
      expect((await client().post(`${path}/recall`, { vectors: [[1, 0]], k: 1 })).json).toEqual({
        recall: 1,
        queries: 1,
        k: 1,
        source: 'given',
      });
    });
  });
}
