/** HTTP itself: HEAD, OPTIONS, methods, request ids, problems, the OpenAPI document. */
import { describe, expect, test } from 'vitest';
import type { Client } from './client.js';
import { freshCollection } from './writes.js';

export function describeProtocol(client: () => Client): void {
  describe('the protocol', () => {
    test('HEAD is GET without a body', async () => {
      const path = await freshCollection(client());
      const get = await client().get(path);
      const head = await client().send('HEAD', path);
      expect(head.status).toBe(200);
      expect(head.text).toBe('');
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
      expect((await client().send('HEAD', '/v1/collections/nowhere')).status).toBe(404);
    });

    test.each([
      ['/health', 'GET, HEAD, OPTIONS'],
      ['/v1/collections', 'GET, HEAD, OPTIONS'],
      ['/v1/collections/c', 'DELETE, GET, HEAD, OPTIONS, PATCH, PUT'],
      ['/v1/namespaces/default/collections/c/query', 'OPTIONS, POST'],
    ])('%s answers %s', async (path, allow) => {
      const options = await client().send('OPTIONS', path);
      expect(options.status).toBe(204);
      expect(options.headers.allow).toBe(allow);
      const methods = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'];
      for (const method of methods.filter((each) => !allow.includes(each))) {
        const refused = await client().send(method, path);
        expect(refused.json).toMatchObject({ status: 405, code: 'method_not_allowed' });
        expect(refused.headers.allow).toBe(allow);
      }
    });

    test('OPTIONS of nothing is 404', async () => {
      expect((await client().send('OPTIONS', '/nothing')).status).toBe(404);
    });

    test('a request id is taken where it is one, and made up else', async () => {
      const given = await client().get('/health', { headers: { 'x-request-id': 'abc-123.X:y_z' } });
      expect(given.headers['x-request-id']).toBe('abc-123.X:y_z');
      for (const bad of ['a b', 'x'.repeat(129), 'a"b', '']) {
        const { headers } = await client().get('/health', { headers: { 'x-request-id': bad } });
        expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    test('a problem has the members of RFC 9457 and its request id', async () => {
      const { headers, json } = await client().get('/v1/collections/nowhere', {
        headers: { 'x-request-id': 'r1' },
      });
      expect(headers['content-type']).toBe('application/problem+json');
      expect(json).toEqual({
        type: 'urn:cairn:error:collection_not_found',
        title: 'Not Found',
        status: 404,
        detail: expect.stringContaining('nowhere') as string,
        code: 'collection_not_found',
        request_id: 'r1',
        details: { collection: 'nowhere' },
      });
    });

    test('answers are not cached and not sniffed', async () => {
      const { headers } = await client().get('/health');
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    });
  });
}
