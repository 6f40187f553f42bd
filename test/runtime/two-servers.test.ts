/**
 * Strategy: two server processes on one file store meet in the store only. Whatever one of them acknowledged, the next
 * strong read of the other must show: checked by hundreds of writes here and reads there, by writers on both at once,
 * by counters that lose an update where a condition is judged on an old state, and by a third process in the end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, mustCall, scanAll } from '../../bench/http-client.mjs';
import { startServer } from '../../bench/server-process.mjs';

type Client = ReturnType<typeof connect>;
type Server = Awaited<ReturnType<typeof startServer>>;

const at = (collection: string, route: string): string => `/v1/collections/${collection}/${route}`;

describe('two servers on one file store', () => {
  let folder: string;
  const servers: Server[] = [];
  const clients: Client[] = [];

  async function startOne(): Promise<Server> {
    const server = await startServer({ store: `file:${folder}` });
    servers.push(server);
    return server;
  }
  function connectTo(server: Server): Client {
    const client = connect(server.url);
    clients.push(client);
    return client;
  }
  /** Makes a collection through the first server and two clients, one of each server. */
  async function pair(collection: string): Promise<readonly [Client, Client]> {
    const [one, other] = [connectTo(servers[0]!), connectTo(servers[1]!)];
    await mustCall(one, 'PUT', `/v1/collections/${collection}`, { dimension: 4, metric: 'euclidean' });
    return [one, other];
  }
  const post = (client: Client, collection: string, route: string, body: object, key?: string) =>
    mustCall(
      client,
      'POST',
      at(collection, route),
      body,
      key === undefined ? {} : { 'idempotency-key': key },
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-two-servers-'));
    await startOne();
    await startOne();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true });
  });

  it('each reads at once what the other acknowledged', async () => {
    const pairOf = await pair('turns');
    for (let turn = 0; turn < 300; turn++) {
      const [here, there] = turn % 2 === 0 ? pairOf : [pairOf[1], pairOf[0]];
      const vector = [turn, 1, 0, 0];
      const wrote = await post(here, 'turns', 'upsert', {
        records: [{ id: `t${turn}`, vector, metadata: { turn } }],
      });
      const read = await readBack(there, turn);
      expect(read).toEqual({ id: `t${turn}`, count: turn + 1, sequence: wrote.sequence });
      if (turn % 10 === 9) await removeAndLook(here, there, turn);
    }

    /** What the other side sees of turn `turn`, by a route that changes from turn to turn. */
    async function readBack(there: Client, turn: number): Promise<object> {
      const [found, all] = await Promise.all([
        turn % 3 === 0
          ? post(there, 'turns', 'query', { vector: [turn, 1, 0, 0], k: 1 })
          : post(there, 'turns', 'fetch', { ids: [`t${turn}`] }),
        post(there, 'turns', 'count', {}),
      ]);
      const { id } = (found.matches ?? found.records)[0];
      return { id, count: all.count, sequence: found.sequence };
    }
    /** Deletes are seen at once as well; the record is put back so that counts stay in step. */
    async function removeAndLook(here: Client, there: Client, turn: number): Promise<void> {
      await post(here, 'turns', 'delete', { ids: [`t${turn}`], soft: true });
      expect((await post(there, 'turns', 'fetch', { ids: [`t${turn}`] })).records).toEqual([]);
      expect((await post(there, 'turns', 'restore', { ids: [`t${turn}`] })).restored).toBe(1);
      expect((await post(here, 'turns', 'count', {})).count).toBe(turn + 1);
    }
  });

  it('writers on both at once lose nothing, and the later sequence wins an id that both write', async () => {
    await pair('crowd');
    const writers = 8;
    const rounds = 25;
    /** The writes of the newest sequence seen for each id: several where a slot holds batches of one server's writers. */
    const newest = new Map<string, { sequence: number; writes: string[] }>();
    const note = (id: string, sequence: number, metadata: object): void => {
      const before = newest.get(id);
      const write = JSON.stringify(metadata);
      if (before === undefined || before.sequence < sequence) newest.set(id, { sequence, writes: [write] });
      else if (before.sequence === sequence) before.writes.push(write);
    };
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const client = connectTo(servers[writer % 2]!);
        for (let round = 0; round < rounds; round++) {
          const ids = [`w${writer}-${round}`, `shared-${round % 5}`];
          const metadata = { round, writer };
          const records = ids.map((id) => ({ id, vector: [writer, round, 0, 0], metadata }));
          const { sequence } = await post(client, 'crowd', 'upsert', { records });
          for (const id of ids) note(id, sequence, metadata);
        }
      }),
    );
    await startOne();
    const [first, ...others] = await Promise.all(
      servers.map((server) => scanAll(connectTo(server), 'crowd')),
    );
    expect(first!.length).toBe(writers * rounds + 5);
    for (const records of others) expect(records).toEqual(first);
    for (const { id, metadata } of first!) expect(newest.get(id)!.writes).toContain(JSON.stringify(metadata));
  });

  it('conditional writes lose no update', async () => {
    const [one] = await pair('counter');
    await post(one, 'counter', 'upsert', {
      records: [{ id: 'n', vector: [1, 0, 0, 0], metadata: { n: 0 } }],
    });
    let refused = 0;
    const each = 20;
    await Promise.all(
      [0, 1, 0, 1].map(async (side) => {
        const client = connectTo(servers[side]!);
        for (let done = 0; done < each;) {
          const { records, sequence } = await post(client, 'counter', 'fetch', { ids: ['n'] });
          const { n } = records[0].metadata;
          const body = { patch: { records: [{ id: 'n', metadata: { n: n + 1 } }] }, if_sequence: sequence };
          const { status, json } = await client.call('POST', at('counter', 'write'), body);
          expect([200, 409]).toContain(status);
          if (status === 200) done++;
          else expect(json.code).toBe('sequence_conflict');
          if (status === 409) refused++;
        }
      }),
    );
    expect((await post(one, 'counter', 'fetch', { ids: ['n'] })).records[0].metadata).toEqual({
      n: 4 * each,
    });
    expect(refused).toBeGreaterThan(0);
  });

  it('a drop and a new collection of the same name are seen by the other', async () => {
    const [one, other] = await pair('reborn');
    for (let life = 0; life < 20; life++) {
      const [here, there] = life % 2 === 0 ? [one, other] : [other, one];
      const vector = new Array<number>(life === 0 ? 4 : 3).fill(1);
      await post(here, 'reborn', 'upsert', { records: [{ id: `life-${life}`, vector }] });
      expect((await post(there, 'reborn', 'scan', {})).records.map(({ id }: { id: string }) => id)).toEqual([
        `life-${life}`,
      ]);
      await mustCall(here, 'DELETE', '/v1/collections/reborn');
      const gone = await there.call('POST', at('reborn', 'count'), {});
      expect([gone.status, gone.json.code]).toEqual([404, 'collection_not_found']);
      const refused = await there.call('POST', at('reborn', 'upsert'), {
        records: [{ id: 'late', vector: [1, 2, 3] }],
      });
      expect(refused.status).toBe(404);
      await mustCall(there, 'PUT', '/v1/collections/reborn', { dimension: 3 });
      expect((await post(here, 'reborn', 'count', {})).count).toBe(0);
    }
  });

  it('a key repeated at the other server gets the first answer, and another request under it is refused', async () => {
    const pairOf = await pair('keys');
    for (let turn = 0; turn < 50; turn++) {
      const [here, there] = turn % 2 === 0 ? pairOf : [pairOf[1], pairOf[0]];
      const body = { records: [{ vector: [turn, 1, 1, 1] }, { vector: [turn, 2, 2, 2] }] };
      const first = await post(here, 'keys', 'upsert', body, `key-${turn}`);
      expect(first.ids.length).toBe(2);
      expect(await post(there, 'keys', 'upsert', body, `key-${turn}`)).toEqual(first);
      const other = await there.call(
        'POST',
        at('keys', 'upsert'),
        { records: [{ vector: [9, 9, 9, 9] }] },
        { 'idempotency-key': `key-${turn}` },
      );
      expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused']);
      expect((await post(here, 'keys', 'count', {})).count).toBe(2 * (turn + 1));
    }
    // The same key at both at once: one of them writes, both get its answer.
    for (let race = 0; race < 25; race++) {
      const body = { records: [{ vector: [race, 1, 1, 1] }] };
      const [a, b] = await Promise.all(
        pairOf.map((client) => post(client, 'keys', 'upsert', body, `race-${race}`)),
      );
      expect(a).toEqual(b);
    }
    expect((await post(pairOf[0], 'keys', 'count', {})).count).toBe(125);
  });
});
