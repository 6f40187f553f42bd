/**
 * The object store in a bucket of Amazon S3, or of anything that speaks its interface and keeps its promises: conditional
 * puts, strong reads, ordered lists. Whether it does is asked when it is opened (self-test.ts).
 *
 * - create and compare-and-swap: one PUT with If-None-Match or If-Match. Cost: one request, whatever the size.
 * - a version is an ETag, for most bodies their MD5: an object that was deleted and made again with the same bytes has its
 *   old version again. Whoever swaps puts something into each body that no other has.
 * - integrity: the signature of a put covers the SHA-256 of its body, and the SDK adds a CRC-32.
 * - dates are the store's own.
 */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, _Error } from '@aws-sdk/client-s3';
import { CairnError, invalid, isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { mustBeKey, mustBeList, mustBePut, mustBeRange } from '../../index.js';
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreVersion,
  Upload,
} from '../../index.js';
import { dropBody, planBody, readBody } from './s3-body.js';
import { faultOf, putEnd, s3Error, strangeAnswer } from './s3-errors.js';
import type { S3Access, S3Failed } from './s3-errors.js';
import { listKeys } from './s3-listing.js';
import { openRequests, withMd5 } from './s3-requests.js';
import type { S3Ports, S3Requests } from './s3-requests.js';
import { openS3Upload } from './s3-upload.js';
import type { S3Location } from './s3-url.js';
import { testStore } from './self-test.js';

export interface OpenedS3Store {
  readonly store: ObjectStore;
  /** Requests sent so far: those of the self-test at first. */
  readonly sent: () => number;
}

/**
 * Opens the store and tests it. Throws `invalid` (`store_unfit`) where it does not keep the promises of the port, and the
 * typed errors of s3-errors.ts where it cannot be used.
 */
export async function openS3Store(location: S3Location, ports: S3Ports): Promise<OpenedS3Store> {
  const requests = await openRequests(location, ports);
  const store = new S3Store(location, requests, ports);
  try {
    await testStore({ store, requests, ports });
  } catch (error) {
    requests.close();
    throw error;
  }
  return { store, sent: () => requests.sent };
}

