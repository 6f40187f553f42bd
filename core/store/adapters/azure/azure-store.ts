/**
 * The object store in a container of Azure Blob Storage. Whether it keeps the promises of the port is asked when it is opened
 * (self-test.ts).
 *
 * - create and compare-and-swap: one Put Blob with If-None-Match or If-Match. Cost: one request, whatever the size.
 * - a version is an ETag, which no two writes of an account share.
 * - integrity: each put and each block carries the MD5 of its body.
 * - dates are the store's own.
 */
import type { BlobDownloadResponseParsed } from '@azure/storage-blob';
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
  Chunks,
  ListedPage,
  OpenedBucketStore,
  PageAsked,
  StoreAccess,
  StoreFailed,
} from '../bucket/index.js';
import { openContainer } from './azure-credentials.js';
import { secretsOf } from './azure-encryption.js';
import type { AzureSecrets } from './azure-encryption.js';
import { azureFaults, faultOf } from './azure-faults.js';
import { azurePage } from './azure-listing.js';
import { md5Of } from './azure-md5.js';
import { AzureRequests } from './azure-requests.js';
import { azureUpload } from './azure-upload.js';
import type { AzureLocation } from './azure-url.js';

/**
 * Opens the store and tests it. Throws `invalid` (`store_unfit`) where it does not keep the promises of the port, and the
 * typed errors of docs/STORES.md where it cannot be used.
 */
export async function openAzureStore(
  location: AzureLocation,
  ports: BucketPorts,
  { customerKey }: BucketOptions = {},
): Promise<OpenedBucketStore> {
  const description = `az://${location.bucket}/${location.prefix}`;
  const container = await openContainer(location, description);
  const secrets = secretsOf(location, customerKey, container.url.startsWith('https:'));
  const requests = new AzureRequests(container, location, ports);
  const store = new AzureStore(description, { location, requests, ports, secrets });
  if (location.selfTest) await testStore({ store, ports, stale: STALE });
  return { store, sent: () => requests.sent };
}

/** An ETag that nothing has. */
const STALE = '"0x0"' as StoreVersion;

interface StoreParts {
  readonly location: AzureLocation;
  readonly requests: AzureRequests;
  readonly ports: BucketPorts;
  readonly secrets: AzureSecrets;
}

class AzureStore implements ObjectStore {
  readonly description: string;
  readonly #prefix: string;
  readonly #requests: AzureRequests;
  readonly #ports: BucketPorts;
  readonly #secrets: AzureSecrets;

