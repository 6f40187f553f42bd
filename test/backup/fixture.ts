/** What the tests of exports share: records of every kind, collections of them, scratch folders, and the calls. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { exportCollection, importCollection } from '../../cli/backup/index.js';
import type { ImportResult, PartFormat } from '../../cli/backup/index.js';
import type { Manifest } from '../../cli/backup/manifest.js';
import { limits, open } from '../../core/index.js';
import type { Collection, Database, RecordInput, RecordOutput, Sleep } from '../../core/index.js';
import { systemSleep } from '../../core/system-ports.js';

export const FORMATS: readonly PartFormat[] = ['ndjson', 'parquet'];

const folders: string[] = [];

export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-backup-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const databases: Database[] = [];

/** The fence of a collector is not waited for: nobody else is there. */
const sleep: Sleep = (ms, signal) => (ms === limits.fenceMs ? Promise.resolve() : systemSleep(ms, signal));

export async function database(url: string = 'memory:'): Promise<Database> {
  const opened = await open(url, { sleep });
  databases.push(opened);
  return opened;
}

afterAll(async () => {
  await Promise.all(databases.splice(0).map((each) => each.close()));
});

/** Numbers that tell whether every bit is kept. */
export const odd: readonly number[] = [
  0.1,
  -0,
  1.401298464324817e-45,
  -1.1754943508222875e-38,
  16777217,
  1 / 3,
];

/** Repeatable, and none like another. */
export function vectorOf(n: number, dimension: number): number[] {
  return Array.from({ length: dimension }, (_, i) => Math.fround(Math.sin(n * 31 + i * 7) * 3));
}

export const strange: readonly RecordInput[] = [
  { id: 'plain', vector: odd, metadata: { title: 'a', year: 2020 } },
  {
    id: 'ключ/ид 👩‍🚀\n"quoted"',
    vector: vectorOf(1, 6),
    metadata: { 'поле.с.точкой': ['é', '\u0000', '\\'] },
  },
  { id: '\u{10ffff}', vector: vectorOf(2, 6) },
  { id: '\uffff', vector: vectorOf(3, 6), metadata: {} },
  {
    id: 'nested',
    vector: vectorOf(4, 6),
    metadata: { a: { b: [{ c: null }, [], [[1.5e300, -0.1, true]]], '': { ' ': 'x' } }, n: 9007199254740991 },
  },
  { id: 'expires', vector: vectorOf(5, 6), metadata: { e: 1 }, expiresAt: '2999-12-31T23:59:59.123Z' },
  { id: 'expires in another zone', vector: vectorOf(6, 6), expiresAt: '2500-01-01T00:00:00+05:30' },
];

/** Everything that is stored, of a collection that nobody writes. */
async function* pagesOf(collection: Collection): AsyncGenerator<readonly RecordOutput[]> {
  const all = { include: ['vector', 'metadata', 'expires_at'], includeDeleted: true, limit: 10_000 };
  let cursor: string | undefined;
  do {
    const page = await collection.scan({ ...all, ...(cursor === undefined ? {} : { cursor }) });
    yield page.records;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Every record, as it is stored, by id. */
export async function recordsOf(collection: Collection): Promise<ReadonlyMap<string, RecordOutput>> {
  const records = new Map<string, RecordOutput>();
  for await (const page of pagesOf(collection)) for (const record of page) records.set(record.id, record);
  return records;
}

/** Of all that `recordsOf` tells, in the order of ids: for collections that are too large to compare record by record. */
export async function digestOf(collection: Collection): Promise<string> {
  const hash = createHash('sha256');
  for await (const page of pagesOf(collection))
    for (const record of page) hash.update(JSON.stringify(record));
  return hash.digest('hex');
}

export async function exported(
  collection: Collection,
  folder: string,
  format: PartFormat = 'ndjson',
  onPart: () => void = () => {},
): Promise<Manifest> {
  const options = { folder, format, newId: randomUUID, nowMs: () => Date.now(), onPart };
  return (await exportCollection(collection, options)).manifest;
}

export interface Wanted {
  readonly name?: string;
  readonly metric?: 'cosine' | 'euclidean' | 'dot' | 'manhattan';
  readonly nowMs?: () => number;
}

export async function imported(
  into: Database,
  source: string,
  { name, metric, nowMs = () => Date.now() }: Wanted = {},
): Promise<ImportResult> {
  return await importCollection(into, { source, name, metric, nowMs, onFile: () => {} });
}

/** Changes the bytes of a file in place. */
export async function change(path: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, edit(await readFile(path)));
}

/** The ids are in the order of the numbers. */
export async function fill(collection: Collection, count: number, dimension: number): Promise<void> {
  for (let from = 0; from < count; from += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, count - from) }, (_, i) => from + i);
    await collection.upsert({
      ids: rows.map((n) => `record-${String(n).padStart(7, '0')}`),
      vectors: Float32Array.from(rows.flatMap((n) => vectorOf(n, dimension))),
      metadata: rows.map((n) => ({ n, even: n % 2 === 0 })),
    });
  }
}
