/**
 * The footer of a Parquet file: which columns it has and where their bytes lie, held against limits before anything is made
 * by them. Read field by field, by the numbers of parquet.thrift; whatever is not of the kind that it should be is damage.
 */
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { limits } from '../../core/index.js';
import { damaged, unusable } from './file-fault.js';
import { COLUMNS } from './parquet-columns.js';

const MAGIC = 0x31524150; // PAR1
/** Length of the footer, and magic. */
const TRAILER_BYTES = 8;
const TYPES = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'];
const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'];
const OPTIONAL = 1;
const REPEATED = 2;
const TIMESTAMP_MICROS = 10;

export interface FileBytes {
  readonly path: string;
  readonly size: number;
  readonly slice: (start: number, end: number) => Promise<Uint8Array>;
}

/** A column of one value a row, or of a list of them. */
export interface ColumnShape {
  readonly name: string;
  readonly type: string;
  /** Levels at which a value is there, and at which a row begins anew. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** A value within a list may be null. */
  readonly nullable: boolean;
  /** Of a timestamp, how many of its units are a millisecond. */
  readonly perMs: bigint;
}

export interface Chunk {
  readonly shape: ColumnShape;
  readonly start: number;
  readonly bytes: number;
  readonly values: number;
  readonly codec: string;
}

export interface Group {
  readonly rows: number;
  readonly chunks: readonly Chunk[];
}

type Fields = Readonly<Record<string, unknown>>;

export async function readFooter(file: FileBytes): Promise<readonly Group[]> {
  const { path } = file;
  const footer = parseThrift(await footerBytes(file), path);
  const shapes = new Schema(listOf(footer, 2, path), path).columns();
  if (!shapes.some(({ name }) => name === 'vector'))
    throw unusable(path, { code: 'unknown_field', reason: 'has no column vector' });
  return listOf(footer, 4, path).map((group) => groupOf(group, shapes, file));
}

async function footerBytes({ path, size, slice }: FileBytes): Promise<Uint8Array> {
  const trailer =
    size > TRAILER_BYTES ? await slice(size - TRAILER_BYTES, size) : new Uint8Array(TRAILER_BYTES);
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
  if (view.getUint32(4, true) !== MAGIC)
    throw damaged(path, { expected: 'a Parquet file', found: 'none, or one that was cut off' });
  const bytes = view.getUint32(0, true);
  const end = size - TRAILER_BYTES;
  if (bytes > end) throw damaged(path, { expected: `a footer within ${size} bytes`, found: String(bytes) });
  return await slice(end - mustFit(path, 'parquetFooterBytes', bytes), end);
}

function parseThrift(bytes: Uint8Array, path: string): Fields {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return deserializeTCompactProtocol({ view, offset: 0 });
  } catch (error) {
    throw damaged(path, { expected: 'a footer of Parquet', found: (error as Error).message });
  }
}

function structOf(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw damaged(path, { expected: 'a footer of Parquet', found: 'one of other fields' });
}

function listOf(fields: Fields, number: number, path: string): readonly Fields[] {
  const list = fields[`field_${number}`];
  if (Array.isArray(list)) return list.map((each) => structOf(each, path));
  throw damaged(path, { expected: `a list as field ${number}`, found: typeof list });
}

function textOf(bytes: unknown): string {
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : '';
}

/** The elements of a tree in depth-first order, the root first; each tells how many children it has. */
class Schema {
  readonly #elements: readonly Fields[];
  readonly #path: string;
  #next = 1;

  constructor(elements: readonly Fields[], path: string) {
    this.#elements = elements;
    this.#path = path;
  }

