/** A part in Parquet, row group by row group: one of them is in memory, and the footer. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { limits } from '../../core/index.js';
import type { RecordOutput } from '../../core/index.js';
import { NewFile } from './folder.js';
import type { Written } from './folder.js';
import { PART_SCHEMA } from './parquet-columns.js';
import { metadataOf } from './part.js';
import type { PartWriter } from './part.js';

interface Group {
  readonly ids: string[];
  readonly vectors: (readonly number[])[];
  readonly metadata: (string | null)[];
  readonly expiries: (Date | null)[];
  readonly deleted: boolean[];
  numbers: number;
  textBytes: number;
}

function emptyGroup(): Group {
  return { ids: [], vectors: [], metadata: [], expiries: [], deleted: [], numbers: 0, textBytes: 0 };
}

export class PartParquetWriter implements PartWriter {
  readonly #file: NewFile;
  readonly #bytes: ByteWriter = new ByteWriter();
  readonly #parquet: ParquetWriter;
  #group: Group = emptyGroup();
  #size = 0;

  static async create(folder: string, name: string): Promise<PartParquetWriter> {
    return new PartParquetWriter(await NewFile.create(folder, name));
  }

  private constructor(file: NewFile) {
    this.#file = file;
    this.#parquet = new ParquetWriter({ writer: this.#bytes, schema: [...PART_SCHEMA] });
  }

  get size(): number {
    return this.#size;
  }

  async write(records: readonly RecordOutput[]): Promise<void> {
    for (const record of records) {
      this.#add(record);
      const { numbers, textBytes } = this.#group;
      if (numbers >= limits.exportGroupNumbers || textBytes >= limits.exportGroupBytes)
        await this.#endGroup();
    }
  }

  #add(record: RecordOutput): void {
    const { id, vector = [], expiresAt, deleted = false } = record;
    const metadata = metadataOf(record);
    const text = metadata === undefined ? null : JSON.stringify(metadata);
    const group = this.#group;
    group.ids.push(id);
    group.vectors.push(vector);
    group.metadata.push(text);
    group.expiries.push(expiresAt === undefined ? null : new Date(expiresAt));
    group.deleted.push(deleted);
    const textBytes = id.length + (text?.length ?? 0);
    group.numbers += vector.length;
    group.textBytes += textBytes;
    this.#size += 4 * vector.length + textBytes;
  }

  async #endGroup(): Promise<void> {
    const { ids, vectors, metadata, expiries, deleted } = this.#group;
    this.#group = emptyGroup();
    // Floats gain nothing by compression or a dictionary.
    const exact = { encoding: 'PLAIN', codec: 'UNCOMPRESSED' } as const;
    await this.#parquet.write({
      columnData: [
        { name: 'id', data: ids },
        { name: 'vector', data: vectors as number[][], ...exact },
        { name: 'metadata', data: metadata },
        { name: 'expires_at', data: expiries },
        { name: 'deleted', data: deleted },
      ],
      rowGroupSize: ids.length,
    });
    await this.#drain();
  }

  /** What lies in the buffer goes to the file. Offsets within the file are counted apart. */
  async #drain(): Promise<void> {
    await this.#file.append(this.#bytes.getBytes());
    this.#bytes.index = 0;
  }

  async finish(): Promise<Written> {
    if (this.#group.ids.length > 0) await this.#endGroup();
    await this.#parquet.finish();
    await this.#drain();
    return await this.#file.finish();
  }

  async abandon(): Promise<void> {
    await this.#file.abandon();
  }
}
