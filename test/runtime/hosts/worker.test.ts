/**
 * Strategy: what is particular to a deployed Worker, in workerd over its R2: what its bundle holds, that requests of which one is cut
 * off need nothing of each other and leave nothing behind, that an invocation makes no more requests than it may, and that memory is
 * accounted for. Node writes the collections into the same bucket, so that each Worker begins cold.
 *
 * Of Workers' limits a local workerd enforces none on memory, CPU time, connections and subrequests: held is what the Worker counts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, limits } from '../../../core/index.js';
import { openR2Store } from '../../../core/r2.js';
import { root } from '../../../scripts/set-up.mjs';
import { hasRuntimes } from '../install.js';
import { startR2 } from '../r2/bucket.js';
import { startDeployedWorker } from './runtime-host.js';

const dimension = 64;
const count = 20_000;
const collections = 60;
/** Rows of ten lie together, far from the others, so that whoever looks near the query at all finds what is nearest. */
const groups = count / 10;
const vectors = Float32Array.from({ length: count * dimension }, (_, i) => {
  const row = Math.floor(i / dimension);
  const d = i % dimension;
  return Math.sin(((row % groups) + 1) * (d + 1) * 1.7) + 0.03 * Math.sin(row * 5 + d * 3);
});
const query = [...vectors.subarray(0, dimension)];
const openToAll = { CAIRN_ALLOW_ANONYMOUS: 'true' };

let folder = '';
let expected: readonly object[] = [];

interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

