/**
 * The client of the ingest bench, a process of its own: encodes every body before the clock starts, then sends them
 * over several keep-alive connections, each taking the next body as soon as its last one was answered.
 */
import { performance } from 'node:perf_hooks';
import { connect, mustCall } from './http-client.mjs';
import { batchBytes, idOf, ingestSet } from './ingest-sets.mjs';

/** @type {Buffer[]} */
let bodies = [];

/** @param {{ set: import('./ingest-sets.mjs').IngestSet, batchRows: number }} order */
function prepare({ set: name, batchRows }) {
  const set = ingestSet(name);
  bodies = batchBytes(set, batchRows).map((bytes, at) => {
    const rows = bytes.length / 4 / set.dimension;
    const ids = Array.from({ length: rows }, (_, row) => idOf(at * batchRows + row));
    const vectors = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
    return Buffer.from(JSON.stringify({ ids, vectors }));
  });
  return { bodies: bodies.length, bodyBytes: bodies.reduce((sum, body) => sum + body.length, 0) };
}

/** @param {{ url: string, collection: string, connections: number }} order */
async function send({ url, collection, connections }) {
  const clients = Array.from({ length: connections }, () => connect(url));
  await Promise.all(clients.map((client) => mustCall(client, 'GET', '/health')));
  const path = `/v1/collections/${collection}/upsert`;
  let next = 0;
  const started = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    clients.map(async (client) => {
      while (next < bodies.length) await mustCall(client, 'POST', path, bodies[next++]);
    }),
  );
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  for (const client of clients) client.close();
  return { ms, cpuMs: (user + system) / 1_000 };
}

process.on('message', (/** @type {any} */ order) => {
  void answer(order);
});

/** @param {any} order */
async function answer(order) {
  process.send?.(order.act === 'prepare' ? prepare(order) : await send(order));
}
