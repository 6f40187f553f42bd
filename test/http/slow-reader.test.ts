/**
 * Requests whose pages are collected while they wait for them. Strategy: the first read of a segment waits at a gate, while
 * another database on the same store replaces the segment and collects it without waiting out the fence, as if the reader
 * had been that slow. Then the read goes on, and the page is not there.
 *
 * Held: the client hears nothing of it, and gets the answer of the newer state; one that has left leaves nothing behind.
 */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { limits } from '../../core/base/limits.js';
import { closedGate, open, testServer, until, watchedStore } from './harness.js';
import { Client } from './suite/client.js';

const IDS = ['a', 'b', 'c'];

async function slowSite() {
  const gate = closedGate();
  const held = { armed: false, waiting: '' };
  const store = watchedStore(async (operation, key) => {
    if (operation !== 'get' || !held.armed || !key.endsWith('.seg')) return;
    held.armed = false;
    held.waiting = key;
    await gate.passed;
  });
  const [here, there] = [
    await open('memory:', { store }),
    await open('memory:', { store, sleep: unlessFence }),
  ];
  const papers = await there.createCollection('papers', { dimension: 2, metric: 'euclidean' });
  const write = (round: number) =>
    papers.upsert(IDS.map((id, i) => ({ id, vector: [round, i], metadata: { round } })));
  await write(1);
  await papers.compact();
  const server = await testServer(here);
  const client = new Client(server.url);
  // Opens the segment, and reads no page of it.
  await client.post('/v1/collections/papers/count', {});
  held.armed = true;
  return {
    client,
    server,
    /** Resolves when the request waits for its page. */
    waiting: () => until(() => held.waiting !== ''),
    /** Replaces the segment, deletes it, and lets the request go on. */
    collected: async () => {
      await write(2);
      await papers.compact();
      const { objects } = await there.collect();
      expect(objects).toBeGreaterThan(0);
      expect(await store.get(held.waiting)).toMatchObject({ status: 'absent' });
      gate.open();
    },
    close: async () => {
      await server.close();
      await there.close();
    },
  };
}

/** D passes at once. */
function unlessFence(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms === limits.fenceMs ? 0 : ms));
}

const rounds = (records: unknown): unknown[] =>
  (records as { metadata: { round: number } }[]).map(({ metadata }) => metadata.round);

describe('a reader whose pages are collected', () => {
  test.each<[string, object, (json: Record<string, unknown>) => unknown, unknown]>([
    ['query', { vector: [2, 0], k: 3 }, ({ matches }) => rounds(matches), [2, 2, 2]],
    ['query', { vector: [2, 0], k: 1, exact: true }, ({ matches }) => rounds(matches), [2]],
    ['query', { id: 'b', k: 1, filter: 'round >= 1' }, ({ matches }) => rounds(matches), [2]],
    ['fetch', { ids: IDS }, ({ records }) => rounds(records), [2, 2, 2]],
    ['scan', {}, ({ records }) => rounds(records), [2, 2, 2]],
    ['count', { filter: { round: 2 } }, ({ count }) => count, 3],
    ['patch', { records: [{ id: 'a', metadata: { seen: true } }] }, ({ patched }) => patched, 1],
  ])('gets the answer of the newer state: %s %o', async (route, body, found, expected) => {
    const site = await slowSite();
    const asked = site.client.post(`/v1/collections/papers/${route}`, body);
    await site.waiting();
    await site.collected();
    const { status, json } = await asked;
    expect(json).not.toHaveProperty('code');
    expect([status, found(json)]).toEqual([200, expected]);
    await site.close();
  });

  test('and who has left by then leaves nothing behind', async () => {
    const site = await slowSite();
    const body = JSON.stringify({ ids: IDS });
    const socket = connect(Number(new URL(site.server.url).port), '127.0.0.1');
    socket.write(
      `POST /v1/collections/papers/fetch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await site.waiting();
    socket.destroy();
    await site.collected();
    await until(async () => (await inFlight(site.client)) === 0);
    const { json } = await site.client.post('/v1/collections/papers/fetch', { ids: IDS });
    expect(rounds(json['records'])).toEqual([2, 2, 2]);
    await site.close();
  });
});

async function inFlight(client: Client): Promise<number> {
  const { text } = await client.get('/metrics');
  return Number(/^cairn_http_requests_in_flight (\d+)$/m.exec(text)?.[1]);
}