  constructor(description: string, { location, requests, ports, secrets }: StoreParts) {
    this.description = description;
    this.#prefix = location.prefix;
    this.#requests = requests;
    this.#ports = ports;
    this.#secrets = secrets;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    const { range, unless } = options;
    if (range !== undefined) mustBeRange(key, range);
    const failed = { ...this.#failed('read'), key };
    const blob = this.#requests.blob(key);
    const asked = {
      ...this.#secrets.touched,
      // Else a body that ends with an error is asked for again behind our back.
      maxRetryRequests: 0,
      ...(unless === undefined ? {} : { conditions: { ifNoneMatch: unless } }),
    };
    return this.#requests.inTurn(async () => {
      try {
        const answer = await this.#requests.send((late) =>
          blob.download(range?.offset ?? 0, range?.length, { ...asked, ...late }),
        );
        return await this.#found(answer, options, failed);
      } catch (error) {
        return getEnd(error, { range, failed });
      }
    });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    const condition = options.if;
    const failed = this.#failed('write', key);
    const blob = this.#requests.blob(key);
    const asked = {
      ...this.#secrets.made,
      transactionalContentMD5: md5Of(bytes),
      blobHTTPHeaders: { blobContentType: 'application/octet-stream' },
      conditions: {
        ...(condition === 'absent' ? { ifNoneMatch: '*' } : {}),
        ...(typeof condition === 'object' ? { ifMatch: condition.version } : {}),
      },
    };
    try {
      const answer = await this.#requests.request(
        (late) => blob.upload(bytes, bytes.length, { ...asked, ...late }),
        bytes.length,
      );
      const version = answer.etag as StoreVersion | undefined;
      // It was applied, but without its version nobody can go on from it: who looks will find both.
      if (version === undefined) return { status: 'unknown', cause: strangeAnswer('has no ETag', failed) };
      return { status: 'applied', version, modifiedMs: this.#requests.dateOf(answer) };
    } catch (error) {
      return endOfPut(error, failed, condition);
    }
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    const [requests, secrets] = [this.#requests, this.#secrets];
    return openPartedUpload({
      ports: this.#ports,
      key,
      parallel: limits.uploadPartsParallel,
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
      ...azureUpload({ requests, key, secrets, failed: this.#failed('write', key) }),
    });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const failed = this.#failed('list');
    const storePrefix = this.#prefix;
    const listing = { requests: this.#requests, storePrefix, options };
    const readPage = (asked: PageAsked): Promise<ListedPage> => azurePage(listing, asked);
    try {
      return await listKeys({ readPage, storePrefix, prefix, options, failed, fromFirst: true });
    } catch (error) {
      throw typed(error, failed);
    }
  }

  /**
   * One by one, a few at a time. A batch of Azure is signed, answered and paid for one by one as well, takes no longer list than
   * 256, and asks for a permission on the container that whoever has a SAS for blobs lacks.
   */
  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    await deleteEach(keys, (key) => this.#deleteOne(key));
  }

  async close(): Promise<void> {}

  async #deleteOne(key: string): Promise<void> {
    const blob = this.#requests.blob(key);
    try {
      await this.#requests.request((late) => blob.delete(late));
    } catch (error) {
      const failed = this.#failed('delete', key);
      if (faultOf(error).name !== 'BlobNotFound') throw typed(error, failed);
    }
  }

  async #found(
    answer: BlobDownloadResponseParsed,
    { range, into }: GetOptions,
    failed: FailedRead,
  ): Promise<GetResult> {
    const chunks = answer.readableStreamBody as Chunks | undefined;
    const { contentLength, contentRange, etag } = answer;
    try {
      // Azure says 416 of a range that starts past the end; its emulator finds no bytes in one that starts at the end.
      if (range !== undefined && contentLength === 0) throw pastEnd(failed.key, range);
      const { size, length } = planBody({ length: contentLength, contentRange }, range, failed);
      if (etag === undefined) throw strangeAnswer('has no ETag', failed);
      const bytes = await this.#requests.bounded(
        ({ abortSignal: late }) => readBody({ chunks, length, into, failed, late }),
        length,
      );
      const modifiedMs = this.#requests.dateOf(answer);
      return { status: 'found', bytes, size, version: etag as StoreVersion, modifiedMs };
    } catch (error) {
      // A body that is never read holds its connection.
      chunks?.destroy?.();
      throw error;
    }
  }

  #failed(access: StoreAccess, key?: string): StoreFailed {
    return { access, description: this.description, ...(key === undefined ? {} : { key }) };
  }
}

type FailedRead = StoreFailed & { readonly key: string };

interface AskedRange {
  readonly range: GetOptions['range'] | undefined;
  readonly failed: FailedRead;
}

/** Answers that the SDK takes for errors. */
function getEnd(error: unknown, { range, failed }: AskedRange): GetResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  if (fault.status === 304) return { status: 'unchanged' };
  if (fault.name === 'BlobNotFound') return { status: 'absent' };
  if (fault.status === 416 && range !== undefined) throw pastEnd(failed.key, range);
  throw storeError(fault, failed, azureFaults);
}

/** `refused`: by its code, because 409 and 412 are also answers about leases and policies. Or a swap of what is not there. */
function endOfPut(error: unknown, failed: StoreFailed, condition: PutOptions['if']): PutResult {
  if (isCairnError(error)) throw error;
  const fault = faultOf(error);
  const refusals =
    condition === 'absent' ? ['BlobAlreadyExists', 'ConditionNotMet'] : ['ConditionNotMet', 'BlobNotFound'];
  if (condition !== 'any' && refusals.includes(fault.name)) return { status: 'refused' };
  return putEnd(fault, failed, azureFaults);
}

function typed(error: unknown, failed: StoreFailed): unknown {
  return isCairnError(error) ? error : storeError(faultOf(error), failed, azureFaults);
}
