/**
 * Strategy: the built product on the Node that runs the tests and on the newest of the two later lines, each as a
 * process of its own: kernels against their twins, the embedded library on a file store and with threads, and the server over HTTP until
 * SIGTERM. Every answer must be the same on all of them, to the last bit of a score; and a store that one has written
 * is read and written on by each of the others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasNodes, otherNodes } from './install.js';
import { mustBeBuilt, runCheck, startServe } from './node-process.js';

const available = hasNodes();
const ownMajor = process.versions.node.split('.', 1)[0]!;

const nodes = [
  { node: `Node ${ownMajor}`, major: ownMajor, binary: process.execPath },
  ...otherNodes
    .filter(({ major }) => major !== ownMajor)
    .map(({ major, binary }) => ({ node: `Node ${major}`, major, binary })),
];

interface Seen {
  readonly near: readonly { readonly id: string; readonly score: number }[];
  readonly filtered: readonly { readonly id: string }[];
  readonly records: readonly { readonly id: string; readonly deleted?: true; readonly metadata: object }[];
  readonly count: number;
  readonly sequence: number;
}

interface Checked {
  readonly version: string;
  readonly seen: Seen;
}

let folder = '';
beforeAll(() => {
  mustBeBuilt();
  folder = mkdtempSync(join(tmpdir(), 'cairn-nodes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(folder, 'store-'));

async function check(binary: string, action: 'write' | 'read', store: string): Promise<Checked> {
  return (await runCheck(binary, ['embedded-check.mjs', action, store])) as Checked;
}

async function call(
  url: string,
  body?: unknown,
  method = 'POST',
): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, json: await answer.json() };
}

describe.skipIf(!available).each(nodes)('$node', ({ major, binary }) => {
  test('runs the kernels as their twins define them', async () => {
    const { version, compared } = (await runCheck(binary, ['kernel-check.mjs'])) as {
      version: string;
      compared: number;
    };
    expect(version.split('.', 1)[0]).toBe(major);
    expect(compared).toBeGreaterThan(2_500);
  });

  test('runs the embedded library', async () => {
    const { seen, ...done } = await check(binary, 'write', newFolder());
    expect(done).toMatchObject({ upserted: 200, patched: 1, missing: 1, deleted: 1, hidden: 1 });
    expect(seen).toMatchObject({ count: 198, sequence: 4 });
    expect(seen.near).toHaveLength(5);
    expect(seen.near[0]).toMatchObject({ id: 'row-42', score: 0 });
    expect(seen.filtered).toHaveLength(3);
    expect(seen.records.map(({ id, deleted }) => [id, deleted])).toEqual([
      ['row-1', undefined],
      ['row-3', true],
      ['row-4', undefined],
    ]);
    expect(seen.records[0]!.metadata).toEqual({ even: false, title: 'Zeile 1 \u{1F5FF}', more: [1, 'two'] });
  });

  test('searches and builds with threads in shared memory', async () => {
    const { version, seen } = (await runCheck(binary, ['threads-check.mjs'])) as {
      version: string;
      seen: readonly unknown[];
    };
    expect(version.split('.', 1)[0]).toBe(major);
    expect(seen[0]).toHaveLength(80);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  test('serves HTTP and stops cleanly on SIGTERM', async () => {
    const server = await startServe(binary, newFolder());
    const papers = `${server.url}/v1/collections/papers`;
    try {
      expect(await call(papers, { dimension: 3 }, 'PUT')).toMatchObject({ status: 201 });
      const rows = [1, 2].map((n) => ({ id: `r${n}`, vector: [n, 1, 0], metadata: { year: 2_020 + n } }));
      expect(await call(`${papers}/upsert`, { records: rows })).toMatchObject({ json: { upserted: 2 } });
      const vectors = Buffer.from(Float32Array.from([0, 0, 1, 9, 1, 1]).buffer).toString('base64');
      expect(await call(`${papers}/upsert`, { ids: ['c1', 'c2'], vectors })).toMatchObject({
        json: { upserted: 2, sequence: 2 },
      });
      const query = { vector: [0, 0, 2], k: 1 };
      expect(await call(`${papers}/query`, query)).toMatchObject({
        json: { matches: [{ id: 'c1', score: 1 }] },
      });
      expect(await call(`${papers}/query`, { ...query, filter: 'year >= 2022' })).toMatchObject({
        json: { matches: [{ id: 'r2', metadata: { year: 2_022 } }] },
      });
      expect(await call(`${papers}/fetch`, { ids: ['c2', 'nobody'] })).toMatchObject({
        json: { records: [{ id: 'c2', vector: [9, 1, 1] }] },
      });
      expect(await call(`${papers}/query`, { vector: [1] })).toMatchObject({
        status: 400,
        json: { code: 'wrong_dimension' },
      });
      expect(await call(`${papers}-gone/count`, {})).toMatchObject({ status: 404 });
    } finally {
      const { code, error } = await server.stop();
      expect({ code, error }).toEqual({ code: 0, error: '' });
    }
  });
});

const pairs = nodes.flatMap((writer) =>
  nodes.filter((reader) => reader !== writer).map((reader) => ({ writer, reader })),
);

describe.skipIf(!available)('one store', () => {
  test.each(pairs)(
    'written by $writer.node, read and continued by $reader.node',
    async ({ writer, reader }) => {
      const store = newFolder();
      const written = await check(writer.binary, 'write', store);
      const read = await check(reader.binary, 'read', store);
      expect(read.seen).toEqual(written.seen);
      const back = await check(writer.binary, 'read', store);
      const { count, sequence } = written.seen;
      expect(back.seen).toEqual({ ...written.seen, count: count + 1, sequence: sequence + 1 });
      expect(back.version).not.toBe(read.version);
    },
  );
});
