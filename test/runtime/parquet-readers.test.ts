/**
 * Parquet as others read and write it: Apache's own implementation (arrow-rs, as parquet-wasm), which shares no code with what
 * the product writes and reads it by. What it reads of an export is held to the bit, and what it writes is imported.
 */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { failure } from '../engine/fixture.js';
import { database, exported, imported, recordsOf, scratch, strange, vectorOf } from '../backup/fixture.js';
import { hasRuntimes, packageFolder } from './install.js';

/** Rows of Arrow, by the names of columns. */
type ArrowRow = Readonly<Record<string, unknown>>;

interface ArrowTable {
  toArray(): readonly { toJSON(): ArrowRow }[];
}

/** The few of their types that are used: the packages may not be there yet when the compiler reads this file. */
interface Arrow {
  readonly Float32: new () => unknown;
  readonly Float64: new () => unknown;
  readonly Utf8: new () => unknown;
  readonly Int64: new () => unknown;
  readonly Bool: new () => unknown;
  readonly TimestampMicrosecond: new () => unknown;
  readonly Field: new (name: string, type: unknown, nullable: boolean) => unknown;
  readonly List: new (item: unknown) => unknown;
  readonly FixedSizeList: new (size: number, item: unknown) => unknown;
  readonly Table: new (columns: object) => unknown;
  vectorFromArray(values: readonly unknown[], type: unknown): unknown;
  tableFromIPC(bytes: Uint8Array): ArrowTable;
  tableToIPC(table: unknown, kind: 'stream'): Uint8Array;
}

interface Properties {
  setCompression(codec: number): Properties;
  setDictionaryEnabled(on: boolean): Properties;
  setMaxRowGroupSize(rows: number): Properties;
  setWriterVersion(version: number): Properties;
  setColumnEncoding(column: string, encoding: number): Properties;
  build(): unknown;
}

interface ParquetWasm {
  readonly Compression: Readonly<Record<string, number>>;
  readonly Encoding: Readonly<Record<string, number>>;
  readonly Table: { fromIPCStream(bytes: Uint8Array): unknown };
  readonly WriterPropertiesBuilder: new () => Properties;
  readParquet(bytes: Uint8Array): { intoIPCStream(): Uint8Array };
  writeParquet(table: unknown, properties: unknown): Uint8Array;
}

const load = async <T>(name: string, file: string): Promise<T> =>
  (await import(pathToFileURL(join(packageFolder(name), file)).href)) as T;
const arrowModule = (): Promise<Arrow> => load('apache-arrow', 'Arrow.node.mjs');
const parquetModule = (): Promise<ParquetWasm> => load('parquet-wasm', 'node/parquet_wasm.js');

const ROWS = 5_000;

