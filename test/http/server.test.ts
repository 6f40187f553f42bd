/**
 * The Node server: shutdown, back-pressure, and connections that misbehave.
 *
 * Strategy: a store whose writes wait at a gate keeps requests in flight for as long as a test needs, so nothing here
 * rests on timing. Held: what was answered is durable, what was accepted is answered, and one client's misconduct is
 * no other's.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startServer } from '../../functions/node/index.js';
import { closedGate, open, testApp, testServer, until, watchedStore } from './harness.js';
import type { Gate } from './harness.js';
import { Client } from './suite/client.js';

/** A database whose log writes wait at `gate`, with a collection `c` of dimension 2. `waiting` counts them. */
async function gatedDatabase(gate: Gate) {
  const state = { waiting: 0 };
  const store = watchedStore(async (operation, key) => {
    if (operation !== 'put' || !key.includes('/log/')) return;
    state.waiting++;
    await gate.passed;
  });
  const database = await open('memory:', { store });
  await database.createCollection('c', { dimension: 2 });
  return { database, store, state };
}

const upsert = (client: Client, id: string) =>
  client.post('/v1/collections/c/upsert', { ids: [id], vectors: [[1, 1]] });

function rawConnection(url: string): { socket: Socket; received: () => string } {
  const { port } = new URL(url);
  let text = '';
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  return { socket, received: () => text };
}

