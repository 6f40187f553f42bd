/**
 * The columns of a part in Parquet, in the types that other tools read as they are: pyarrow, pandas, polars and DuckDB see a
 * list of floats, and a text of JSON.
 *
 *   id          required string
 *   vector      required list of required float
 *   metadata    optional string: JSON, absent where there is none
 *   expires_at  optional timestamp in milliseconds, UTC
 *   deleted     required boolean: soft-deleted
 */
import type { SchemaElement } from 'hyparquet';

export const PART_SCHEMA: readonly SchemaElement[] = [
  { name: 'cairn', num_children: 5 },
  { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'vector', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  { name: 'metadata', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'expires_at', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'OPTIONAL' },
  { name: 'deleted', type: 'BOOLEAN', repetition_type: 'REQUIRED' },
];

/** What a file may have, ours or not. */
export const COLUMNS: readonly string[] = ['id', 'vector', 'metadata', 'expires_at', 'deleted'];