/** XML 1.0 has no way to write these, not even escaped. The engine's own keys have none of them. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

class S3Store implements ObjectStore {
  readonly description: string;
  readonly #location: S3Location;
  readonly #requests: S3Requests;
  readonly #ports: S3Ports;

  constructor(location: S3Location, requests: S3Requests, ports: S3Ports) {
    this.#location = location;
    this.#requests = requests;
    this.#ports = ports;
    this.description = `s3://${location.bucket}/${location.prefix}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    const { range, unless, into } = options;
    if (range !== undefined) mustBeRange(key, range);
    const failed = this.#failed('read', key);
    const command = new GetObjectCommand({
      ...this.#object(key),
      ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      ...(unless === undefined ? {} : { IfNoneMatch: unless }),
    });
    try {
      const output = await this.#requests.bounded((late) => this.#requests.client.send(command, late));
      return await this.#found(output, { range, into, failed });
    } catch (error) {
      return getEnd(error, { key, range, failed });
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    const condition = options.if;
    const swap = typeof condition === 'object';
    const failed = this.#failed('write', key);
    const command = new PutObjectCommand({
      ...this.#object(key),
      Body: bytes,
      ContentType: 'application/octet-stream',
      ...(condition === 'absent' ? { IfNoneMatch: '*' } : {}),
      ...(swap ? { IfMatch: condition.version } : {}),
    });
    try {
      const output = await this.#requests.bounded(
        (late) => this.#requests.client.send(command, late),
        bytes.length,
      );
      const version = output.ETag as StoreVersion | undefined;
      // It was applied, but without its version nobody can go on from it: who looks will find both.
      if (version === undefined) return { status: 'unknown', cause: strangeAnswer('has no ETag', failed) };
      return { status: 'applied', version, modifiedMs: this.#requests.dateOf(output) };
    } catch (error) {
      return putEnd(error, failed, swap);
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    return openS3Upload({
      requests: this.#requests,
      ports: this.#ports,
      object: this.#object(key),
      key,
      failed: this.#failed('write', key),
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const failed = this.#failed('list');
    try {
      return await listKeys({
        requests: this.#requests,
        location: this.#location,
        prefix,
        options,
        failed,
      });
    } catch (error) {
      throw typed(error, failed);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    const unwritable = keys.filter((key) => NOT_IN_XML.test(key));
    const others = unwritable.length === 0 ? keys : keys.filter((key) => !NOT_IN_XML.test(key));
    for (let at = 0; at < others.length; at += limits.deleteKeys)
      await this.#deleteBatch([...new Set(others.slice(at, at + limits.deleteKeys))]);
    for (const key of unwritable) await this.#deleteOne(key);
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  async #deleteOne(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#object(key));
    try {
      await this.#requests.bounded((late) => this.#requests.client.send(command, late));
    } catch (error) {
      throw typed(error, this.#failed('delete', key));
    }
  }

  async #deleteBatch(keys: readonly string[]): Promise<void> {
    const failed = this.#failed('delete');
    const { bucket, prefix } = this.#location;
    const command = new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Quiet: true, Objects: keys.map((key) => ({ Key: prefix + key })) },
    });
    let errors: readonly _Error[];
    try {
      const output = await this.#requests.bounded(
        (late) => this.#requests.client.send(withMd5(command), late),
        0,
        limits.storeDeleteMs,
      );
      errors = output.Errors ?? [];
    } catch (error) {
      throw typed(error, failed);
    }
    if (errors.length > 0) throw notDeleted(errors, failed, prefix);
  }

  async #found(output: GetObjectCommandOutput, { range, into, failed }: AskedBody): Promise<GetResult> {
    try {
      const { size, length } = planBody(output, range, failed);
      const version = output.ETag as StoreVersion | undefined;
      if (version === undefined) throw strangeAnswer('has no ETag', failed);
      const modifiedMs = output.LastModified?.getTime() ?? this.#requests.dateOf(output);
      const bytes = await this.#requests.bounded(
        ({ abortSignal }) => readBody({ output, length, into, failed, late: abortSignal }),
        length,
      );
      return { status: 'found', bytes, size, version, modifiedMs };
    } catch (error) {
      dropBody(output);
      throw error;
    }
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#location.prefix + key };
  }

  #failed(access: S3Access, key?: string): S3Failed {
    return { access, description: this.description, ...(key === undefined ? {} : { key }) };
  }
}

interface AskedBody {
  readonly range: GetOptions['range'] | undefined;
  readonly into: GetOptions['into'] | undefined;
  readonly failed: S3Failed;
}

interface AskedRange {
  readonly key: string;
  readonly range: GetOptions['range'] | undefined;
  readonly failed: S3Failed;
}

/** Answers that the SDK takes for errors. */
function getEnd(error: unknown, { key, range, failed }: AskedRange): GetResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  if (fault.status === 304) return { status: 'unchanged' };
  if (fault.name === 'NoSuchKey') return { status: 'absent' };
  if (fault.status === 416 && range !== undefined) {
    const { offset } = range;
    throw invalid('range_past_end', `range at ${offset} starts past the end of object ${key}`, {
      key,
      offset,
    });
  }
  throw s3Error(fault, failed);
}

/** The keys that are not named are deleted. Of what went wrong the first is told. */
function notDeleted(errors: readonly _Error[], failed: S3Failed, prefix: string): CairnError {
  const keys = errors.map(({ Key = '' }) => Key.slice(prefix.length));
  const name = errors[0]?.Code ?? 'InternalError';
  const first = s3Error(
    { name, status: undefined, headers: {}, said: name },
    { ...failed, key: keys[0] ?? '' },
  );
  const { kind, code, message, details, retryAfterS } = first;
  return new CairnError(kind, code, `${message}; keys that were not deleted: ${keys.length}`, {
    details: { ...details, not_deleted: keys.slice(0, 10) },
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

function typed(error: unknown, failed: S3Failed): unknown {
  return isCairnError(error) ? error : s3Error(faultOf(error), failed);
}