function isRefused(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { socket } = rawConnection(url);
    socket.on('error', () => resolve(true));
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

describe('shutdown', () => {
  test('answers the writes in flight, and what it answered is durable', async () => {
    const gate = closedGate();
    const { database, store, state } = await gatedDatabase(gate);
    const server = await testServer(database);
    const client = new Client(server.url);
    await client.get('/health');
    const writes = Array.from({ length: 8 }, (_, i) => upsert(client, `r${i}`));
    await until(() => state.waiting > 0);
    await until(async () => (await metric(server.url, 'cairn_http_requests_in_flight')) === 8);
    const closed = server.close({ graceMs: 60_000 });
    await until(() => isRefused(server.url));
    await expect(new Client(server.url).get('/health', { judged: false })).rejects.toThrow('ECONNREFUSED');
    gate.open();
    const answers = await Promise.all(writes);
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    await closed;
    const reopened = await open('memory:', { store });
    expect(await reopened.collection('c').count()).toMatchObject({ count: 8 });
  });

  test('tells kept-alive clients that their connection ends', async () => {
    const gate = closedGate();
    const { database, state } = await gatedDatabase(gate);
    const server = await testServer(database);
    const { socket, received } = rawConnection(server.url);
    const body = '{"ids":["a"],"vectors":[[1,1]]}';
    socket.write(
      `POST /v1/collections/c/upsert HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => state.waiting > 0);
    const closed = server.close({ graceMs: 60_000 });
    gate.open();
    await closed;
    await until(() => socket.closed);
    expect(received()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*connection: close\r\n/);
  });

  test('ends a connection when its last answer is through, though that began before', async () => {
    const large = new Uint8Array(64 * 1024 * 1024);
    const server = await startServer({
      app: () =>
        Promise.resolve({ status: 200, headers: { 'content-length': String(large.length) }, body: large }),
      host: '127.0.0.1',
      port: 0,
    });
    const socket = connect(server.port, '127.0.0.1');
    let received = 0;
    const begun = new Promise<void>((resolve) => {
      socket.once('data', () => {
        socket.pause();
        resolve();
      });
    });
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await begun;
    const closed = server.close({ graceMs: 60_000 });
    socket.resume();
    await closed;
    await until(() => socket.closed);
    expect(received).toBeGreaterThan(large.length);
  });

  test('is one, however often it is asked for', async () => {
    const { database } = await gatedDatabase(closedGate());
    let closes = 0;
    const server = await startServer({
      app: await testApp(database),
      host: '127.0.0.1',
      port: 0,
      onClose: async () => {
        closes++;
        await database.close();
      },
    });
    await Promise.all([server.close(), server.close(), server.close()]);
    expect(closes).toBe(1);
  });

  test('does not wait for idle connections, and ends stalled ones after the grace', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database);
    const idle = rawConnection(server.url);
    idle.socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until(() => idle.received().includes('"ok"'));
    const stalled = rawConnection(server.url);
    stalled.socket.write(
      'POST /v1/collections/c/query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{',
    );
    await until(async () => (await metric(server.url, 'cairn_http_requests_in_flight')) === 1);
    await server.close({ graceMs: 20 });
    await until(() => idle.socket.closed && stalled.socket.closed);
    expect(stalled.received()).not.toContain('HTTP/1.1 200');
  });
});

async function metric(url: string, name: string): Promise<number> {
  const { text } = await new Client(url).get('/metrics');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('requests at once', () => {
  test('share a look at the log where one turn of the event loop brings them', async () => {
    let looks = 0;
    const store = watchedStore((operation, key) => {
      if (operation === 'get' && key.includes('/log/')) looks++;
      return Promise.resolve();
    });
    const database = await open('memory:', { store });
    await database.createCollection('c', { dimension: 2 });
    const server = await testServer(database);
    const body = '{"vector":[1,1]}';
    const request = `POST /v1/collections/c/query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const connections = Array.from({ length: 16 }, () => rawConnection(server.url));
    const askAll = async (answers: number): Promise<void> => {
      for (const { socket } of connections) socket.write(request);
      await until(() => connections.every(({ received }) => received().split('200 OK').length > answers));
    };
    // Once before, so that connections are accepted and the collection is loaded.
    await askAll(1);
    looks = 0;
    await askAll(2);
    // One, unless the host tells of some of the connections a turn later.
    expect(looks).toBeLessThan(connections.length / 4);
    for (const { socket } of connections) socket.destroy();
    await server.close();
  });
});

describe('back-pressure', () => {
  test('refuses requests past the bound at once, except probes, and recovers', async () => {
    const gate = closedGate();
    const { database, state } = await gatedDatabase(gate);
    const server = await testServer(database, { load: { requests: 2, bodyBytes: 67_108_864 } });
    const client = new Client(server.url);
    const held = [upsert(client, 'a'), upsert(client, 'b')];
    await until(() => state.waiting > 0);
    await until(async () => (await metric(server.url, 'cairn_http_requests_in_flight')) === 2);
    const refused = await upsert(client, 'c');
    expect(refused.json).toMatchObject({
      status: 503,
      code: 'overloaded',
      outcome: 'not_applied',
      details: { limit: 'requests', value: 3, maximum: 2 },
    });
    expect(refused.headers['retry-after']).toBe('1');
    expect((await client.get('/health')).status).toBe(200);
    expect((await client.get('/ready')).status).toBe(200);
    gate.open();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await upsert(client, 'c')).status).toBe(200);
    expect(await database.collection('c').count()).toMatchObject({ count: 3 });
    await server.close();
  });

  test('refuses bodies that memory has no room for, before they are sent', async () => {
    const gate = closedGate();
    const { database, state } = await gatedDatabase(gate);
    const server = await testServer(database, { load: { requests: 10, bodyBytes: 1_000 } });
    const client = new Client(server.url);
    const held = client.post('/v1/collections/c/upsert', {
      records: [{ id: 'a', vector: [1, 1], metadata: { t: 'x'.repeat(600) } }],
    });
    await until(() => state.waiting > 0);
    const headers = { 'content-type': 'application/json', 'content-length': '600', expect: '100-continue' };
    const refused = await client.send('POST', '/v1/collections/c/query', { headers });
    expect(refused.json).toMatchObject({
      status: 503,
      code: 'overloaded',
      details: { limit: 'bodyBytesInFlight' },
    });
    expect((await client.post('/v1/collections/c/count', {})).status).toBe(200);
    gate.open();
    expect((await held).status).toBe(200);
    await until(async () => (await metric(server.url, 'cairn_http_body_bytes_in_flight')) === 0);
    await server.close();
  });
});

