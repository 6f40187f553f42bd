/** The lock: keys, loopback, origins, and what a browser may do. Each block starts a server with its own settings. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from './client.js';
import type { Exposure, ServerUnderTest, StartServer } from './server-under-test.js';

const page = 'https://app.example.com';
/** Hosts that make no URL at all. */
const unparsable = ['127.0.0.999', 'localhost:80:80'];

export function describeLock(start: StartServer, exposure: Exposure): void {
  describe('with keys', () => {
    let server: ServerUnderTest;
    let client: Client;
    beforeAll(async () => {
      server = await start({ apiKeys: ['first-key', 'second-key'], corsOrigins: [page] });
      client = new Client(server.url);
    });
    afterAll(() => server.close());

    test('health and readiness are open, all else is not', async () => {
      expect((await client.get('/health')).status).toBe(200);
      expect((await client.get('/ready')).status).toBe(200);
      for (const path of [
        '/metrics',
        '/openapi.json',
        '/v1/collections',
        '/v1/collections/c/stats',
        '/nothing',
        '/',
      ]) {
        const answer = await client.get(path);
        expect(answer.json, path).toMatchObject({ status: 401, code: 'key_required' });
        expect(answer.headers['www-authenticate']).toBe('Bearer realm="cairn"');
      }
      expect((await client.send('PATCH', '/v1/collections')).status).toBe(401);
      expect((await client.send('OPTIONS', '/v1/collections')).status).toBe(401);
      expect((await client.post('/v1/collections/c/upsert', { ids: ['a'], vectors: [[1]] })).status).toBe(
        401,
      );
    });

    test.each(['first-key', 'second-key'])('key %s opens', async (key) => {
      for (const authorization of [`Bearer ${key}`, `bearer  ${key}`, `BEARER ${key} `]) {
        expect((await client.get('/v1/collections', { headers: { authorization } })).status).toBe(200);
      }
    });

    test.each([
      'Bearer first-kex',
      'Bearer first-key2',
      'Bearer first',
      'Bearer',
      'Basic first-key',
      'first-key',
      'Bearer first-key,second-key',
      'Bearer first-key second-key',
    ])('%j does not', async (authorization) => {
      const { status, text } = await client.get('/v1/collections', { headers: { authorization } });
      expect(status).toBe(401);
      expect(text).not.toContain('first-key');
    });

    test('any host is served, for a key proves the caller', async () => {
      const headers = { host: 'db.example.com', authorization: 'Bearer first-key' };
      expect((await client.get('/v1/collections', { headers })).status).toBe(200);
    });

    test('an allowed page may call, after a preflight without a key', async () => {
      const preflight = await client.send('OPTIONS', '/v1/collections/c/query', {
        headers: {
          origin: page,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type',
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': page,
        'access-control-allow-methods': 'OPTIONS, POST',
        'access-control-allow-headers': expect.stringContaining('authorization') as string,
        vary: 'origin',
      });
      const answer = await client.get('/v1/collections', {
        headers: { origin: page, authorization: 'Bearer first-key' },
      });
      expect(answer.headers['access-control-allow-origin']).toBe(page);
      expect(answer.headers['access-control-expose-headers']).toContain('x-request-id');
      const refused = await client.get('/v1/collections', { headers: { origin: page } });
      expect(refused.status).toBe(401);
      expect(refused.headers['access-control-allow-origin']).toBe(page);
    });

    test('another page is not told that it may', async () => {
      const headers = { origin: 'https://evil.example.com', authorization: 'Bearer first-key' };
      const answer = await client.get('/v1/collections', { headers });
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      expect(answer.headers.vary).toBe('origin');
    });
  });

  if (exposure === 'hosted') describeHostedWithoutKeys(start);
  else describeLoopbackWithoutKeys(start);

  describe('open to every origin', () => {
    test('any page may call', async () => {
      const server = await start({ corsOrigins: ['*'], allowAnonymous: exposure === 'hosted' });
      const answer = await new Client(server.url).get('/v1/collections', {
        headers: { origin: 'https://any.example.com' },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      await server.close();
    });
  });
}

function describeLoopbackWithoutKeys(start: StartServer): void {
  describe('on loopback without keys', () => {
    let server: ServerUnderTest;
    let client: Client;
    beforeAll(async () => {
      server = await start({ corsOrigins: [page] });
      client = new Client(server.url);
    });
    afterAll(() => server.close());

    test.each(['localhost', 'LOCALHOST:99', '127.0.0.1:1', '127.9.9.9', '[::1]', '[::1]:80'])(
      'host %s is served',
      async (host) => {
        expect((await client.get('/v1/collections', { headers: { host } })).status).toBe(200);
      },
    );

    test.each([
      'evil.example.com',
      'localhost.evil.com',
      '127.0.0.1.evil.com',
      '10.0.0.1',
      '0.0.0.0',
      '127.0.0.999',
      '[::2]',
      'localhost:80:80',
    ])('host %s is misdirected', async (host) => {
      const unseen = server.refusesHosts === true && unparsable.includes(host);
      const { status } = await client.get('/health', { headers: { host }, judged: !unseen });
      if (unseen) expect(status).toBeGreaterThanOrEqual(400);
      else expect(status).toBe(unparsable.includes(host) ? 400 : 421);
    });

    test.each(['https://evil.example.com', 'http://localhost:1', 'null'])(
      'a page of %s may not even write',
      async (origin) => {
        for (const [method, path] of [
          ['GET', '/v1/collections'],
          ['POST', '/v1/collections/c/compact'],
          ['DELETE', '/v1/collections/c'],
          ['OPTIONS', '/v1/collections'],
        ] as const) {
          const answer = await client.send(method, path, {
            headers: { origin, 'access-control-request-method': 'POST' },
          });
          expect(answer.json).toMatchObject({ status: 403, code: 'origin_not_allowed' });
          expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
        }
      },
    );

    test('its own page and an allowed one may', async () => {
      for (const origin of [server.url, page]) {
        expect((await client.get('/v1/collections', { headers: { origin } })).status).toBe(200);
      }
    });
  });
}

function describeHostedWithoutKeys(start: StartServer): void {
  test('a handler without keys serves nothing but its health', async () => {
    const server = await start({ allowAnonymous: false });
    const client = new Client(server.url);
    expect((await client.get('/health')).status).toBe(200);
    for (const path of [
      '/ready',
      '/metrics',
      '/openapi.json',
      '/v1/collections',
      '/v1/collections/c/stats',
      '/',
    ]) {
      const { json } = await client.get(path);
      expect(json, path).toMatchObject({ status: 503, code: 'no_keys_configured' });
    }
    const write = await client.post('/v1/collections/c/upsert', { ids: ['a'], vectors: [[1]] });
    expect(write.json).toMatchObject({ status: 503, code: 'no_keys_configured' });
    await server.close();
  });

  test('one that serves anyone refuses foreign pages that were not allowed, and no host', async () => {
    const server = await start({ allowAnonymous: true, corsOrigins: [page] });
    const client = new Client(server.url);
    const from = (origin: string): Promise<{ status: number }> =>
      client.get('/v1/collections', { headers: { origin } });
    expect((await from('https://evil.example.com')).status).toBe(403);
    expect((await from(page)).status).toBe(200);
    const headers = { host: 'db.example.com' };
    expect((await client.get('/v1/collections', { headers })).status).toBe(200);
    await server.close();
  });
}