describe.skipIf(!hasRuntimes())('Parquet', () => {
  it('of an export is read by arrow-rs as lists of floats, texts, times and truths', async () => {
    const collection = await (await database()).createCollection('c', { dimension: 6, metric: 'dot' });
    await collection.upsert(strange);
    await collection.delete({ ids: ['nested'], soft: true });
    const folder = join(scratch(), 'export');
    const { parts } = await exported(collection, folder, 'parquet');
    const [arrow, wasm] = await Promise.all([arrowModule(), parquetModule()]);
    const bytes = await readFile(join(folder, parts[0]!.name));
    const found = arrow
      .tableFromIPC(wasm.readParquet(bytes).intoIPCStream())
      .toArray()
      .map((row) => row.toJSON());
    const expected = [...(await recordsOf(collection)).values()];
    expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    for (const [i, { id, vector, metadata, expiresAt, deleted }] of expected.entries()) {
      const row = found[i]!;
      expect(Array.from(row['vector'] as Iterable<number>), id).toEqual(vector);
      expect(JSON.parse((row['metadata'] as string | null) ?? '{}'), id).toEqual(metadata);
      expect(row['expires_at'], id).toBe(expiresAt === undefined ? null : Date.parse(expiresAt));
      expect(row['deleted'], id).toBe(deleted === true);
    }
  });

  /** A table of theirs, with columns in an order, and of types, that are not ours. */
  async function theirs(properties: (made: Properties, wasm: ParquetWasm) => Properties): Promise<string> {
    const [arrow, wasm] = await Promise.all([arrowModule(), parquetModule()]);
    const numbers = Array.from({ length: ROWS }, (_, n) => n);
    const list = new arrow.List(new arrow.Field('item', new arrow.Float32(), true));
    const table = new arrow.Table({
      metadata: arrow.vectorFromArray(
        numbers.map((n) => (n % 3 === 0 ? null : JSON.stringify({ n, word: `w${n % 7}` }))),
        new arrow.Utf8(),
      ),
      vector: arrow.vectorFromArray(
        numbers.map((n) => vectorOf(n, 5)),
        list,
      ),
      expires_at: arrow.vectorFromArray(
        numbers.map((n) => (n % 2 === 0 ? null : Date.UTC(2999, 0, 1) + n)),
        new arrow.TimestampMicrosecond(),
      ),
      deleted: arrow.vectorFromArray(
        numbers.map((n) => n % 100 === 0),
        new arrow.Bool(),
      ),
      id: arrow.vectorFromArray(
        numbers.map((n) => BigInt(n)),
        new arrow.Int64(),
      ),
    });
    const options = properties(new wasm.WriterPropertiesBuilder(), wasm).build();
    const made = wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), options);
    const path = join(scratch(), 'theirs.parquet');
    writeFileSync(path, made);
    return path;
  }

  it.each<[string, (made: Properties, wasm: ParquetWasm) => Properties]>([
    ['Snappy, dictionaries', (made, { Compression }) => made.setCompression(Compression['SNAPPY']!)],
    [
      'gzip, plain',
      (made, { Compression }) => made.setCompression(Compression['GZIP']!).setDictionaryEnabled(false),
    ],
    [
      'Brotli, small groups',
      (made, { Compression }) => made.setCompression(Compression['BROTLI']!).setMaxRowGroupSize(700),
    ],
    [
      'nothing, version 2',
      (made, { Compression }) =>
        made.setCompression(Compression['UNCOMPRESSED']!).setDictionaryEnabled(false).setWriterVersion(1),
    ],
    [
      'Snappy, version 2, dictionaries',
      (made, { Compression }) => made.setCompression(Compression['SNAPPY']!).setWriterVersion(1),
    ],
  ])('written by arrow-rs is imported: %s', async (name, properties) => {
    const path = await theirs(properties);
    const db = await database();
    if (name.startsWith('nothing')) {
      // Without dictionaries its version 2 writes differences, which no column of a record gains by.
      const error = await failure(() => imported(db, path, { name: 'c' }), {
        kind: 'invalid',
        code: 'unsupported_file',
        message: /has the encoding DELTA_/,
      });
      expect(error.details['file']).toBe(path);
      return;
    }
    expect(await imported(db, path, { name: 'c', metric: 'dot' })).toMatchObject({ rows: ROWS, count: ROWS });
    const records = await recordsOf(db.collection('c'));
    for (const n of [0, 1, 2, 3, 699, 700, 4_999]) {
      expect(records.get(String(n)), String(n)).toEqual({
        id: String(n),
        vector: vectorOf(n, 5),
        metadata: n % 3 === 0 ? {} : { n, word: `w${n % 7}` },
        ...(n % 2 === 0 ? {} : { expiresAt: new Date(Date.UTC(2999, 0, 1) + n).toISOString() }),
        ...(n % 100 === 0 ? { deleted: true } : {}),
      });
    }
  });

  it('compressed by Zstandard is refused by name', async () => {
    const path = await theirs((made, { Compression }) => made.setCompression(Compression['ZSTD']!));
    const db = await database();
    const error = await failure(() => imported(db, path, { name: 'c' }), {
      kind: 'invalid',
      code: 'unsupported_file',
      message: /is compressed by ZSTD: write it with UNCOMPRESSED, SNAPPY, GZIP, BROTLI$/,
    });
    expect(error.details['file']).toBe(path);
  });
});