describe('connections', () => {
  test('a client that leaves inside its body leaves nothing behind', async () => {
    const gate = closedGate();
    gate.open();
    const { database } = await gatedDatabase(gate);
    const server = await testServer(database);
    const { socket } = rawConnection(server.url);
    socket.write(
      'POST /v1/collections/c/upsert HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"ids":["a"],',
    );
    await until(async () => (await metric(server.url, 'cairn_http_body_bytes_in_flight')) === 5_000);
    socket.destroy();
    await until(async () => (await metric(server.url, 'cairn_http_body_bytes_in_flight')) === 0);
    expect(await metric(server.url, 'cairn_http_requests_in_flight')).toBe(0);
    expect(await database.collection('c').count()).toMatchObject({ count: 0 });
    await server.close();
  });

  test('one connection carries many requests, refused bodies among them', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database, { keys: ['the-key'] });
    const { socket, received } = rawConnection(server.url);
    const post = (key: string): string =>
      `POST /v1/collections/c/count HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
    socket.write(post('wrong') + post('the-key') + post('wrong') + post('the-key'));
    await until(() => received().split('HTTP/1.1 ').length === 5);
    expect(received().match(/HTTP\/1\.1 \d+/g)).toEqual(
      [401, 200, 401, 200].map((status) => `HTTP/1.1 ${status}`),
    );
    socket.destroy();
    await server.close();
  });

  test('a client that sends its whole body before it reads gets the refusal all the same', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database);
    const { socket, received } = rawConnection(server.url);
    const length = 67_108_865;
    socket.pause();
    socket.write(
      `POST /v1/collections/c/query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`,
    );
    const sent = new Promise<unknown>((resolve) => socket.write(new Uint8Array(length), resolve));
    expect(await sent).toBeFalsy();
    socket.resume();
    await until(() => received().includes('body_too_large'));
    await until(() => socket.closed);
    await server.close();
  });

  test('100-continue is not said to one whose body is not wanted, and the connection ends', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database, { keys: ['the-key'] });
    const { socket, received } = rawConnection(server.url);
    socket.write(
      'POST /v1/collections/c/count HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n',
    );
    await until(() => socket.closed);
    expect(received()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n(?:.+\r\n)*connection: close\r\n/);
    await server.close();
  });

  test('100-continue is said when the body is wanted', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database);
    const { socket, received } = rawConnection(server.url);
    socket.write(
      'POST /v1/collections/c/count HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n',
    );
    await until(() => received().includes('100 Continue'));
    socket.write('{}');
    await until(() => received().includes('"count":0'));
    expect(received()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
    await server.close();
  });

  test.each([
    ['a whole URL as the target', 'GET http://localhost/health HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
    ['a host that makes no URL', 'GET /health HTTP/1.1\r\nhost: a b\r\n\r\n', 400],
    ['a host with a path', 'GET /health HTTP/1.1\r\nhost: localhost/x\r\n\r\n', 400],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    ['TRACE', 'TRACE /health HTTP/1.1\r\nhost: localhost\r\n\r\n', 405],
    ['a target that looks like a host', 'GET //evil.com/health HTTP/1.1\r\nhost: localhost\r\n\r\n', 404],
    ['headers without end', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['no HTTP', 'hello\r\n\r\n', 400],
  ])('%s is answered, and the server goes on', async (_, message, status) => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database);
    const { socket, received } = rawConnection(server.url);
    socket.write(message);
    await until(() => received().includes('\r\n\r\n'));
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    socket.destroy();
    expect((await new Client(server.url).get('/health')).status).toBe(200);
    await server.close();
  });
});

describe('listening', () => {
  test('a port in use is named', async () => {
    const { database } = await gatedDatabase(closedGate());
    const server = await testServer(database);
    const second = startServer({ app: await testApp(database), host: '127.0.0.1', port: server.port });
    await expect(second).rejects.toMatchObject({
      code: 'port_in_use',
      message: `port in use: 127.0.0.1:${server.port}`,
    });
    await server.close();
  });

  test('an address of another machine is refused', async () => {
    const { database } = await gatedDatabase(closedGate());
    const started = startServer({ app: await testApp(database), host: '192.0.2.1', port: 0 });
    await expect(started).rejects.toMatchObject({
      code: 'host_unknown',
      message: expect.stringContaining('192.0.2.1') as string,
    });
    await database.close();
  });
});
