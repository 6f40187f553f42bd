/**
 * An upload of the S3 store: parts of one size (some stores want them equal), each sent when it is full. A body that is
 * shorter than one part is a plain put. What is begun and never ended costs room until a lifecycle rule of the bucket clears
 * it away (AbortIncompleteMultipartUpload).
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { CairnError, isCairnError, overLimit } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { retryDelayMs, uploadEnded } from '../../index.js';
import type { PutResult, Upload } from '../../index.js';
import { faultOf, s3Error, strangeAnswer } from './s3-errors.js';
import type { S3Failed } from './s3-errors.js';
import type { S3Ports, S3Requests } from './s3-requests.js';

export interface S3UploadOptions {
  readonly requests: S3Requests;
  readonly ports: S3Ports;
  /** Bucket and whole key. */
  readonly object: { readonly Bucket: string; readonly Key: string };
  /** Of the port. */
  readonly key: string;
  readonly failed: S3Failed;
  /** For bodies of less than a part. */
  readonly put: (bytes: Uint8Array) => Promise<PutResult>;
}

export function openS3Upload(options: S3UploadOptions): Upload {
  return new S3Upload(options);
}

class S3Upload implements Upload {
  readonly #options: S3UploadOptions;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  /** Of the store, once a part had to be sent. */
  #id: string | undefined;
  readonly #parts: CompletedPart[] = [];
  #open = true;

  constructor(options: S3UploadOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === limits.uploadPartBytes) await this.#sendPart();
      this.#buffer ??= new Uint8Array(limits.uploadPartBytes);
      const taken = bytes.subarray(at, at + limits.uploadPartBytes - this.#filled);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  async finish(): Promise<void> {
    this.#mustBeOpen();
    if (this.#id === undefined) {
      await this.#repeated(async () => {
        const end = await this.#options.put(this.#body());
        if (end.status !== 'applied')
          throw unknown(this.#options, end.status === 'unknown' ? end.cause : undefined);
      });
    } else {
      await this.#sendPart();
      await this.#join(this.#id);
    }
    this.#end();
  }

  async abort(): Promise<void> {
    const id = this.#id;
    const open = this.#open;
    this.#end();
    if (!open || id === undefined) return;
    const { requests, object } = this.#options;
    const command = new AbortMultipartUploadCommand({ ...object, UploadId: id });
    await requests.bounded((late) => requests.client.send(command, late)).catch(() => {});
  }

  #end(): void {
    this.#open = false;
    this.#buffer = undefined;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw uploadEnded(this.#options.key);
  }

  #body(): Uint8Array {
    return this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array(0);
  }

  async #sendPart(): Promise<void> {
    const { requests, object, key, failed } = this.#options;
    const number = this.#parts.length + 1;
    if (number > limits.uploadParts)
      throw overLimit('uploadParts', number, limits.uploadParts, `upload of ${key}`);
    const body = this.#body();
    this.#id ??= await this.#begin();
    const part = { ...object, UploadId: this.#id, PartNumber: number, Body: body };
    await this.#repeated(async () => {
      const command = new UploadPartCommand(part);
      const sent = await requests.bounded((late) => requests.client.send(command, late), body.length);
      if (sent.ETag === undefined) throw strangeAnswer('has no ETag', failed);
      this.#parts.push({ PartNumber: number, ETag: sent.ETag, ...checksumsOf(sent) });
    });
    this.#filled = 0;
  }

  async #begin(): Promise<string> {
    const { requests, object, failed } = this.#options;
    return this.#repeated(async () => {
      const command = new CreateMultipartUploadCommand({
        ...object,
        ContentType: 'application/octet-stream',
      });
      const begun = await requests.bounded((late) => requests.client.send(command, late));
      if (begun.UploadId === undefined) throw strangeAnswer('has no upload id', failed);
      return begun.UploadId;
    });
  }

  /** Once only: of a second try nobody could tell whether it failed because the first had made the object. */
  async #join(id: string): Promise<void> {
    const { requests, object, failed } = this.#options;
    const command = new CompleteMultipartUploadCommand({
      ...object,
      UploadId: id,
      MultipartUpload: { Parts: this.#parts },
    });
    try {
      await requests.bounded((late) => requests.client.send(command, late), 0, limits.storeJoinMs);
    } catch (error) {
      const thrown = s3Error(faultOf(error), failed);
      throw thrown.kind === 'unavailable' ? unknown(this.#options, thrown) : thrown;
    }
  }

  /** The same part again is the same part. Without this one lost answer among thousands of parts would cost all of them. */
  async #repeated<T>(request: () => Promise<T>): Promise<T> {
    const { ports, failed } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const thrown = isCairnError(error) ? error : s3Error(faultOf(error), failed);
        if (thrown.kind !== 'unavailable' || attempt >= limits.readRetries) throw thrown;
        await ports.sleep(retryDelayMs(attempt, ports.random, thrown.retryAfterS));
      }
    }
  }
}

/** A store that answers with the checksum of a part wants to see it again at the end. */
function checksumsOf({ ChecksumCRC32 }: { readonly ChecksumCRC32?: string | undefined }): CompletedPart {
  return ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 };
}

function unknown({ key }: S3UploadOptions, cause: unknown): CairnError {
  const message = `whether object ${key} is there the store did not say`;
  return new CairnError('unavailable', 'upload_unknown', message, {
    details: { key },
    outcome: 'unknown',
    cause,
  });
}
