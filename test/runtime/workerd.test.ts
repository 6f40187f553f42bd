/**
 * Strategy: core and functions/http, bundled as for a deployment to Workers (worker-entry.ts), in workerd itself. The
 * HTTP suite that every runtime runs; scores beside Node's; then what is particular to Workers: what the bundle holds
 * and weighs, that module load does nothing that is refused there, that requests which interleave need nothing of each
 * other, and that all works while the clock stands still.
 *
 * The memory store in one isolate stands in for a bucket where a real one of R2 would add nothing but time. Of Workers'
 * limits, those on memory, CPU time and connections are not enforced by a local workerd, and so are not tested.
 */
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open } from '../../core/index.js';
import { hasRuntimes } from './install.js';
import type { WorkerSettings } from './worker-entry.js';
import { bundleWorker, startWorker } from './workerd.js';
import type { Bundle, Worker } from './workerd.js';

/** Of the 3 MiB that the smallest plan takes, most is to stay the user's own. */
const gzippedBytesMax = 400 * 1024;

let bundled: Promise<Bundle> | undefined;
const theBundle = (): Promise<Bundle> => (bundled ??= bundleWorker('test/runtime/worker-entry.ts'));

async function start(settings: WorkerSettings = {}, r2Buckets: readonly string[] = []): Promise<Worker> {
  return startWorker(await theBundle(), { SETTINGS: settings }, r2Buckets);
}

const jsonOf = (body: unknown): { body: string; headers: Record<string, string> } => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});

async function call(url: string, body: unknown, method = 'POST'): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(url, { method, ...jsonOf(body) });
  return { status: answer.status, json: await answer.json() };
}

