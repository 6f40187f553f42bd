/**
 * The object store in a bucket of Cloudflare R2, through the binding that a Worker has of it. R2 through its S3 interface is the
 * S3 store's.
 *
 * - create and compare-and-swap: one put with `onlyIf`, of `*` and of an ETag. Cost: one request, whatever the size.
 * - a version is an ETag, for most bodies their MD5: an object that was deleted and made again with the same bytes has its old
 *   version again. R2 has a version of each write too, but no condition on it. Whoever swaps puts something into each body
 *   that no other has.
 * - integrity: R2 holds each put against its SHA-256.
 * - dates are the store's own.
 * - nothing outlives the call that it belongs to: one store may serve all invocations of an isolate.
 */
import { isCairnError } from '../../../base/errors.js';
import { limits } from '../../../base/limits.js';
import { mustBeKey, mustBeList, mustBePut, mustBeRange, pastEnd } from '../../index.js';
import type {
  ByteRange,
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
  bounded,
  listKeys,
  mustBeCustomerKey,
  openPartedUpload,
  putEnd,
  readBody,
  strangeAnswer,
  testStore,
} from '../bucket/index.js';
import type { ListedPage, PageAsked, StoreAccess, StoreFailed } from '../bucket/index.js';
import type { R2Binding, R2Body, R2Condition, R2Head, R2Keyed } from './r2-binding.js';
import { chunksOf } from './r2-body.js';
import { faultOf, INVALID_RANGE, NO_CODE, r2Faults, typed } from './r2-faults.js';
import { answered } from './r2-requests.js';
import type { R2Ports, R2Requests } from './r2-requests.js';
import { r2Upload } from './r2-upload.js';

export interface R2Location {
  /** Of the binding, for messages. */
  readonly name: string;
  /** Of all keys: empty, or ends with a slash. */
  readonly prefix: string;
  /** In which the answer to a request has to begin. */
  readonly answerMs: number;
  /** False: the store is trusted as it is. */
  readonly selfTest: boolean;
  /** 32 bytes. */
  readonly customerKey?: Uint8Array;
}

/**
 * Opens the store and tests it. Throws `invalid` (`store_unfit`) where it does not keep the promises of the port, and the
 * typed errors of docs/STORES.md where it cannot be used.
 */
export async function openR2Bucket(
  bucket: R2Binding,
  location: R2Location,
  ports: R2Ports,
): Promise<ObjectStore> {
  const store = new R2Store(bucket, location, ports);
  if (location.selfTest) await testStore({ store, ports, stale: STALE, paced: true });
  return store;
}

/** An ETag that nothing has. */
const STALE = '00000000000000000000000000000000' as StoreVersion;

class R2Store implements ObjectStore {
  readonly description: string;
  readonly #prefix: string;
  readonly #requests: R2Requests;
  readonly #secret: R2Keyed;

