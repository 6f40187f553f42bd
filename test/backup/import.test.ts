/**
 * Imports: what is refused before anything is written, what a repeat does, and files that others wrote. Strategy: a whole
 * export is made once per test and one thing of it changed; errors are held to file, place and value.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MANIFEST_FILE } from '../../cli/backup/manifest.js';
import type { Collection, Database } from '../../core/index.js';
import { failure } from '../engine/fixture.js';
import { change, database, exported, fill, FORMATS, imported, recordsOf, scratch } from './fixture.js';

const PART = 'part-00000.ndjson.gz';

async function made(rows = 20_000): Promise<{ readonly collection: Collection; readonly folder: string }> {
  const collection = await (await database()).createCollection('c', { dimension: 2, metric: 'dot' });
  await fill(collection, rows, 2);
  const folder = join(scratch(), 'export');
  await exported(collection, folder);
  return { collection, folder };
}

type Fields = Record<string, unknown>;

/** As somebody writes it who knows how a manifest vouches for itself. */
async function rewrite(folder: string, edit: (manifest: Fields) => void): Promise<void> {
  const path = join(folder, MANIFEST_FILE);
  const { checksum: _, ...body } = JSON.parse(await readFile(path, 'utf8')) as Fields;
  edit(body);
  const checksum = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  await writeFile(path, JSON.stringify({ ...body, checksum }));
}

const partsOf = (manifest: Fields): Fields[] => manifest['parts'] as Fields[];

async function mustBeUntouched(db: Database): Promise<void> {
  expect((await db.listCollections()).collections).toEqual([]);
}

describe('nothing is written of an export', () => {
  it('of which a part is damaged, cut off, or missing', async () => {
    const { folder } = await made();
    const db = await database();
    const last = join(folder, 'part-00001.ndjson.gz');
    const whole = await readFile(last);
    const damaged = { kind: 'corrupt', code: 'file_damaged' } as const;
    await change(last, (bytes) => {
      bytes[bytes.length >> 1]! ^= 0x10;
      return bytes;
    });
    const error = await failure(() => imported(db, folder), { ...damaged, message: /SHA-256/ });
    expect(error.details).toMatchObject({ file: last });
    await writeFile(last, whole.subarray(0, -1));
    await failure(() => imported(db, folder), {
      ...damaged,
      message: new RegExp(`expected ${whole.length} bytes, found ${whole.length - 1}$`),
    });
    await rm(last);
    await failure(() => imported(db, folder), { ...damaged, message: /found none$/ });
    await mkdir(last);
    await failure(() => imported(db, folder), { kind: 'invalid', code: 'invalid_file' });
    await mustBeUntouched(db);
  });

  it('whose manifest changed by one byte, wherever it did', async () => {
    const { folder } = await made(10);
    const db = await database();
    const path = join(folder, MANIFEST_FILE);
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      // White space between the fields is nobody's.
      if (/\s/.test(String.fromCharCode(whole[at]!)) && /\s/.test(String.fromCharCode(bytes[at]!))) continue;
      await writeFile(path, bytes);
      await expect(imported(db, folder), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:file_damaged|invalid_manifest)$/) as string,
      });
    }
    await mustBeUntouched(db);
  });

  it.each<[string, (manifest: Fields) => void, RegExp]>([
    [
      'a name that leads elsewhere',
      (m) => (partsOf(m)[0]!['name'] = '../part-00000.ndjson.gz'),
      /parts\.0\.name must be/,
    ],
    ['a part twice', (m) => partsOf(m).push({ ...partsOf(m)[0]! }), /parts\.2\.name must be part-00002/],
    ['ids that do not ascend', (m) => (partsOf(m)[1]!['first_id'] = 'a'), /parts\.1: ids must ascend/],
    ['a sum that is none', (m) => (m['rows'] = 5), /rows is 5, its parts have 20000/],
    ['a field that nobody knows', (m) => (m['colour'] = 'red'), /unrecognized key/],
    ['another version', (m) => (m['version'] = 2), /is of version 2, this command reads 1/],
    ['another format', (m) => (m['format'] = 'lance'), /is no manifest of cairn-export/],
    ['a negative number of rows', (m) => (partsOf(m)[0]!['rows'] = -1), /parts\.0\.rows/],
  ])('whose manifest has %s', async (_, edit, message) => {
    const { folder } = await made();
    await rewrite(folder, edit);
    const db = await database();
    await failure(() => imported(db, folder), { kind: 'invalid', code: 'invalid_manifest', message });
    await mustBeUntouched(db);
  });

  it('that is not complete', async () => {
    const { folder } = await made();
    await rewrite(folder, (manifest) => (manifest['complete'] = false));
    const db = await database();
    await failure(() => imported(db, folder), { kind: 'invalid', code: 'export_incomplete' });
    await mustBeUntouched(db);
  });

  it('into a collection of other settings', async () => {
    const { folder } = await made(10);
    const db = await database();
    await db.createCollection('c', { dimension: 2, metric: 'cosine', softDeleteDays: 3 });
    const error = await failure(() => imported(db, folder), { kind: 'conflict', code: 'collection_exists' });
    expect(error.details['differing']).toEqual(['metric', 'softDeleteDays']);
    expect((await db.collection('c').describe()).sequence).toBe(0);
    expect(await imported(db, folder, { name: 'other' })).toMatchObject({ created: true, count: 10 });
  });
});