  columns(): readonly ColumnShape[] {
    const shapes: ColumnShape[] = [];
    while (this.#next < this.#elements.length) shapes.push(this.#column());
    return shapes;
  }

  /** Throws where a record has no place for the column. */
  #column(): ColumnShape {
    const branch = [this.#elements[this.#next++]!];
    const name = textOf(branch[0]!['field_4']);
    if (!COLUMNS.includes(name)) {
      const reason = `unknown column ${JSON.stringify(name.slice(0, 80))}; known are ${COLUMNS.join(', ')}`;
      throw unusable(this.#path, { code: 'unknown_field', reason });
    }
    // A list is a group of a repeated group of its element, or in old files less than that.
    while (branch.at(-1)!['field_5'] === 1 && branch.length < 3 && this.#next < this.#elements.length)
      branch.push(this.#elements[this.#next++]!);
    const leaf = branch.at(-1)!;
    const levels = (...of: readonly number[]): number =>
      branch.filter((element) => of.includes(Number(element['field_3']))).length;
    const maxRepetition = levels(REPEATED);
    if ((leaf['field_5'] ?? 0) !== 0 || maxRepetition !== (name === 'vector' ? 1 : 0)) {
      const wanted = name === 'vector' ? 'a list of floats' : 'a column of single values';
      throw unusable(this.#path, { code: 'unknown_field', reason: `column ${name} is not ${wanted}` });
    }
    return {
      name,
      type: TYPES[Number(leaf['field_1'])] ?? 'none',
      maxDefinition: levels(OPTIONAL, REPEATED),
      maxRepetition,
      nullable: leaf['field_3'] === OPTIONAL,
      perMs: unitsPerMs(leaf),
    };
  }
}

/** Of a logical type, or of the older converted type. */
function unitsPerMs({ field_6: converted, field_10: logical }: Fields): bigint {
  const timestamp = (logical as Fields | undefined)?.['field_8'] as Fields | undefined;
  const unit = (timestamp?.['field_2'] ?? {}) as Fields;
  if (unit['field_3'] !== undefined) return 1_000_000n;
  return unit['field_2'] !== undefined || converted === TIMESTAMP_MICROS ? 1_000n : 1n;
}

function groupOf(group: Fields, shapes: readonly ColumnShape[], file: FileBytes): Group {
  const { path } = file;
  const rows = mustFit(path, 'parquetRowGroupRows', group['field_3']);
  const columns = listOf(group, 1, path).map((column) => structOf(column['field_3'], path));
  const firstName = ({ field_3: names }: Fields): string =>
    textOf((names as readonly unknown[] | undefined)?.[0]);
  const chunks = shapes.map((shape) => {
    const [found, second] = columns.filter((column) => firstName(column) === shape.name);
    if (found !== undefined && second === undefined) return chunkOf(found, shape, file);
    throw damaged(path, { expected: `one column ${shape.name} in a row group`, found: 'none, or several' });
  });
  return { rows, chunks };
}

function chunkOf(meta: Fields, shape: ColumnShape, { path, size }: FileBytes): Chunk {
  const values = mustFit(path, 'parquetChunkValues', meta['field_5']);
  const bytes = mustFit(path, 'parquetChunkBytes', meta['field_7']);
  const dictionary = Number(meta['field_11'] ?? 0);
  // Some writers say 0 where there is no dictionary.
  const start = dictionary > 0 ? dictionary : Number(meta['field_9']);
  if (!(start >= 0 && start + bytes <= size)) {
    const found = `bytes ${start} to ${start + bytes}`;
    throw damaged(path, { expected: `column ${shape.name} within ${size} bytes`, found });
  }
  return { shape, start, bytes, values, codec: CODECS[Number(meta['field_4'])] ?? 'none' };
}

type ParquetLimit = Extract<keyof typeof limits, `parquet${string}`>;

/** Throws `limit_exceeded`, also where it is no number at all. */
export function mustFit(path: string, limit: ParquetLimit, value: unknown): number {
  const found = Number(value);
  const maximum = limits[limit];
  if (found >= 0 && found <= maximum) return found;
  const reason = `${limit} is ${found}, the maximum is ${maximum}: write it with smaller row groups or pages`;
  throw unusable(path, { code: 'limit_exceeded', reason }, { limit, value: found, maximum });
}