  constructor(bucket: R2Binding, { name, prefix, answerMs, customerKey }: R2Location, ports: R2Ports) {
    if (customerKey !== undefined) mustBeCustomerKey(customerKey);
    this.#prefix = prefix;
    this.#requests = { bucket, ports, answerMs };
    this.#secret = customerKey === undefined ? {} : { ssecKey: new Uint8Array(customerKey).buffer };
    this.description = `r2://${name}/${prefix}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    const { range, unless, into } = options;
    if (range !== undefined) mustBeRange(key, range);
    const failed = this.#failed('read', key);
    try {
      const object = await answered(
        this.#requests,
        (bucket) =>
          bucket.get(this.#prefix + key, {
            ...this.#secret,
            ...(range === undefined ? {} : { range: { offset: range.offset, length: range.length } }),
            ...(unless === undefined ? {} : { onlyIf: { etagDoesNotMatch: unless } }),
          }),
        { drop: dropBody },
      );
      if (object === null) return { status: 'absent' };
      if (hasBody(object)) return await this.#found(object, { key, range, into, failed });
      if (unless === undefined) throw strangeAnswer('has no body', failed);
      return { status: 'unchanged' };
    } catch (error) {
      throw await this.#getFailed(error, { key, range, failed });
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    const failed = this.#failed('write', key);
    const sha256 = await this.#requests.ports.sha256(bytes);
    try {
      const object = await answered(
        this.#requests,
        (bucket) =>
          bucket.put(this.#prefix + key, bytes, { ...this.#secret, ...conditionOf(options), sha256 }),
        { bytes: bytes.length },
      );
      if (object === null) return { status: 'refused' };
      const version = object.etag as StoreVersion;
      return { status: 'applied', version, modifiedMs: object.uploaded.getTime() };
    } catch (error) {
      return putEnd(faultOf(error), failed, r2Faults);
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    const [requests, secret] = [this.#requests, this.#secret];
    return openPartedUpload({
      ports: requests.ports,
      key,
      // A Worker has 128 MB, and a part on its way takes as much as one that is filled.
      parallel: 1,
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
      ...r2Upload({ requests, secret, key: this.#prefix + key, failed: this.#failed('write', key) }),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const failed = this.#failed('list');
    try {
      const readPage = (asked: PageAsked): Promise<ListedPage> => this.#page(asked);
      return await listKeys({ readPage, storePrefix: this.#prefix, prefix, options, failed });
    } catch (error) {
      throw typed(error, failed);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    const answerMs = limits.storeDeleteMs;
    for (let at = 0; at < keys.length; at += limits.deleteKeys) {
      const whole = keys.slice(at, at + limits.deleteKeys).map((key) => this.#prefix + key);
      try {
        await answered(this.#requests, (bucket) => bucket.delete([...new Set(whole)]), { answerMs });
      } catch (error) {
        throw typed(error, this.#failed('delete'));
      }
    }
  }

  async close(): Promise<void> {
    // The binding is the Worker's.
  }

  async #page({ prefix, after, maxKeys, token }: PageAsked): Promise<ListedPage> {
    const { objects, truncated, cursor } = await answered(this.#requests, (bucket) =>
      bucket.list({
        prefix,
        limit: maxKeys,
        ...(after === undefined ? {} : { startAfter: after }),
        ...(token === undefined ? {} : { cursor: token }),
      }),
    );
    return {
      objects: objects.map(({ key, size }) => ({ key, size })),
      token: truncated ? cursor : undefined,
    };
  }

  async #found(object: R2Body, { key, range, into, failed }: AskedBody): Promise<GetResult> {
    const { body, size, etag, uploaded } = object;
    const length = range === undefined ? size : Math.min(range.length, size - range.offset);
    if (range !== undefined && length <= 0) {
      dropBody(object);
      throw pastEnd(key, range);
    }
    if (range !== undefined && !beginsAt(object, range)) {
      dropBody(object);
      throw strangeAnswer('is of another range than that asked for', failed);
    }
    const { ports, answerMs } = this.#requests;
    const chunks = chunksOf(body, length);
    const bytes = await bounded(ports, { answerMs, bytes: length }, ({ abortSignal: late }) =>
      readBody({ chunks, length, into, failed, late }),
    );
    return { status: 'found', bytes, size, version: etag as StoreVersion, modifiedMs: uploaded.getTime() };
  }

  /** What is to be thrown where a get, or the reading of its body, threw `error`. */
  async #getFailed(error: unknown, { key, range, failed }: Omit<AskedBody, 'into'>): Promise<unknown> {
    if (isCairnError(error) || range === undefined) return typed(error, failed);
    const { name } = faultOf(error);
    if (name === INVALID_RANGE) return pastEnd(key, range);
    // R2 as it runs on a developer's machine says this of a range that starts where the object ends.
    if (name === NO_CODE && (await this.#endsBefore(key, range))) return pastEnd(key, range);
    return typed(error, failed);
  }

  async #endsBefore(key: string, { offset }: ByteRange): Promise<boolean> {
    try {
      const head = await answered(this.#requests, (bucket) => bucket.head(this.#prefix + key));
      return head !== null && offset >= head.size;
    } catch {
      return false;
    }
  }

  #failed(access: StoreAccess, key?: string): StoreFailed {
    return { access, description: this.description, ...(key === undefined ? {} : { key }) };
  }
}

interface AskedBody {
  readonly key: string;
  readonly range: ByteRange | undefined;
  readonly into: GetOptions['into'] | undefined;
  readonly failed: StoreFailed;
}

function conditionOf({ if: condition }: PutOptions): { readonly onlyIf?: R2Condition } {
  if (condition === 'any') return {};
  return {
    onlyIf: condition === 'absent' ? { etagDoesNotMatch: '*' } : { etagMatches: condition.version },
  };
}

function hasBody(object: R2Body | R2Head): object is R2Body {
  return (object as Partial<R2Body>).body !== undefined;
}

function beginsAt({ range }: R2Body, { offset }: ByteRange): boolean {
  return ((range as { readonly offset?: number } | undefined)?.offset ?? 0) === offset;
}

/** A body that is never read holds its connection. */
function dropBody(object: R2Body | R2Head | null): void {
  if (object !== null && hasBody(object)) void object.body.cancel().catch(() => {});
}
