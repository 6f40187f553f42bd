/**
 * Rows of a Parquet file: parts of ours, and files that anybody wrote with the same columns. One row group is in memory at a
 * time.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { limits } from '../../core/index.js';
import type { JsonObject, RecordInput } from '../../core/index.js';
import { asUnusable, damaged, unusable } from './file-fault.js';
import type { Place } from './file-fault.js';
import { readColumn } from './parquet-column.js';
import type { Column } from './parquet-column.js';
import { readFooter } from './parquet-footer.js';
import type { ColumnShape, FileBytes, Group } from './parquet-footer.js';
import { idOf } from './part.js';
import type { PartRow, PartRows } from './part.js';

export async function* readParquet(path: string): PartRows {
  const handle = await open(path, 'r');
  try {
    const file = await bytesOf(handle, path);
    let start = 0;
    for (const group of await readFooter(file)) {
      const columns = await columnsOf(group, file);
      for (let i = 0; i < group.rows; i++) yield toRow(columns, { i, path, place: `row ${start + i + 1}` });
      start += group.rows;
    }
  } catch (error) {
    // A text that is no UTF-8.
    throw asUnusable(path, error);
  } finally {
    await handle.close();
  }
}

async function bytesOf(handle: FileHandle, path: string): Promise<FileBytes> {
  const { size } = await handle.stat();
  return {
    path,
    size,
    async slice(start: number, end: number): Promise<Uint8Array> {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead === bytes.length) return bytes;
      throw damaged(path, { expected: `${bytes.length} bytes at ${start}`, found: String(bytesRead) });
    },
  };
}

/** What a row has in a column; undefined for nothing. */
type ColumnRows = (row: number) => unknown;

async function columnsOf(
  { rows, chunks }: Group,
  { path, slice }: FileBytes,
): Promise<ReadonlyMap<string, ColumnRows>> {
  const columns = new Map<string, ColumnRows>();
  for (const chunk of chunks) {
    const { shape, start, bytes } = chunk;
    const column = readColumn(await slice(start, start + bytes), chunk, path);
    const found = shape.maxRepetition === 0 ? singles(column, shape) : lists(column, shape, path);
    if (found.rows !== rows)
      throw damaged(path, { expected: `${rows} rows in column ${shape.name}`, found: String(found.rows) });
    columns.set(shape.name, found.at);
  }
  return columns;
}

interface AssembledColumn {
  readonly rows: number;
  readonly at: ColumnRows;
}

function singles({ definition, values }: Column, { maxDefinition, perMs }: ColumnShape): AssembledColumn {
  let next = 0;
  const places = Array.from(definition, (level) => (level === maxDefinition ? next++ : -1));
  const at = (row: number): unknown => {
    const value = values[places[row]!];
    return typeof value === 'bigint' ? value / perMs : value;
  };
  return { rows: places.length, at };
}

/** Lists of floats. A null within one is nothing that a vector can have. */
function lists(
  { repetition, definition, values }: Column,
  { name, nullable, maxDefinition }: ColumnShape,
  path: string,
): AssembledColumn {
  const nullElement = nullable ? maxDefinition - 1 : -1;
  const starts: number[] = [];
  let next = 0;
  for (let i = 0; i < repetition.length; i++) {
    if (repetition[i] === 0) starts.push(next);
    if (definition[i] === maxDefinition) next++;
    else if (definition[i] === nullElement)
      throw unusable(path, {
        code: 'invalid_vector',
        reason: `row ${starts.length} of a row group: a null in ${name}`,
      });
  }
  starts.push(next);
  const floats = values instanceof Float32Array ? values : new Float32Array();
  if (floats.length !== next) throw damaged(path, { expected: `floats in column ${name}`, found: 'others' });
  return { rows: starts.length - 1, at: (row) => floats.subarray(starts[row], starts[row + 1]) };
}

interface RowPlace {
  readonly i: number;
  readonly path: string;
  readonly place: Place;
}

function toRow(columns: ReadonlyMap<string, ColumnRows>, { i, path, place }: RowPlace): PartRow {
  const value = (name: string): unknown => columns.get(name)?.(i);
  const vector = value('vector') as Float32Array;
  const text = value('metadata');
  const metadata = typeof text === 'string' ? parseMetadata(text, path, place) : text;
  const id = idOf(value('id'));
  const expiresAt = expiryOf(value('expires_at'), path, place);
  const record = {
    ...(id === undefined ? {} : { id }),
    vector,
    ...(metadata === undefined ? {} : { metadata }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  return {
    // Whatever a value is, the collection checks it.
    record: record as RecordInput,
    deleted: value('deleted') === true,
    bytes: vector.byteLength + (typeof text === 'string' ? text.length : 0) + (id?.length ?? 0),
    place,
  };
}

function parseMetadata(text: string, path: string, place: Place): JsonObject {
  if (text.length > limits.metadataBytes) {
    const [limit, value, maximum] = ['metadataBytes', text.length, limits.metadataBytes] as const;
    const reason = `${place}: ${limit} is ${value}, the maximum is ${maximum}`;
    throw unusable(path, { code: 'limit_exceeded', reason }, { limit, value, maximum, where: place });
  }
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    const reason = `${place}: metadata: ${(error as Error).message}`;
    throw unusable(path, { code: 'malformed_json', reason }, { where: place });
  }
}

/** Milliseconds, as parts have them, or a text. */
function expiryOf(value: unknown, path: string, place: Place): unknown {
  if (typeof value !== 'bigint') return value;
  const date = new Date(Number(value));
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  const reason = `${place}: expires_at is no time in milliseconds: ${value}`;
  throw unusable(path, { code: 'invalid_expiry', reason }, { where: place });
}
