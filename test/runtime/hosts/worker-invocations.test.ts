/**
 * Strategy: the deployed Worker where an invocation may make the fewest requests of its bucket, over a log that is longer than one may
 * read. Held: the error of one request costs later ones nothing, the test of the bucket counts like all else, and what is wrong with
 * the settings is told to the log and not to callers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../http/suite/client.js';
import { hasRuntimes } from '../install.js';
import { startDeployedWorker } from './runtime-host.js';

const subrequests = 50;

/** Says how many calls of its bucket a scheduled event has made. */
const counting = `
  import worker from './worker.js';
  export default {
    ...worker,
    async scheduled(event, environment, context) {
      let calls = 0;
      const BUCKET = new Proxy(environment.BUCKET, {
        get: (bucket, name) => (...given) => (calls++, bucket[name](...given)),
      });
      const failure = await worker.scheduled(event, { ...environment, BUCKET }, context).catch((error) => error.code);
      console.log(JSON.stringify({ calls, failure }));
    },
  };
`;
const open = { CAIRN_ALLOW_ANONYMOUS: 'true' };
const collection = '/v1/collections/papers';

describe.skipIf(!hasRuntimes())('a Worker', () => {
  let bucket: string;
  beforeAll(async () => {
    bucket = mkdtempSync(join(tmpdir(), 'cairn-bucket-'));
    const worker = await startDeployedWorker(open, bucket);
    const client = new Client(worker.url);
    await client.put(collection, { dimension: 1 });
    for (let slot = 0; slot < 70; slot++) {
      const { status } = await client.post(`${collection}/upsert`, { ids: [`r${slot}`], vectors: [[1]] });
      if (status !== 200) throw new Error(`upsert ${slot} was answered ${status}`);
    }
    await worker.close();
  });
  afterAll(() => rmSync(bucket, { recursive: true, force: true, maxRetries: 5 }));

  // What is left under way would keep all turns for half a minute: the time limit is the assertion.
  test('goes on after a request that ended with calls under way', { timeout: 20_000 }, async () => {
    const worker = await startDeployedWorker({ ...open, CAIRN_SUBREQUESTS: String(subrequests) }, bucket);
    try {
      const client = new Client(worker.url);
      const { json } = await client.post(`${collection}/upsert`, { ids: ['a'], vectors: [[1]] });
      expect(json).toMatchObject({ status: 503, code: 'subrequests_exhausted' });
      expect((await client.get('/v1/collections')).status).toBe(200);
      expect((await client.get('/metrics')).text).toContain('cairn_http_requests_in_flight 0\n');
      expect(worker.complaints()).toBe('');
    } finally {
      await worker.close();
    }
  });

  test('counts the test of its bucket', async () => {
    const environment = { ...open, CAIRN_SUBREQUESTS: String(subrequests) };
    const worker = await startDeployedWorker(environment, bucket, counting);
    try {
      await worker.schedule();
      const line = worker.complaints().trim().split('\n').at(-1)!;
      const { calls, failure } = JSON.parse(line) as { calls: number; failure?: string };
      // So few take it nowhere, which it does not keep to itself.
      expect(failure).toBe('subrequests_exhausted');
      expect(calls).toBeGreaterThan(subrequests / 2);
      expect(calls).toBeLessThanOrEqual(subrequests);
    } finally {
      await worker.close();
    }
  });

  test('tells its log of a binding that is not there, and callers nothing', async () => {
    const worker = await startDeployedWorker({ ...open, CAIRN_STORE: 'r2:OTHER' });
    try {
      const { json, text } = await new Client(worker.url).get('/v1/collections');
      expect(json).toMatchObject({ status: 503, code: 'misconfigured' });
      expect(text).not.toMatch(/binding|r2_buckets/);
      expect(worker.complaints()).toContain('invalid_binding');
      await expect(worker.schedule()).rejects.toThrow('not a binding of R2');
    } finally {
      await worker.close();
    }
  });
});
