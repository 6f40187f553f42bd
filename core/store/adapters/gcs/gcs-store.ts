/**
 * The object store in a bucket of Google Cloud Storage, over its JSON API.
 *
 * - create and compare-and-swap: one POST with `ifGenerationMatch`, of 0 where nothing may be there.
 *   Cost: one request, whatever the size.
 * - a version is a generation: each object that was ever made under a name has another, also after a deletion.
 * - integrity: metadata that goes with a body has its CRC-32C, and the store refuses a body of another.
 * - dates are the store's own.
 */
import { bytesToHex, utf8Encode } from '../../../base/bytes.js';
import { isCairnError } from '../../../base/errors.js';
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
  deleteEach,
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
  OpenedBucketStore,
  StoreAccess,
  StoreFailed,
} from '../bucket/index.js';
import { crc32c, crc32cIn, crc32cText } from './crc32c.js';
import { secretsOf } from './gcs-encryption.js';
import type { GcsSecrets } from './gcs-encryption.js';
import { faultOf, gcsFaults } from './gcs-faults.js';
import { deletingRule } from './gcs-lifecycle.js';
import { gcsPages } from './gcs-listing.js';
import { isGeneration, MADE_FIELDS, objectMetadata, objectNameOf, tryMadeObject } from './gcs-objects.js';
import { GcsRequests } from './gcs-requests.js';
import type { GcsAnswer } from './gcs-requests.js';
import { gcsUpload } from './gcs-upload.js';
import type { GcsLocation } from './gcs-url.js';

/**
 * Opens the store and tests it. Throws `invalid` (`store_unfit`) where it does not keep the promises of the port, and the
 * typed errors of docs/STORES.md where it cannot be used.
 */
export async function openGcsStore(
  location: GcsLocation,
  ports: BucketPorts,
  options: BucketOptions = {},
): Promise<OpenedBucketStore> {
  const requests = new GcsRequests(location, ports);
  const secrets = secretsOf(location, options.customerKey, requests.endpoint);
  const store = new GcsStore({ location, requests, ports, secrets });
  const { prefix } = location;
  try {
    if (location.selfTest) {
      const failed = { access: 'read', description: store.description } as const;
      const expiry = (): Promise<string | undefined> =>
        deletingRule(requests, { prefix, nowMs: ports.clock.wallMs() }, failed);
      await testStore({ store, ports, stale: STALE, expiry });
    }
  } catch (error) {
    requests.close();
    throw error;
  }
  return { store, sent: () => requests.sent };
}

/** A generation that nothing has. */
const STALE = '1' as StoreVersion;

interface GcsParts {
  readonly location: GcsLocation;
  readonly requests: GcsRequests;
  readonly ports: BucketPorts;
  readonly secrets: GcsSecrets;
}

class GcsStore implements ObjectStore {
  readonly description: string;
  readonly #location: GcsLocation;
  readonly #requests: GcsRequests;
  readonly #ports: BucketPorts;
  readonly #secrets: GcsSecrets;

