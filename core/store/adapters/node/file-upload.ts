/**
 * An upload of the file store: the body grows under a temporary name, as the body of a put does, and gets its own at the
 * end. One that is given up or forgotten is a file in `~tmp`, which no list shows and a later opening sweeps.
 */
import { bytesEqual, concatBytes } from '../../../base/bytes.js';
import { CairnError } from '../../../base/errors.js';
import { uploadEnded } from '../../index.js';
import type { PutResult, Upload } from '../../index.js';
import type { DurableFiles, TmpFile, TmpWriter } from './durable-files.js';
import { fileError } from './file-errors.js';
import { marker, reservedBody, tombstone } from './generations.js';
import type { ObjectPlace } from './key-paths.js';

export interface FileUploadOptions {
  readonly files: DurableFiles;
  readonly place: ObjectPlace;
  /** Gives the finished body its name, whatever has it now. */
  readonly publish: (tmp: TmpFile) => Promise<PutResult>;
}

export async function openFileUpload(options: FileUploadOptions): Promise<Upload> {
  try {
    return new FileUpload(options, await options.files.openTmp());
  } catch (error) {
    throw fileError(error, { access: 'write', path: options.place.object });
  }
}

class FileUpload implements Upload {
  readonly #options: FileUploadOptions;
  #writer: TmpWriter | undefined;
  /** The body while it is short enough to be one of the store's own marks, which are no bodies. */
  #short: Uint8Array | undefined = new Uint8Array(0);

  constructor(options: FileUploadOptions, writer: TmpWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const writer = this.#mustBeOpen();
    if (this.#short !== undefined) {
      const length = this.#short.length + bytes.length;
      this.#short = length > marker.length ? undefined : concatBytes([this.#short, bytes]);
    }
    await this.#orFileError(() => writer.write(bytes));
  }

  async finish(): Promise<void> {
    const writer = this.#mustBeOpen();
    const { files, place, publish } = this.#options;
    const body = this.#short;
    if (body !== undefined && (bytesEqual(body, marker) || bytesEqual(body, tombstone)))
      throw reservedBody(place.key);
    const tmp = await this.#orFileError(() => writer.seal());
    this.#writer = undefined;
    let end: PutResult;
    try {
      end = await this.#orFileError(() => publish(tmp));
    } finally {
      await files.discard(tmp.path);
    }
    if (end.status === 'unknown') {
      const message = `whether object ${place.key} is there nobody can tell`;
      throw new CairnError('unavailable', 'upload_unknown', message, {
        details: { key: place.key },
        outcome: 'unknown',
        cause: end.cause,
      });
    }
  }

  async abort(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.abandon();
  }

  #mustBeOpen(): TmpWriter {
    if (this.#writer === undefined) throw uploadEnded(this.#options.place.key);
    return this.#writer;
  }

  async #orFileError<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw fileError(error, { access: 'write', path: this.#options.place.object });
    }
  }
}
