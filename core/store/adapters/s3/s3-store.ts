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
import { CairnError, isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { mustBeKey, mustBeList, mustBePut, mustBeRange, pastEnd } from '../../index.js';
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
import {
  listKeys,
  openPartedUpload,
  planBody,
  putEnd,
  readBody,
  storeError,
  strangeAnswer,
  testStore,
} from '../bucket/index.js';
import type {
  BucketOptions,
  BucketPorts,
  Chunks,
  ListedPage,
  OpenedBucketStore,
  PageAsked,
  StoreAccess,
  StoreFailed,
} from '../bucket/index.js';
import { secretsOf } from './s3-encryption.js';
import type { S3Secrets } from './s3-encryption.js';
import { CUSTOMER_KEY, faultOf, s3Faults } from './s3-faults.js';
import { s3Page } from './s3-listing.js';
import { openRequests, withMd5 } from './s3-requests.js';
import type { S3Requests } from './s3-requests.js';
import { s3Upload } from './s3-upload.js';
import type { S3Location } from './s3-url.js';

/**
 * Opens the store and tests it. Throws `invalid` (`store_unfit`) where it does not keep the promises of the port, and the
 * typed errors of docs/STORES.md where it cannot be used.
 */
export async function openS3Store(
  location: S3Location,
  ports: BucketPorts,
  options: BucketOptions = {},
): Promise<OpenedBucketStore> {
  const requests = await openRequests(location, ports);
  try {
    const secrets = await secretsOf(location, options.customerKey, requests.client);
    const store = new S3Store({ location, requests, ports, secrets });
    if (location.selfTest)
      await testStore({
        store,
        ports,
        stale: STALE,
        respell: () => (requests.unquoted = true),
        expiry: () => requests.expiry,
      });
    return { store, sent: () => requests.sent };
  } catch (error) {
    requests.close();
    throw error;
  }
}

/** An ETag that nothing has. */
const STALE = '"00000000000000000000000000000000"' as StoreVersion;

/** XML 1.0 has no way to write these, not even escaped. The engine's own keys have none of them. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

interface S3Parts {
  readonly location: S3Location;
  readonly requests: S3Requests;
  readonly ports: BucketPorts;
  readonly secrets: S3Secrets;
}

class S3Store implements ObjectStore {
  readonly description: string;
  readonly #location: S3Location;
  readonly #requests: S3Requests;
  readonly #ports: BucketPorts;
  readonly #secrets: S3Secrets;

  constructor({ location, requests, ports, secrets }: S3Parts) {
    this.#location = location;
    this.#requests = requests;
    this.#ports = ports;
    this.#secrets = secrets;
    this.description = `s3://${location.bucket}/${location.prefix}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    const { range, unless, into } = options;
    if (range !== undefined) mustBeRange(key, range);
    const failed = this.#failed('read', key);
    const command = new GetObjectCommand({
      ...this.#object(key),
      ...this.#secrets.touched,
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
      ...this.#secrets.made,
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
      return endOfPut(error, failed, swap);
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    const [requests, secrets, object] = [this.#requests, this.#secrets, this.#object(key)];
    return openPartedUpload({
      ports: this.#ports,
      key,
      parallel: limits.uploadPartsParallel,
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
      ...s3Upload({ requests, secrets, object, failed: this.#failed('write', key) }),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const failed = this.#failed('list');
    try {
      const { bucket, prefix: storePrefix } = this.#location;
      const listing = { requests: this.#requests, bucket, failed };
      const readPage = (asked: PageAsked): Promise<ListedPage> => s3Page(listing, asked);
      return await listKeys({ readPage, storePrefix, prefix, options, failed });
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
    const chunks = output.Body as unknown as Chunks | undefined;
    const { ContentLength, ContentRange, ETag, LastModified } = output;
    try {
      const promised = { length: ContentLength, contentRange: ContentRange };
      const { size, length } = planBody(promised, range, failed);
      if (ETag === undefined) throw strangeAnswer('has no ETag', failed);
      const bytes = await this.#requests.reading(
        ({ abortSignal: late }) => readBody({ chunks, length, into, failed, late }),
        length,
      );
      const modifiedMs = LastModified?.getTime() ?? this.#requests.dateOf(output);
      return { status: 'found', bytes, size, version: ETag as StoreVersion, modifiedMs };
    } catch (error) {
      // A body that is never read holds its connection.
      chunks?.destroy?.();
      throw error;
    }
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#location.prefix + key };
  }

  #failed(access: StoreAccess, key?: string): StoreFailed {
    return { access, description: this.description, ...(key === undefined ? {} : { key }) };
  }
}

interface AskedBody {
  readonly range: GetOptions['range'] | undefined;
  readonly into: GetOptions['into'] | undefined;
  readonly failed: StoreFailed;
}

interface AskedRange {
  readonly key: string;
  readonly range: GetOptions['range'] | undefined;
  readonly failed: StoreFailed;
}

/** Answers that the SDK takes for errors. */
function getEnd(error: unknown, { key, range, failed }: AskedRange): GetResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  if (fault.status === 304) return { status: 'unchanged' };
  if (fault.name === 'NoSuchKey') return { status: 'absent' };
  if (fault.status === 416 && range !== undefined) throw pastEnd(key, range);
  // What else could be wrong with a request that names an object and no more.
  const keyed = fault.status === 400 && (fault.name === 'InvalidRequest' || fault.name === 'InvalidArgument');
  throw storeError(keyed ? { ...fault, name: CUSTOMER_KEY } : fault, failed, s3Faults);
}

/** `refused`: 412, or a swap of what is not there. */
function endOfPut(error: unknown, failed: StoreFailed, swap: boolean): PutResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  if (fault.status === 412 || (swap && fault.name === 'NoSuchKey')) return { status: 'refused' };
  return putEnd(fault, failed, s3Faults);
}

/** The keys that are not named are deleted. Of what went wrong the first is told. */
function notDeleted(errors: readonly _Error[], failed: StoreFailed, prefix: string): CairnError {
  const keys = errors.map(({ Key = '' }) => Key.slice(prefix.length));
  const name = errors[0]?.Code ?? 'InternalError';
  const fault = { name, status: undefined, headers: {}, said: name };
  const first = storeError(fault, { ...failed, key: keys[0] ?? '' }, s3Faults);
  const { kind, code, message, details, retryAfterS } = first;
  return new CairnError(kind, code, `${message}; keys that were not deleted: ${keys.length}`, {
    details: { ...details, not_deleted: keys.slice(0, 10) },
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

function typed(error: unknown, failed: StoreFailed): unknown {
  return isCairnError(error) ? error : storeError(faultOf(error), failed, s3Faults);
}
