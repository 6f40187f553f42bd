/**
 * A part as gzipped lines of JSON. Vectors are base64 of little-endian 32-bit floats, as the HTTP interface takes them: exact,
 * and a third of the length of decimals.
 *
 *   {"id": "a", "vector": "AACAPw==", "metadata": {…}, "expires_at": "…", "deleted": true}
 *
 * The last three only where there is something to say.
 */
import { once } from 'node:events';
import { constants, createGzip } from 'node:zlib';
import type { Gzip } from 'node:zlib';
import type { RecordOutput } from '../../core/index.js';
import { NewFile } from './folder.js';
import type { Written } from './folder.js';
import { metadataOf } from './part.js';
import type { PartWriter } from './part.js';

export class NdjsonWriter implements PartWriter {
  readonly #file: NewFile;
  /** Base64 of floats gives to any level what it gives to the fastest. */
  readonly #gzip: Gzip = createGzip({ level: constants.Z_BEST_SPEED });
  readonly #copied: Promise<void>;
  #size = 0;

  static async create(folder: string, name: string): Promise<NdjsonWriter> {
    return new NdjsonWriter(await NewFile.create(folder, name));
  }

  private constructor(file: NewFile) {
    this.#file = file;
    this.#copied = this.#copy();
    this.#copied.catch(() => {});
  }

  get size(): number {
    return this.#size;
  }

  async #copy(): Promise<void> {
    for await (const chunk of this.#gzip) await this.#file.append(chunk as Uint8Array);
  }

  async write(records: readonly RecordOutput[]): Promise<void> {
    for (const record of records) {
      const line = Buffer.from(`${JSON.stringify(toLine(record))}\n`);
      this.#size += line.length;
      // A file that takes no more ends the copy, and nothing would drain.
      if (!this.#gzip.write(line)) await Promise.race([once(this.#gzip, 'drain'), this.#copied]);
    }
  }

  async finish(): Promise<Written> {
    this.#gzip.end();
    await this.#copied;
    return await this.#file.finish();
  }

  async abandon(): Promise<void> {
    this.#gzip.destroy();
    await this.#copied.catch(() => {});
    await this.#file.abandon();
  }
}

function toLine(record: RecordOutput): object {
  const { id, vector, expiresAt, deleted } = record;
  const metadata = metadataOf(record);
  return {
    id,
    vector: toBase64(vector ?? []),
    ...(metadata === undefined ? {} : { metadata }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(deleted === undefined ? {} : { deleted }),
  };
}

function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(4 * vector.length);
  vector.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
  return bytes.toString('base64');
}