describe('a part that is not what its manifest says', () => {
  async function forged(lines: readonly object[], edit: (part: Fields) => void = () => {}): Promise<string> {
    const { folder } = await made(2);
    const bytes = gzipSync(lines.map((line) => JSON.stringify(line)).join('\n'));
    await writeFile(join(folder, PART), bytes);
    await rewrite(folder, (manifest) => {
      const part = partsOf(manifest)[0]!;
      Object.assign(part, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
      edit(part);
    });
    return folder;
  }
  const row = (n: number, vector: unknown = [1, 2]): object => ({ id: `record-000000${n}`, vector });

  it.each<[string, readonly object[], RegExp]>([
    ['fewer rows', [row(0)], /expected 2 rows, found 1$/],
    ['more rows', [row(0), row(1), row(2)], /expected 2 rows, found more$/],
    ['another first id', [row(1), row(2)], /expected first id record-0000000, found record-0000001$/],
    ['another last id', [row(0), row(2)], /expected last id record-0000001, found record-0000002$/],
    ['the same id twice', [row(0), row(0)], /expected ids that ascend, in line 2, found record-0000000/],
    ['a row without an id', [{ vector: [1, 2] }, row(1)], /expected an id in line 1, found none$/],
  ])('has %s', async (_, lines, message) => {
    const folder = await forged(lines);
    const db = await database();
    const error = await failure(() => imported(db, folder), {
      kind: 'corrupt',
      code: 'file_damaged',
      message,
    });
    expect(error.details).toMatchObject({ file: join(folder, PART) });
  });

  it('has a vector that the collection refuses', async () => {
    const folder = await forged([row(0), row(1, [1, 2, 3])]);
    const db = await database();
    const error = await failure(() => imported(db, folder), {
      kind: 'invalid',
      code: 'wrong_dimension',
      message: /part-00000\.ndjson\.gz: line 2: the vector has 3 numbers, the collection's dimension is 2$/,
    });
    expect(error.details).toMatchObject({ file: join(folder, PART), where: 'line 2', found: 3 });
  });
});

describe('a repeat', () => {
  it('writes nothing a second time, and leaves alone what was changed since', async () => {
    const { collection, folder } = await made();
    const db = await database();
    expect(await imported(db, folder)).toMatchObject({ commits: 11, repeated: 0, created: true });
    const copy = db.collection('c');
    const { sequence } = await copy.describe();
    await copy.upsert([{ id: 'record-0000005', vector: [7, 7] }]);
    expect(await imported(db, folder)).toMatchObject({
      commits: 11,
      repeated: 11,
      created: false,
      count: 20_000,
    });
    expect((await copy.describe()).sequence).toBe(sequence + 1);
    const found = new Map(await recordsOf(copy));
    expect(found.get('record-0000005')!.vector).toEqual([7, 7]);
    const original = new Map(await recordsOf(collection));
    for (const each of [found, original]) each.delete('record-0000005');
    expect(found).toEqual(original);
  });

  it('completes what a first run began', async () => {
    const { collection, folder } = await made();
    const db = await database();
    // The first run ends in the middle: the second part cannot be read as its manifest says.
    const second = join(folder, 'part-00001.ndjson.gz');
    const whole = await readFile(second);
    const manifest = await readFile(join(folder, MANIFEST_FILE));
    const half = gzipSync('{"id":');
    await writeFile(second, half);
    await rewrite(folder, (fields) => {
      Object.assign(partsOf(fields)[1]!, {
        bytes: half.length,
        sha256: createHash('sha256').update(half).digest('hex'),
      });
    });
    await failure(() => imported(db, folder), {
      kind: 'invalid',
      code: 'malformed_json',
      message: /line 1: /,
    });
    expect((await db.collection('c').describe()).count).toBe(16_384);
    await writeFile(second, whole);
    await writeFile(join(folder, MANIFEST_FILE), manifest);
    expect(await imported(db, folder)).toMatchObject({ commits: 11, repeated: 9, count: 20_000 });
    expect(await recordsOf(db.collection('c'))).toEqual(await recordsOf(collection));
  });

  it('says that records are missing which were deleted in between', async () => {
    const { folder } = await made(100);
    const db = await database();
    await imported(db, folder);
    await db.collection('c').delete({ ids: ['record-0000001'] });
    const error = await failure(() => imported(db, folder), {
      kind: 'conflict',
      code: 'import_incomplete',
      message: /has 99 records, at least 100 were imported: 1 of 1 commits were made by an earlier run/,
    });
    expect(error.details).toMatchObject({ collection: 'c', count: 99, expected: 100 });
  });
});

describe('a file that somebody else wrote', () => {
  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(scratch(), name);
    await writeFile(path, content);
    return path;
  }
  const lines = [
    { id: 'a', vector: [1, 0], metadata: { title: 'A' } },
    { id: 7, vector: 'AAAAQAAAgD8=', metadata: null },
    { vector: [0.5, 0.25], expires_at: '2999-01-01T00:00:00Z' },
    { id: 'a', vector: [3, 4] },
    { id: 'gone', vector: [1, 1], deleted: true },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join('\r\n')}\n\n`;

  it.each([
    ['rows.ndjson', Buffer.from(text)],
    ['rows.jsonl', Buffer.from(text)],
    ['rows.ndjson.gz', gzipSync(text)],
    ['rows.jsonl.gz', gzipSync(text)],
  ])('%s is imported, its dimension told by its first row', async (name, content) => {
    const db = await database();
    const path = await file(name, content);
    expect(await imported(db, path, { name: 'c', metric: 'euclidean' })).toMatchObject({
      created: true,
      rows: 5,
      commits: 1,
      count: 4,
    });
    const found = await recordsOf(db.collection('c'));
    expect(await db.collection('c').describe()).toMatchObject({
      dimension: 2,
      metric: 'euclidean',
      count: 3,
    });
    expect(found.get('a')).toEqual({ id: 'a', vector: [3, 4], metadata: {} });
    expect(found.get('7')!.vector).toEqual([2, 1]);
    expect(found.get('gone')!.deleted).toBe(true);
    // The derived id is the same in the next run.
    expect(await imported(db, path, { name: 'c' })).toMatchObject({ created: false, repeated: 1, count: 4 });
  });

  it('goes into a collection that is there, with its settings', async () => {
    const db = await database();
    const path = await file('rows.ndjson', text);
    await db.createCollection('c', { dimension: 2, metric: 'dot', quantization: 'none' });
    expect(await imported(db, path, { name: 'c' })).toMatchObject({ created: false, count: 4 });
    await failure(() => imported(db, path, { name: 'c', metric: 'cosine' }), {
      kind: 'conflict',
      code: 'collection_exists',
    });
    await db.createCollection('wide', { dimension: 3 });
    await failure(() => imported(db, path, { name: 'wide' }), {
      kind: 'conflict',
      code: 'collection_exists',
    });
  });

  it.each<[string, string, string, RegExp]>([
    ['no JSON', '{"id":"a","vector":[1,2]}\n{"id":', 'malformed_json', /rows\.ndjson: line 2: /],
    ['an array', '{"vector":[1,2]}\n[1]', 'malformed_json', /line 2: a record is an object$/],
    [
      'another field',
      '{"vector":[1],"text":"x"}',
      'unknown_field',
      /line 1: unknown field "text"; known are id, vector/,
    ],
    ['no vector', '{"id":"a"}', 'invalid_vector', /line 1: needs a vector, which tells the dimension$/],
    [
      'a vector of another length',
      '{"vector":[1]}\n\n{"vector":[1,2]}',
      'wrong_dimension',
      /line 3: the vector has 2 numbers/,
    ],
    ['no number', '{"vector":[1]}\n{"vector":["1"]}', 'invalid_vector', /line 2: number 0 is string$/],
    [
      'an id that is none',
      '{"id":true,"vector":[1]}',
      'invalid_id',
      /line 1: id must be a string, got boolean$/,
    ],
    ['no expiry', '{"vector":[1],"expires_at":"soon"}', 'invalid_expiry', /line 1: .*got "soon"$/],
    [
      'a deletion that is none',
      '{"id":"a","vector":[1],"deleted":1}',
      'malformed_json',
      /line 1: deleted must be true or false$/,
    ],
    [
      'a deletion of nobody',
      '{"vector":[1],"deleted":true}',
      'invalid_id',
      /line 1: a deleted record needs an id$/,
    ],
    ['nothing but blank lines', '\n\n', 'invalid_file', /has no records$/],
    ['nothing', '', 'invalid_file', /is empty$/],
  ])('with %s is refused where it stands', async (_, content, code, message) => {
    const db = await database();
    const path = await file('rows.ndjson', content);
    const error = await failure(() => imported(db, path, { name: 'c' }), { kind: 'invalid', code, message });
    expect(error.details['file']).toBe(path);
  });

  it('needs a name, an ending that is known, and to be there', async () => {
    const db = await database();
    const path = await file('rows.ndjson', text);
    await failure(() => imported(db, path), {
      kind: 'invalid',
      code: 'invalid_request',
      message: /--collection/,
    });
    const other = await file('rows.csv', text);
    await failure(() => imported(db, other, { name: 'c' }), {
      kind: 'invalid',
      code: 'invalid_file',
      message: /\.parquet/,
    });
    await failure(() => imported(db, `${path}.not`, { name: 'c' }), {
      kind: 'invalid',
      code: 'invalid_file',
    });
    await failure(() => imported(db, scratch()), {
      kind: 'invalid',
      code: 'invalid_manifest',
      message: /has no manifest/,
    });
    await mustBeUntouched(db);
  });
});

it.each(FORMATS)('an import of %s takes the metric from the manifest alone', async (format) => {
  const collection = await (await database()).createCollection('c', { dimension: 2 });
  const folder = join(scratch(), 'export');
  await exported(collection, folder, format);
  const db = await database();
  await failure(() => imported(db, folder, { metric: 'dot' }), { kind: 'invalid', code: 'invalid_request' });
  expect(await imported(db, folder)).toMatchObject({ created: true });
});
