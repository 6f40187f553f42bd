/**
 * Strategy: the scheduled event of each platform, sent as the platform sends it to a handler whose log has grown past what is worth
 * folding. Held: without it nothing is folded; with it the log becomes a segment, no row is lost, and the handler goes on
 * serving. What an event goes on to do for a minute, collecting, is not waited for.
 */
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, rowsOf } from '../../http/suite/client.js';
import type { Json } from '../../http/suite/client.js';
import { startGcsFake } from '../../engines/gcs-fake/server.js';
import type { GcsFake } from '../../engines/gcs-fake/server.js';
import { hasRuntimes } from '../install.js';
import { freshStore, hasStore } from './stores.js';
import { startHost } from './runtime-host.js';
import { variablesOf } from './variables.js';

const batches = 72;
const rowsInBatch = 7;
/** What only what has gone wrong makes a runtime write. */
const complaint = /error|unhandled|×/i;
const collection = '/v1/collections/papers';

async function ingest(client: Client): Promise<void> {
  await client.put(collection, { dimension: 4, metric: 'euclidean' });
  for (let batch = 0; batch < batches; batch++) {
    const ids = Array.from({ length: rowsInBatch }, (_, row) => `r${batch}-${row}`);
    const vectors = ids.map((_, row) => [batch, row, 1, 1]);
    const { status } = await client.post(`${collection}/upsert`, { ids, vectors });
    expect(status).toBe(200);
  }
}

/** Waits until there is a segment. Ends by the test's own time limit, or with what has failed. */
async function foldedStats(client: Client, failed: () => Error | undefined): Promise<Json> {
  for (;;) {
    const { json } = await client.get(`${collection}/stats`);
    if (rowsOf(json, 'segments').length > 0) return json;
    const error = failed();
    if (error !== undefined) throw error;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.skipIf(!hasRuntimes())('a log that has grown: the scheduled event', () => {
  let gcs: GcsFake;
  beforeAll(async () => {
    gcs = await startGcsFake();
  });
  afterAll(() => gcs.close());

  test.for(['aws', 'azure', 'gcp', 'cloudflare', 'node'] as const)(
    'of %s folds it',
    async (kind, { skip }) => {
      skip(!hasStore(kind));
      const environment = { ...(await freshStore(kind, gcs)), ...variablesOf({ allowAnonymous: true }) };
      const host = await startHost(kind, { binary: process.execPath, environment });
      try {
        const client = new Client(host.url);
        await ingest(client);
        // The command does not wait for an event.
        if (kind !== 'node') {
          const { json } = await client.get(`${collection}/stats`);
          expect(json).toMatchObject({ log: { slots: batches }, segments: [] });
        }
        let failure: Error | undefined;
        host.schedule().catch((error: Error) => (failure = error));
        const rows = batches * rowsInBatch;
        expect(await foldedStats(client, () => failure)).toMatchObject({ records: { visible: rows } });
        const { json } = await client.post(`${collection}/query`, { vector: [3, 5, 1, 1], k: 1 });
        expect(json).toMatchObject({ matches: [{ id: 'r3-5' }] });
        const upserts = '{route="/collections/{name}/upsert",method="POST",status="200"}';
        expect((await client.get('/metrics')).text).toContain(
          `cairn_http_requests_total${upserts} ${batches}\n`,
        );
        expect(host.complaints()).not.toMatch(complaint);
      } finally {
        await host.close();
      }
    },
  );
});
