/**
 * Exports under way. Strategy: the source changes between the pages of an export, or the export ends between two parts, and
 * what lies in the folder in the end is compared with the state at its sequence.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryReadManifest, writeManifest } from '../../cli/backup/folder.js';
import { MANIFEST_FILE } from '../../cli/backup/manifest.js';
import type { Manifest } from '../../cli/backup/manifest.js';
import type { Collection, Database } from '../../core/index.js';
import { failure } from '../engine/fixture.js';
import { change, database, digestOf, exported, fill, FORMATS, imported, scratch } from './fixture.js';

const ROWS = 33_000;

async function filledIn(db: Database, rows = ROWS): Promise<Collection> {
  const collection = await db.createCollection('c', { dimension: 4, metric: 'euclidean' });
  await fill(collection, rows, 4);
  return collection;
}

const filled = async (rows = ROWS): Promise<Collection> => await filledIn(await database(), rows);

/** As a process that was killed after so many parts leaves it. */
async function stopped(collection: Collection, folder: string, parts: number): Promise<void> {
  let left = parts;
  const stop = (): void => {
    if (--left === 0) throw new Error('stopped');
  };
  await expect(exported(collection, folder, 'ndjson', stop)).rejects.toThrow('stopped');
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8')) as Manifest;
}

describe('an export', () => {
  it.each(FORMATS)(
    'as %s is of one sequence, whatever is written and compacted meanwhile',
    async (format) => {
      const collection = await filled();
      await collection.compact();
      await collection.upsert([{ id: 'a', vector: [1, 1, 1, 1] }]);
      const before = await digestOf(collection);
      const folder = join(scratch(), 'export');
      const writes: Promise<unknown>[] = [];
      const write = async (): Promise<void> => {
        await collection.upsert([{ id: 'record-0032999', vector: [9, 9, 9, 9] }]);
        await collection.upsert([{ id: 'record-9', vector: [9, 9, 9, 9] }]);
        await collection.delete({ filter: 'n >= 20000 AND n < 20100' });
        await collection.delete({ ids: ['record-0032900'], soft: true });
        await collection.compact();
      };
      const { sequence } = await exported(collection, folder, format, () => writes.push(write()));
      await Promise.all(writes);
      expect(writes.length).toBeGreaterThan(1);
      expect((await collection.describe()).sequence).toBeGreaterThan(sequence!);
      const target = await database();
      await imported(target, folder);
      expect(await digestOf(target.collection('c'))).toBe(before);
    },
  );

  it('that was stopped goes on after its last finished part', async () => {
    const collection = await filled();
    const folder = join(scratch(), 'export');
    await stopped(collection, folder, 2);
    const begun = await manifestIn(folder);
    expect(begun).toMatchObject({ complete: false, parts: [{}, {}] });
    // A part that was not finished, and one that had its name but was not in the manifest yet.
    await writeFile(join(folder, 'part-00002.ndjson.gz.partial'), 'x');
    await writeFile(join(folder, 'part-00002.ndjson.gz'), 'x');
    await collection.upsert([{ id: 'record-9', vector: [1, 1, 1, 1] }]);
    const made: number[] = [];
    const finished = await exported(collection, folder, 'ndjson', () => made.push(1));
    expect(made.length).toBe(1);
    expect(finished).toMatchObject({ complete: true, id: begun.id, sequence: begun.sequence, rows: ROWS });
    expect(finished.parts.slice(0, 2)).toEqual(begun.parts);
    expect((await readdir(folder)).sort()).toEqual([
      MANIFEST_FILE,
      ...finished.parts.map(({ name }) => name),
    ]);
    const target = await database();
    expect(await imported(target, folder)).toMatchObject({ rows: ROWS, count: ROWS });
  });

  it('that is complete is left as it is, once its parts are verified', async () => {
    const collection = await filled(10);
    const folder = join(scratch(), 'export');
    const first = await exported(collection, folder);
    await collection.upsert([{ id: 'b', vector: [1, 1, 1, 1] }]);
    expect(await exported(collection, folder)).toEqual(first);
    await change(join(folder, first.parts[0]!.name), (bytes) => Buffer.concat([bytes, Buffer.from('x')]));
    await failure(() => exported(collection, folder), { kind: 'corrupt', code: 'file_damaged' });
  });

  it('does not go on over a damaged part', async () => {
    const collection = await filled();
    const folder = join(scratch(), 'export');
    await stopped(collection, folder, 1);
    await change(join(folder, 'part-00000.ndjson.gz'), (bytes) => {
      bytes[1_000]! ^= 1;
      return bytes;
    });
    await failure(() => exported(collection, folder), {
      kind: 'corrupt',
      code: 'file_damaged',
      message: /part-00000\.ndjson\.gz is damaged: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}$/,
    });
    await rm(join(folder, 'part-00000.ndjson.gz'));
    const error = await failure(() => exported(collection, folder), {
      kind: 'corrupt',
      code: 'file_damaged',
      message: /expected a file of \d+ bytes, found none/,
    });
    expect(error.details).toMatchObject({ file: join(folder, 'part-00000.ndjson.gz'), found: 'none' });
  });

  it('keeps its state until it is complete, whatever is folded and collected, and no longer', async () => {
    const db = await database();
    const collection = await filledIn(db);
    const before = await digestOf(collection);
    const folder = join(scratch(), 'export');
    await stopped(collection, folder, 1);
    const { id, sequence } = await manifestIn(folder);
    expect(await collection.listSnapshots()).toMatchObject([{ name: `export-${id}`, sequence }]);
    await collection.delete({ filter: 'n >= 20000' });
    await collection.compact();
    await db.collect();
    expect(await exported(collection, folder)).toMatchObject({ id, sequence, rows: ROWS });
    expect(await collection.listSnapshots()).toEqual([]);
    const target = await database();
    await imported(target, folder);
    expect(await digestOf(target.collection('c'))).toBe(before);
  });

  it('that died before it had a snapshot, or after it had made one, begins once more', async () => {
    const collection = await filled(10);
    for (const made of [false, true]) {
      const folder = join(scratch(), 'export');
      await exported(collection, folder);
      const whole = (await tryReadManifest(folder))!;
      const begun = { ...whole, complete: false, sequence: null, rows: 0, parts: [], cursor: null };
      await writeManifest(folder, begun);
      const name = `export-${whole.id}`;
      if (made) await collection.createSnapshot({ name });
      await collection.upsert([{ id: 'a', vector: [1, 1, 1, made ? 2 : 1] }]);
      const finished = await exported(collection, folder);
      expect(finished).toMatchObject({ id: whole.id, sequence: whole.sequence! + (made ? 0 : 1) });
      expect(await collection.listSnapshots()).toEqual([]);
    }
  });

  it('says what to do where its sequence is no longer kept', async () => {
    const db = await database();
    const collection = await filledIn(db);
    const folder = join(scratch(), 'export');
    await stopped(collection, folder, 1);
    await collection.upsert([{ id: 'b', vector: [1, 1, 1, 1] }]);
    await collection.compact();
    const { id } = await manifestIn(folder);
    await collection.deleteSnapshot(`export-${id}`);
    await db.collect();
    const error = await failure(() => exported(collection, folder), {
      kind: 'conflict',
      code: 'sequence_not_kept',
      message:
        /is of sequence 4 of c, which is no longer kept: its snapshot export-[0-9a-f-]{36} was deleted/,
    });
    expect(error.details).toMatchObject({ folder, sequence: 4, collection: 'c' });
  });

  it('does not mix with another one, or with other files', async () => {
    const db = await database();
    const one = await db.createCollection('one', { dimension: 2 });
    const two = await db.createCollection('two', { dimension: 2 });
    const folder = join(scratch(), 'export');
    await exported(one, folder);
    const differs = { kind: 'conflict', code: 'export_differs' } as const;
    await failure(() => exported(two, folder), {
      ...differs,
      message: /another collection: one, created at/,
    });
    await failure(() => exported(one, folder, 'parquet'), { ...differs, message: /as ndjson, not parquet/ });
    const full = scratch();
    await writeFile(join(full, 'mine.txt'), 'x');
    await failure(() => exported(one, full), {
      kind: 'invalid',
      code: 'folder_not_empty',
      message: /"mine\.txt"/,
    });
    expect(await readdir(full)).toEqual(['mine.txt']);
    await failure(() => exported(one, join(full, 'mine.txt', 'export')), {
      kind: 'invalid',
      code: 'invalid_file',
    });
  });

  it('of a collection that is not there makes no manifest', async () => {
    const folder = join(scratch(), 'export');
    const missing = (await database()).collection('missing');
    await failure(() => exported(missing, folder), { kind: 'not_found', code: 'collection_not_found' });
    expect(await readdir(folder)).toEqual([]);
  });
});