  constructor({ location, requests, ports, secrets }: GcsParts) {
    this.#location = location;
    this.#requests = requests;
    this.#ports = ports;
    this.#secrets = secrets;
    this.description = `gs://${location.bucket}/${location.prefix}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    const { range, unless } = options;
    if (range !== undefined) mustBeRange(key, range);
    const failed = this.#failed('read', key);
    const path = this.#objectPath(key, {
      alt: 'media',
      ...(unless !== undefined && isGeneration(unless) ? { ifGenerationNotMatch: unless } : {}),
    });
    const headers = {
      ...this.#secrets.touched,
      ...(range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
    };
    try {
      const answer = await this.#requests.answer({ method: 'GET', path, headers });
      if (answer.status === (range === undefined ? 200 : 206))
        return await this.#found(answer, options, failed);
      return await this.#notFound(answer, { key, range, failed });
    } catch (error) {
      throw typed(error, failed);
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    const name = objectNameOf(this.#location.prefix, key);
    const condition = options.if;
    const swapped = typeof condition === 'object' ? condition.version : undefined;
    if (swapped !== undefined && !isGeneration(swapped)) return { status: 'refused' };
    const path = this.#requests.uploadPath({
      uploadType: 'multipart',
      name,
      fields: MADE_FIELDS,
      ...this.#secrets.made,
      ...(condition === 'absent' ? { ifGenerationMatch: '0' } : {}),
      ...(swapped === undefined ? {} : { ifGenerationMatch: swapped }),
    });
    const failed = this.#failed('write', key);
    try {
      const { type, body } = this.#related(bytes);
      const headers = { ...this.#secrets.touched, 'content-type': type };
      const answer = await this.#requests.document({ method: 'POST', path, headers, body }, failed);
      const made = tryMadeObject(answer.document);
      // It was applied, but without its version nobody can go on from it: who looks will find both.
      if (made?.size !== bytes.length)
        return { status: 'unknown', cause: strangeAnswer('is no object of that size', failed) };
      const modifiedMs = made.updatedMs ?? this.#requests.dateOf(answer);
      return { status: 'applied', version: made.version, modifiedMs };
    } catch (error) {
      return endOfPut(error, failed);
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    const name = objectNameOf(this.#location.prefix, key);
    const [requests, secrets] = [this.#requests, this.#secrets];
    return openPartedUpload({
      ports: this.#ports,
      key,
      // A session takes them in order.
      parallel: 1,
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
      ...gcsUpload({ requests, secrets, name, failed: this.#failed('write', key) }),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const failed = this.#failed('list');
    const readPage = gcsPages({ requests: this.#requests, failed });
    try {
      return await listKeys({ readPage, storePrefix: this.#location.prefix, prefix, options, failed });
    } catch (error) {
      throw typed(error, failed);
    }
  }

  /**
   * One by one, as Google's own clients do: a batch is so many requests to Google too, each of which may fail for itself, 100 of
   * them at most, in a form of its own.
   */
  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    await deleteEach(keys, (key) => this.#deleteOne(key));
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  async #deleteOne(key: string): Promise<void> {
    const failed = this.#failed('delete', key);
    try {
      await this.#requests.document({ method: 'DELETE', path: this.#objectPath(key, {}) }, failed);
    } catch (error) {
      if (isAbsent(error)) return;
      throw typed(error, failed);
    }
  }

  async #found(answer: GcsAnswer, { range, into }: GetOptions, failed: StoreFailed): Promise<GetResult> {
    const { headers, body } = answer;
    try {
      const promised = { length: wholeOf(headers['content-length']), contentRange: headers['content-range'] };
      const { size, length } = planBody(promised, range, failed);
      const version = headers['x-goog-generation'];
      if (version === undefined || !isGeneration(version)) throw strangeAnswer('has no generation', failed);
      const bytes = await this.#requests.bounded(
        ({ abortSignal: late }) => readBody({ chunks: body, length, into, failed, late }),
        length,
      );
      const sum = range === undefined ? crc32cIn(headers['x-goog-hash']) : undefined;
      if (sum !== undefined && length <= limits.storeCheckedBytes && sum !== crc32cText(crc32c(bytes)))
        throw strangeAnswer('has another CRC-32C than it says', failed);
      const modified = Date.parse(headers['last-modified'] ?? '');
      const modifiedMs = Number.isNaN(modified) ? this.#requests.dateOf(answer) : modified;
      return { status: 'found', bytes, size, version: version as StoreVersion, modifiedMs };
    } catch (error) {
      // A body that is never read holds its connection.
      body.destroy();
      throw error;
    }
  }

  async #notFound(answer: GcsAnswer, { key, range, failed }: AskedObject): Promise<GetResult> {
    const failure = await this.#requests.failure(answer, failed);
    if (answer.status === 304) return { status: 'unchanged' };
    if (isAbsent(failure)) return { status: 'absent' };
    if (answer.status === 416 && range !== undefined) throw pastEnd(key, range);
    throw failure;
  }

  /** Metadata and body in one request: https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object */
  #related(bytes: Uint8Array): { readonly type: string; readonly body: readonly Uint8Array[] } {
    const boundary = bytesToHex(this.#ports.random.fill(new Uint8Array(16)));
    const metadata = JSON.stringify({ ...objectMetadata, crc32c: crc32cText(crc32c(bytes)) });
    const head =
      `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${metadata}\r\n` +
      `--${boundary}\r\ncontent-type: ${objectMetadata.contentType}\r\n\r\n`;
    const body = [utf8Encode(head), bytes, utf8Encode(`\r\n--${boundary}--\r\n`)];
    return { type: `multipart/related; boundary=${boundary}`, body };
  }

  #objectPath(key: string, params: Readonly<Record<string, string>>): string {
    const name = objectNameOf(this.#location.prefix, key);
    return this.#requests.path(`o/${encodeURIComponent(name)}`, params);
  }

  #failed(access: StoreAccess, key?: string): StoreFailed {
    return { access, description: this.description, ...(key === undefined ? {} : { key }) };
  }
}

interface AskedObject {
  readonly key: string;
  readonly range: GetOptions['range'] | undefined;
  readonly failed: StoreFailed;
}

function wholeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Of a request for one object. */
function isAbsent(error: unknown): boolean {
  const { status, name } = faultOf(error);
  return status === 404 && name === 'notFound';
}

/** A 412 may also tell of a policy of the organization that forbids the object. */
function endOfPut(error: unknown, failed: StoreFailed): PutResult {
  if (isCairnError(error)) {
    if (error.code !== 'store_answer') throw error;
    return { status: 'unknown', cause: error };
  }
  const fault = faultOf(error);
  if (fault.status === 412 && (fault.name === 'conditionNotMet' || fault.name === 'Unknown'))
    return { status: 'refused' };
  return putEnd(fault, failed, gcsFaults);
}

function typed(error: unknown, failed: StoreFailed): unknown {
  return isCairnError(error) ? error : storeError(faultOf(error), failed, gcsFaults);
}