async function ask(url: string, signal?: AbortSignal): Promise<Answer> {
  const answer = await fetch(`${url}/v1/collections/large/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ vector: query, k: 5 }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: answer.status, json: (await answer.json()) as Answer['json'] };
}

async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('the bundle for Workers', () => {
  const files = join(root, 'build/bundles/cloudflare');
  const code = (): string => readFileSync(join(files, 'index.js'), 'utf8');

  test('is one module and the kernel, and imports nothing but what the platform has', () => {
    expect(readdirSync(files).toSorted()).toEqual(['index.js', 'kernel.wasm']);
    const imported = [...code().matchAll(/(?:^|[;}])import\b[^;'"]*?from\s*["']([^"']+)["']/gm)].map(
      ([, from]) => from!,
    );
    expect(imported.toSorted()).toEqual(['./kernel.wasm', 'cloudflare:workers', 'node:async_hooks']);
    expect(code()).not.toMatch(/\bimport\s*\(|\brequire\s*\(/);
  });

  test('holds nothing that only other hosts need', () => {
    // A compiled module in base64, an SDK, the command.
    expect(code()).not.toMatch(/AGFzbQ|AWS_ACCESS_KEY|AZURE_STORAGE|GOOGLE_APPLICATION|worker_threads/);
  });
});

/** Names of core/threads, and the code of an error of theirs, which stays where names are made shorter. */
const ofThreads = /SearchPool|SearchThread|search-worker|thread_lost/;

test.each(['aws', 'azure', 'gcp', 'cloudflare'])('the bundle for %s carries nothing of threads', (cloud) => {
  const files = readdirSync(join(root, 'build/bundles', cloud)).filter((name) => /\.m?js$/.test(name));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files)
    expect(readFileSync(join(root, 'build/bundles', cloud, file), 'utf8')).not.toMatch(ofThreads);
});

test('the bundle for Node carries them, and the file that they are started from', () => {
  const files = readdirSync(join(root, 'build/bundles/node'));
  expect(files).toContain('search-worker.js');
  const code = files.map((file) => readFileSync(join(root, 'build/bundles/node', file), 'utf8')).join('\n');
  expect(code).toMatch(ofThreads);
});

describe.skipIf(!hasRuntimes())('a deployed Worker', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cairn-worker-'));
    const r2 = await startR2(folder);
    const database = await open('r2:BUCKET', { store: await openR2Store(r2.bind(), { selfTest: false }) });
    const large = await database.createCollection('large', { dimension, metric: 'euclidean', tier: 'edge' });
    const ids = Array.from({ length: count }, (_, row) => `r${row}`);
    await large.upsert({ ids: ids.slice(0, 10_000), vectors: vectors.subarray(0, 10_000 * dimension) });
    await large.upsert({ ids: ids.slice(10_000), vectors: vectors.subarray(10_000 * dimension) });
    await large.compact();
    ({ matches: expected } = await large.query({ vector: query, k: 5, exact: true }));
    for (let n = 1; n < collections; n++) await database.createCollection(`small-${n}`, { dimension: 2 });
    await database.close();
    await r2.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  test.each([0, 10, 40, 100])(
    'answers the second of two cold queries when the first is aborted after %d ms',
    async (ms) => {
      const worker = await startDeployedWorker(openToAll, folder);
      try {
        const first = ask(worker.url, AbortSignal.timeout(ms)).catch(() => undefined);
        const second = await ask(worker.url);
        expect(second).toMatchObject({ status: 200, json: { matches: expected } });
        await first;
        // What was cut off ends by itself, and gives back what it held.
        await expect
          .poll(() => gauge(worker.url, 'cairn_http_requests_in_flight'), { timeout: 30_000 })
          .toBe(0);
        // Until the index is in memory leaves of it are probed.
        await expect
          .poll(() => ask(worker.url), { timeout: 30_000 })
          .toMatchObject({ status: 200, json: { matches: expected, usage: { temperature: 'hot' } } });
        expect(worker.complaints()).toBe('');
      } finally {
        await worker.close();
      }
    },
  );

  test('makes no more requests in one invocation than it may', async () => {
    const list = async (subrequests: string): Promise<Answer> => {
      const worker = await startDeployedWorker({ ...openToAll, CAIRN_SUBREQUESTS: subrequests }, folder);
      try {
        const answer = await fetch(`${worker.url}/v1/collections?limit=100`);
        const json = (await answer.json()) as Answer['json'];
        // The next one has an account of its own.
        expect(await ask(worker.url)).toMatchObject({ status: 200 });
        return { status: answer.status, json };
      } finally {
        await worker.close();
      }
    };
    expect(await list('50')).toMatchObject({
      status: 503,
      json: { code: 'subrequests_exhausted', details: { limit: 'subrequests', maximum: 50 } },
    });
    const { json } = await list('1000');
    expect(json['collections']).toHaveLength(collections);
  });

  test.each([96_000_000, 16_777_216])('keeps to a memory budget of %d bytes', async (budget) => {
    const environment = { ...openToAll, CAIRN_MEMORY_BUDGET_BYTES: String(budget) };
    const worker = await startDeployedWorker(environment, folder);
    try {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(worker.url)));
      for (const answer of answers)
        expect(answer).toMatchObject({ status: 200, json: { matches: expected } });
      expect(await gauge(worker.url, 'cairn_memory_budget_bytes')).toBe(budget);
      expect(await gauge(worker.url, 'cairn_memory_peak_bytes')).toBeLessThanOrEqual(budget);
      expect(await gauge(worker.url, 'cairn_memory_peak_bytes')).toBeGreaterThan(1_000_000);
    } finally {
      await worker.close();
    }
  });

  test('takes bodies as long as its memory allows, and says whose limit that is', async () => {
    const worker = await startDeployedWorker(openToAll, folder);
    try {
      const answer = await fetch(`${worker.url}/v1/collections/large/upsert`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: 'x'.repeat(16 * 1024 * 1024 + 1),
      });
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({
        code: 'body_too_large',
        details: { limit: 'bodyBytes', maximum: 16_777_216, platform: 'Cloudflare Workers' },
      });
      expect(limits.bodyBytes).toBeGreaterThan(16_777_216);
    } finally {
      await worker.close();
    }
  });
});
