/**
 * A column of one row group, out of its pages: of levels and values, no assembly. Pages of both versions; values plain, by a
 * dictionary, or split by bytes.
 *
 *   page    = header, body
 *   version 1: body = compressed(levels with their lengths, values)
 *   version 2: body = repetition levels, definition levels, compressed(values)
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { damaged, unusable } from './file-fault.js';
import { mustFit } from './parquet-footer.js';
import type { Chunk } from './parquet-footer.js';
import { tryReadRuns } from './parquet-runs.js';
import { tryInflateSnappy } from './parquet-snappy.js';
import { joinValues, tryLookUp, tryReadPlain, tryReadSplit } from './parquet-values.js';
import type { Values } from './parquet-values.js';

/** Page types and fields are numbered as in parquet.thrift. */
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const DETAIL_FIELDS: Readonly<Record<number, string>> = {
  [DATA_PAGE]: 'field_5',
  [DICTIONARY_PAGE]: 'field_7',
  [DATA_PAGE_V2]: 'field_8',
};

const ENCODINGS = [
  ...['PLAIN', 'GROUP_VAR_INT', 'PLAIN_DICTIONARY', 'RLE', 'BIT_PACKED', 'DELTA_BINARY_PACKED'],
  ...['DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', 'RLE_DICTIONARY', 'BYTE_STREAM_SPLIT'],
];

/** Into no more than the length that was held to its limit. */
const INFLATERS: Readonly<Record<string, (bytes: Uint8Array, length: number) => Uint8Array | undefined>> = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY: tryInflateSnappy,
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
};

export interface Column {
  /** One per value, absent ones included. */
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  /** Those that are there. */
  readonly values: Values;
}

interface Page {
  readonly type: number;
  readonly body: Uint8Array;
  readonly inflatedBytes: number;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly values: number;
}

export function readColumn(bytes: Uint8Array, chunk: Chunk, path: string): Column {
  return new ColumnReader(bytes, chunk, path).read();
}

class ColumnReader {
  readonly #reader: { readonly view: DataView; offset: number };
  readonly #bytes: Uint8Array;
  readonly #chunk: Chunk;
  readonly #path: string;
  readonly #repetition: Uint8Array;
  readonly #definition: Uint8Array;
  readonly #parts: Values[] = [];
  #dictionary: Values = [];
  #done = 0;

  constructor(bytes: Uint8Array, chunk: Chunk, path: string) {
    this.#bytes = bytes;
    this.#reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    this.#chunk = chunk;
    this.#path = path;
    this.#repetition = new Uint8Array(chunk.values);
    this.#definition = new Uint8Array(chunk.values);
  }

