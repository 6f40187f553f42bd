/** Which writer and reader a format of parts has. */
import { NdjsonWriter } from './ndjson-writer.js';
import { readNdjson } from './ndjson-reader.js';
import { readParquet } from './parquet-reader.js';
import { PartParquetWriter } from './parquet-writer.js';
import type { PartFormat } from './manifest.js';
import type { PartRows, PartWriter } from './part.js';

export async function createPart(folder: string, name: string, format: PartFormat): Promise<PartWriter> {
  return format === 'ndjson'
    ? await NdjsonWriter.create(folder, name)
    : await PartParquetWriter.create(folder, name);
}

export function rowsOf(path: string, format: PartFormat): PartRows {
  return format === 'ndjson' ? readNdjson(path) : readParquet(path);
}
