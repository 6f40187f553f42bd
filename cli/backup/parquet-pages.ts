/**
 * What a Parquet file says of itself, held against limits before anything is made by it. The reader allocates by the numbers
 * of the footer and of page headers, and any of them may lie.
 */
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup } from 'hyparquet';
import { limits } from '../../core/index.js';
import { damaged, unusable } from './file-fault.js';

const MAGIC = 0x31524150; // PAR1
/** Length of the footer and magic. */
const TRAILER_BYTES = 8;
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;

/** Bytes of the footer with its trailer. */
export async function footerBytes(file: AsyncBuffer, path: string): Promise<number> {
  const trailer =
    file.byteLength > TRAILER_BYTES ? await file.slice(file.byteLength - TRAILER_BYTES) : undefined;
  const view = trailer === undefined ? undefined : new DataView(trailer);
  if (view?.getUint32(4, true) !== MAGIC)
    throw damaged(path, { expected: 'a Parquet file', found: 'none, or one that was cut off' });
  const bytes = view.getUint32(0, true);
  if (bytes > file.byteLength - TRAILER_BYTES)
    throw damaged(path, { expected: `a footer within ${file.byteLength} bytes`, found: `${bytes}` });
  mustFit(path, 'parquetFooterBytes', bytes);
  return bytes + TRAILER_BYTES;
}

/** Of the columns of these names alone: others are not read. */
export async function mustBeReadable(
  file: AsyncBuffer,
  { row_groups }: FileMetaData,
  { path, columns }: { readonly path: string; readonly columns: readonly string[] },
): Promise<void> {
  for (const group of row_groups) {
    mustFit(path, 'parquetRowGroupRows', group.num_rows);
    for (const chunk of chunksOf(group, columns)) await mustHoldPages(file, path, chunk);
  }
}

function chunksOf({ columns }: RowGroup, names: readonly string[]): readonly ColumnMetaData[] {
  return columns.flatMap(({ meta_data }) =>
    meta_data !== undefined && names.includes(meta_data.path_in_schema[0] ?? '') ? [meta_data] : [],
  );
}

async function mustHoldPages(file: AsyncBuffer, path: string, chunk: ColumnMetaData): Promise<void> {
  const { num_values, total_compressed_size, data_page_offset, dictionary_page_offset } = chunk;
  const name = chunk.path_in_schema.join('.');
  const bytes = mustFit(path, 'parquetChunkBytes', total_compressed_size);
  const values = mustFit(path, 'parquetChunkValues', num_values);
  const start = Number(
    dictionary_page_offset !== undefined && dictionary_page_offset < data_page_offset
      ? dictionary_page_offset
      : data_page_offset,
  );
  if (!(start >= 0 && start + bytes <= file.byteLength))
    throw damaged(path, {
      expected: `column ${name} within ${file.byteLength} bytes`,
      found: `bytes ${start} to ${start + bytes}`,
    });
  const reader = { view: new DataView(await file.slice(start, start + bytes)), offset: 0 };
  let left = values;
  // The reader goes on to the end of the chunk, whatever the number of values, but for a last byte.
  while (reader.offset < bytes - 1) {
    const page = headerAt(reader, path, name);
    mustFit(path, 'parquetPageBytes', page.inflatedBytes);
    reader.offset += page.bytes;
    if (!(page.bytes >= 0 && reader.offset <= bytes))
      throw damaged(path, { expected: `pages of ${name} in ${bytes} bytes`, found: 'more' });
    // A value of a dictionary takes a bit at least.
    const most = page.type === DICTIONARY_PAGE ? 8 * page.inflatedBytes : left;
    if (!(page.values >= 0 && page.values <= most))
      throw damaged(path, {
        expected: `at most ${most} values in a page of ${name}`,
        found: String(page.values),
      });
    if (page.type !== DICTIONARY_PAGE) left -= page.values;
  }
  if (left > 0)
    throw damaged(path, { expected: `${values} values of ${name}`, found: String(values - left) });
}

interface PageHeader {
  readonly type: number;
  readonly bytes: number;
  readonly inflatedBytes: number;
  readonly values: number;
}

/** The field numbers are those of parquet.thrift. */
function headerAt(reader: { view: DataView; offset: number }, path: string, column: string): PageHeader {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = deserializeTCompactProtocol(reader);
  } catch (error) {
    throw damaged(path, { expected: `a page of ${column}`, found: (error as Error).message });
  }
  const type = Number(fields['field_1']);
  const detail = { [DATA_PAGE]: 'field_5', [DICTIONARY_PAGE]: 'field_7', [DATA_PAGE_V2]: 'field_8' }[type];
  if (detail === undefined)
    throw damaged(path, { expected: `a page of ${column}`, found: `one of type ${type}` });
  return {
    type,
    inflatedBytes: Number(fields['field_2']),
    bytes: Number(fields['field_3']),
    values: Number((fields[detail] as { readonly field_1?: unknown } | undefined)?.field_1),
  };
}

type ParquetLimit = Extract<keyof typeof limits, `parquet${string}`>;

function mustFit(path: string, limit: ParquetLimit, value: number | bigint): number {
  const found = Number(value);
  const maximum = limits[limit];
  if (found >= 0 && found <= maximum) return found;
  const reason = `${limit} is ${found}, the maximum is ${maximum}: write it with smaller row groups or pages`;
  throw unusable(path, { code: 'limit_exceeded', reason }, { limit, value: found, maximum });
}