  read(): Column {
    while (this.#done < this.#chunk.values) {
      const page = this.#nextPage();
      if (page.type === DICTIONARY_PAGE) this.#readDictionary(page);
      else if (page.type === DATA_PAGE) this.#readVersion1(page);
      else this.#readVersion2(page);
    }
    const values = this.#parts.length === 0 ? [] : joinValues(this.#parts);
    return { repetition: this.#repetition, definition: this.#definition, values };
  }

  #nextPage(): Page {
    let fields: Readonly<Record<string, unknown>>;
    try {
      fields = deserializeTCompactProtocol(this.#reader);
    } catch (error) {
      throw this.#wrong('a page', (error as Error).message);
    }
    const type = Number(fields['field_1']);
    const detail = (fields[DETAIL_FIELDS[type] ?? ''] ?? {}) as Readonly<Record<string, unknown>>;
    const inflatedBytes = mustFit(this.#path, 'parquetPageBytes', Number(fields['field_2']));
    const start = this.#reader.offset;
    const end = start + Number(fields['field_3']);
    if (!(end >= start && end <= this.#bytes.length))
      throw this.#wrong('a page within its column', String(end));
    this.#reader.offset = end;
    const values = Number(detail['field_1']);
    const most = type === DICTIONARY_PAGE ? this.#chunk.values : this.#chunk.values - this.#done;
    if (!(values >= 0 && values <= most)) throw this.#wrong(`at most ${most} values`, String(values));
    return { type, body: this.#bytes.subarray(start, end), inflatedBytes, detail, values };
  }

  #readDictionary({ body, inflatedBytes, values }: Page): void {
    const bytes = this.#inflate(body, inflatedBytes);
    this.#dictionary = this.#mustRead(
      tryReadPlain(bytes, { type: this.#type, count: values }),
      'a dictionary',
    );
  }

  #readVersion1({ body, inflatedBytes, detail, values }: Page): void {
    const bytes = this.#inflate(body, inflatedBytes);
    let at = 0;
    const levels = (max: number): Uint32Array => {
      if (max === 0) return new Uint32Array(values);
      const { part, next } = this.#withLength(bytes, at);
      at = next;
      return this.#levels(part, max, values);
    };
    const { maxRepetition, maxDefinition } = this.#chunk.shape;
    const repetition = levels(maxRepetition);
    const definition = levels(maxDefinition);
    this.#add({ repetition, definition, encoding: Number(detail['field_2']), bytes: bytes.subarray(at) });
  }

  #readVersion2({ body, inflatedBytes, detail, values }: Page): void {
    const [definitionBytes, repetitionBytes] = [Number(detail['field_5']), Number(detail['field_6'])];
    const at = definitionBytes + repetitionBytes;
    if (!(definitionBytes >= 0 && repetitionBytes >= 0 && at <= Math.min(body.length, inflatedBytes)))
      throw this.#wrong('levels within a page', String(at));
    const { maxRepetition, maxDefinition } = this.#chunk.shape;
    const repetition = this.#levels(body.subarray(0, repetitionBytes), maxRepetition, values);
    const definition = this.#levels(body.subarray(repetitionBytes, at), maxDefinition, values);
    const rest = body.subarray(at);
    const bytes = detail['field_7'] === false ? rest : this.#inflate(rest, inflatedBytes - at);
    this.#add({ repetition, definition, encoding: Number(detail['field_4']), bytes });
  }

  #levels(bytes: Uint8Array, max: number, count: number): Uint32Array {
    if (max === 0) return new Uint32Array(count);
    const levels = tryReadRuns(bytes, { width: 32 - Math.clz32(max), count });
    return this.#mustRead(levels?.some((level) => level > max) === true ? undefined : levels, 'levels');
  }

  #add(page: {
    readonly repetition: Uint32Array;
    readonly definition: Uint32Array;
    readonly encoding: number;
    readonly bytes: Uint8Array;
  }): void {
    const { repetition, definition, encoding, bytes } = page;
    const { maxDefinition } = this.#chunk.shape;
    this.#repetition.set(repetition, this.#done);
    this.#definition.set(definition, this.#done);
    this.#done += definition.length;
    const count = definition.reduce((sum, level) => (level === maxDefinition ? sum + 1 : sum), 0);
    if (count > 0)
      this.#parts.push(this.#mustRead(this.#tryValues(encoding, bytes, count), `${count} values`));
  }

  #tryValues(encoding: number, bytes: Uint8Array, count: number): Values | undefined {
    const wanted = { type: this.#type, count };
    const name = ENCODINGS[encoding];
    switch (name) {
      case 'PLAIN':
        return tryReadPlain(bytes, wanted);
      case 'BYTE_STREAM_SPLIT':
        return tryReadSplit(bytes, wanted);
      case 'PLAIN_DICTIONARY':
      case 'RLE_DICTIONARY': {
        const indexes = tryReadRuns(bytes.subarray(1), { width: bytes[0] ?? 33, count });
        return indexes === undefined ? undefined : tryLookUp(this.#dictionary, indexes);
      }
      case 'RLE': {
        if (this.#type !== 'BOOLEAN') return undefined;
        const bits = tryReadRuns(this.#withLength(bytes, 0).part, { width: 1, count });
        return bits === undefined ? undefined : Array.from(bits, (bit) => bit === 1);
      }
      default:
        throw unusable(this.#path, {
          code: 'unsupported_file',
          reason: `column ${this.#chunk.shape.name} has the encoding ${name ?? encoding}: write it plain or with a dictionary`,
        });
    }
  }

  /** Bytes behind their length of four bytes. */
  #withLength(bytes: Uint8Array, at: number): { readonly part: Uint8Array; readonly next: number } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const next = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Infinity;
    if (next > bytes.length) throw this.#wrong('levels within a page', String(next));
    return { part: bytes.subarray(at + 4, next), next };
  }

  #inflate(bytes: Uint8Array, length: number): Uint8Array {
    const { codec } = this.#chunk;
    const inflate = INFLATERS[codec];
    if (inflate === undefined) {
      const reason = `is compressed by ${codec}: write it with ${Object.keys(INFLATERS).join(', ')}`;
      throw unusable(this.#path, { code: 'unsupported_file', reason });
    }
    let inflated: Uint8Array | undefined;
    try {
      inflated = inflate(bytes, length);
    } catch (error) {
      throw this.#wrong(`${length} bytes of ${codec}`, (error as Error).message);
    }
    if (inflated?.length !== length) throw this.#wrong(`${length} bytes of ${codec}`, 'others');
    return inflated;
  }

  get #type(): string {
    return this.#chunk.shape.type;
  }

  #mustRead<T>(read: T | undefined, what: string): T {
    if (read !== undefined) return read;
    throw this.#wrong(`${what} of ${this.#type}`, 'fewer, or others');
  }

  #wrong(expected: string, found: string): Error {
    return damaged(this.#path, { expected: `${expected} in column ${this.#chunk.shape.name}`, found });
  }
}
