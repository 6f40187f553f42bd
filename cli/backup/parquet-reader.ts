/**
 * Rows of a Parquet file: parts of ours, and files that anybody wrote with the same columns. One row group is in memory at a
 * time.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { limits } from '../../core/index.js';
import type { JsonObject, RecordInput } from '../../core/index.js';
import { asUnusable, damaged, unusable } from './file-fault.js';
import type { Place } from './file-fault.js';
import { COLUMNS } from './parquet-columns.js';
import { footerBytes, mustBeReadable } from './parquet-pages.js';
import { idOf } from './part.js';
import type { PartRow, PartRows } from './part.js';

/** What the reader has no decoder of its own for. Lengths are those of page headers that were held to the limit. */
const compressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
};

export async function* readParquet(path: string): PartRows {
  const handle = await open(path, 'r');
  try {
    const file = await bufferOf(handle, path);
    const metadata = await footerOf(file, path);
    const columns = columnsOf(metadata, path);
    await mustBeReadable(file, metadata, { path, columns });
    let start = 0;
    for (const { num_rows } of metadata.row_groups) {
      const end = start + Number(num_rows);
      const rows = await rowsBetween(
        { file, metadata, columns: [...columns], rowStart: start, rowEnd: end },
        path,
      );
      if (rows.length !== end - start)
        throw damaged(path, { expected: `${end - start} rows`, found: String(rows.length) });
      for (const [i, row] of rows.entries()) yield toRow(row, path, start + i + 1);
      start = end;
    }
  } finally {
    await handle.close();
  }
}

async function bufferOf(handle: FileHandle, path: string): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start: number, end: number = size): Promise<ArrayBuffer> {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead !== bytes.length)
        throw damaged(path, { expected: `${bytes.length} bytes at ${start}`, found: String(bytesRead) });
      return bytes.buffer;
    },
  };
}

async function footerOf(file: AsyncBuffer, path: string): Promise<FileMetaData> {
  const initialFetchSize = await footerBytes(file, path);
  try {
    return await parquetMetadataAsync(file, { initialFetchSize });
  } catch (error) {
    throw asUnusable(path, error);
  }
}

/** The columns that are there. Throws where one is that a record has no place for. */
function columnsOf({ schema }: FileMetaData, path: string): readonly string[] {
  const names = topLevel(schema);
  const unknown = names.find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined) {
    const reason = `unknown column ${JSON.stringify(unknown.slice(0, 80))}; known are ${COLUMNS.join(', ')}`;
    throw unusable(path, { code: 'unknown_field', reason });
  }
  if (!names.includes('vector'))
    throw unusable(path, { code: 'unknown_field', reason: 'has no column vector' });
  return names;
}

/** The schema is a tree laid out in depth-first order; its first element is the root. */
function topLevel(schema: FileMetaData['schema']): readonly string[] {
  const names: string[] = [];
  for (let at = 1; at < schema.length;) {
    names.push(schema[at]!.name);
    let pending = 1;
    for (; pending > 0 && at < schema.length; at++) pending += (schema[at]!.num_children ?? 0) - 1;
  }
  return names;
}

type ReadOptions = Parameters<typeof parquetReadObjects>[0];

async function rowsBetween(options: ReadOptions, path: string): Promise<readonly Record<string, unknown>[]> {
  try {
    return await parquetReadObjects({ ...options, compressors });
  } catch (error) {
    throw asUnusable(path, error);
  }
}

function toRow(row: Readonly<Record<string, unknown>>, path: string, number: number): PartRow {
  const place = `row ${number}` as const;
  const { id, vector, metadata, expires_at, deleted } = row;
  const numbers = vector as readonly number[];
  const text = typeof metadata === 'string' ? metadata : '';
  const json = typeof metadata === 'string' ? parseMetadata(metadata, path, place) : metadata;
  const name = idOf(id);
  const expiresAt = expires_at instanceof Date ? expires_at.toISOString() : expires_at;
  const record = {
    ...(name === undefined ? {} : { id: name }),
    vector: numbers,
    ...(json === undefined ? {} : { metadata: json }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  return {
    // Whatever a value is, the collection checks it.
    record: record as RecordInput,
    deleted: deleted === true,
    bytes: 4 * (Array.isArray(vector) ? numbers.length : 1) + text.length + (name?.length ?? 0),
    place,
  };
}

function parseMetadata(text: string, path: string, place: Place): JsonObject {
  if (text.length > limits.metadataBytes) {
    const reason = `${place}: metadataBytes is ${text.length}, the maximum is ${limits.metadataBytes}`;
    throw unusable(
      path,
      { code: 'limit_exceeded', reason },
      {
        limit: 'metadataBytes',
        value: text.length,
        maximum: limits.metadataBytes,
        where: place,
      },
    );
  }
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    throw unusable(
      path,
      { code: 'malformed_json', reason: `${place}: metadata: ${(error as Error).message}` },
      { where: place },
    );
  }
}