describe.skipIf(!hasRuntimes())('workerd', () => {
  describe('the bundle', () => {
    test('imports nothing at run time but the kernel', async () => {
      const { imports, code } = await theBundle();
      expect(imports).toEqual(['./relaxed.wasm']);
      expect(code).not.toMatch(/["'`]node:|\bimport\s*\(|\brequire\s*\(/);
    });

    test('holds nothing that only other hosts need', async () => {
      const { contents } = await theBundle();
      expect(contents).toContain('core/engine/database.ts');
      const foreign = /^(?:cli|functions\/node|core\/store\/adapters\/node)\/|wasm-bytes|^core\/open\.ts$/;
      expect(contents.filter((path) => foreign.test(path))).toEqual([]);
      // One language of messages, not sixty: see how functions/http imports zod.
      expect(contents.filter((path) => path.includes('zod/v4/locales/')).length).toBeLessThan(3);
    });

    test(`is at most ${gzippedBytesMax} bytes, gzipped, with the kernel`, async () => {
      const { code, wasm } = await theBundle();
      const [codeBytes, wasmBytes] = [gzipSync(code).length, gzipSync(wasm).length];
      process.stdout.write(
        `worker bundle: ${code.length} bytes, gzipped ${codeBytes} + kernel ${wasmBytes} = ${codeBytes + wasmBytes}\n`,
      );
      expect(codeBytes + wasmBytes).toBeLessThanOrEqual(gzippedBytesMax);
    });
  });

  // That it does is what makes the suite below a proof that no module of ours does any of this.
  test.each(['crypto.randomUUID()', 'setTimeout(() => {}, 1)', 'await fetch("http://127.0.0.1")'])(
    'refuses %s at module load',
    async (statement) => {
      const { wasm } = await theBundle();
      const code = `${statement}; export default { fetch: () => new Response() };`;
      await expect(startWorker({ code, wasm }, {})).rejects.toThrow('not allowed within global scope');
    },
  );

  describe.each<readonly [string, WorkerSettings, readonly string[]]>([
    ['memory', { storeDelayMs: 2 }, []],
    ['a bucket of R2', {}, ['BUCKET']],
  ])('requests that interleave, before %s', (_store, settings, r2Buckets) => {
    let worker: Worker;
    beforeAll(async () => {
      worker = await start(settings, r2Buckets);
    });
    afterAll(() => worker.close());

    test('each write takes effect once, and is read at once', async () => {
      const path = `${worker.url}/v1/collections/busy`;
      const created = await Promise.all([1, 2, 3, 4].map(() => call(path, { dimension: 2 }, 'PUT')));
      expect(created.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(created.filter(({ status }) => status === 200)).toHaveLength(3);
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 4; n++) {
          const id = `w${writer}-${n}`;
          expect(await call(`${path}/upsert`, { ids: [id], vectors: [[writer, n + 1]] })).toMatchObject({
            status: 200,
          });
          const { json } = await call(`${path}/fetch`, { ids: [id] });
          expect(json).toMatchObject({ records: [{ id, vector: [writer, n + 1] }] });
        }
      });
      await Promise.all(writers);
      const { json } = await call(`${path}/count`, {});
      // Some carried others.
      expect(json).toMatchObject({
        count: 32,
        sequence: expect.toSatisfy((seq: number) => seq <= 32) as unknown,
      });
    });

    test('one whose client leaves holds up no other', async () => {
      const path = `${worker.url}/v1/collections/left`;
      await call(path, { dimension: 2 }, 'PUT');
      const leaving = Array.from({ length: 8 }, async (_, n) => {
        const body = jsonOf({ ids: [`gone-${n}`], vectors: [[n, 1]] });
        const signal = AbortSignal.timeout(n);
        await fetch(`${path}/upsert`, { method: 'POST', ...body, signal }).catch(() => undefined);
      });
      const staying = [1, 2, 3, 4].map((n) =>
        call(`${path}/upsert`, { ids: [`stays-${n}`], vectors: [[n, 1]] }),
      );
      expect((await Promise.all(staying)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      await Promise.all(leaving);
      const ids = [1, 2, 3, 4].map((n) => `stays-${n}`);
      expect(await call(`${path}/fetch`, { ids })).toMatchObject({
        json: { records: ids.map((id) => ({ id })) },
      });
    });

    test('give workerd nothing to complain of', () => {
      expect(worker.complaints()).toBe('');
    });
  });

  test('scores are those of Node, to the last bit', async () => {
    const worker = await start();
    const database = await open('memory:');
    const count = 100;
    const rows = Array.from({ length: count * 7 }, (_, i) => ((i * 7_919) % 1_000) / 999 - 0.5);
    const vectors = Float32Array.from(rows);
    const base64 = Buffer.from(vectors.buffer).toString('base64');
    const ids = Array.from({ length: count }, (_, row) => `r${row}`);
    try {
      for (const metric of ['cosine', 'euclidean', 'dot', 'manhattan'] as const) {
        const papers = await database.createCollection(metric, { dimension: 7, metric });
        await papers.upsert({ ids, vectors });
        const { matches } = await papers.query({ vector: vectors.subarray(0, 7), k: count });
        const path = `${worker.url}/v1/collections/${metric}`;
        await call(path, { dimension: 7, metric }, 'PUT');
        await call(`${path}/upsert`, { ids, vectors: base64 });
        const { json } = await call(`${path}/query`, { vector: rows.slice(0, 7), k: count });
        expect(matches).toHaveLength(count);
        expect(json).toMatchObject({ matches });
      }
    } finally {
      await database.close();
      await worker.close();
    }
  });

  test("the platform's cache answers what a new isolate would ask of the bucket", async () => {
    const worker = await start({ warmCache: true });
    const path = `${worker.url}/v1/collections/kept`;
    const count = 3_000;
    const vectors = Float32Array.from({ length: count * 8 }, (_, i) => Math.sin(i * 7 + (i % 13)));
    const ids = Array.from({ length: count }, (_, row) => `r${row}`);
    const ask = async (): Promise<{ matches: unknown; usage: Readonly<Record<string, unknown>> }> =>
      (await call(`${path}/query`, { vector: [...vectors.subarray(0, 8)], k: 5 })).json as never;
    try {
      await call(path, { dimension: 8 }, 'PUT');
      await call(`${path}/upsert`, { ids, vectors: Buffer.from(vectors.buffer).toString('base64') });
      expect(await call(`${path}/compact`, {})).toMatchObject({ status: 200 });
      await fetch(`${worker.url}/restart`);
      const cold = await ask();
      expect(cold.usage).toMatchObject({ temperature: 'cold' });
      // Entries are on their way for a moment after the answer.
      let warm = cold;
      for (let tried = 0; warm.usage['temperature'] !== 'warm' && tried < 100; tried++) {
        await fetch(`${worker.url}/restart`);
        warm = await ask();
      }
      expect(warm.matches).toEqual(cold.matches);
      expect(warm.usage).toMatchObject({ temperature: 'warm' });
      // Heads, and the root with its copies.
      expect(warm.usage['bytes_read']).toBeLessThan(30_000);
      expect((await ask()).usage).toMatchObject({ temperature: 'hot' });
      expect(worker.complaints()).toBe('');
    } finally {
      await worker.close();
    }
  });

  test('all works while the clock stands still', async () => {
    const worker = await start({ clock: 'standing', storeDelayMs: 1 });
    const path = `${worker.url}/v1/collections/still`;
    try {
      expect(await call(path, { dimension: 2 }, 'PUT')).toMatchObject({ status: 201 });
      const ids = ['a', 'b', 'c', 'd'];
      const writes = ids.map((id, n) => call(`${path}/upsert`, { ids: [id], vectors: [[n, 1]] }));
      expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const patched = await call(`${path}/patch`, { records: [{ id: 'a', metadata: { n: 1 } }] });
      expect(patched).toMatchObject({ json: { patched: 1 } });
      const { sequence } = patched.json as { readonly sequence: number };
      // The first of them in a slot of its own, the others in as many or carried by each other.
      expect(sequence).toBeGreaterThan(2);
      expect(sequence).toBeLessThanOrEqual(5);
      expect(await call(`${path}/delete`, { filter: 'n = 1' })).toMatchObject({ json: { deleted: 1 } });
      expect(await call(`${path}/query`, { vector: [3, 1], k: 2, consistency: 'eventual' })).toMatchObject({
        json: { matches: [{ id: 'd' }, { id: 'c' }], sequence: sequence + 1 },
      });
      expect(await fetch(`${worker.url}/ready`)).toMatchObject({ status: 200 });
    } finally {
      await worker.close();
    }
  });
});
