/**
 * A bucket in memory that counts the requests which a cloud would bill. Lists go page by page and uploads in parts through the
 * code that the adapters share (core/store/adapters/bucket), so that what a call of the port becomes on the wire is not
 * computed here a second time. It stands in for a cloud: nothing of it fails, and its answers take no time.
 */
import { concatBytes } from '../../../core/base/bytes.js';
import { limits } from '../../../core/base/limits.js';
import { listKeys, openPartedUpload, testStore } from '../../../core/store/adapters/bucket/index.js';
import type { BucketPorts, ListedPage, PageAsked } from '../../../core/store/adapters/bucket/index.js';
import { memoryStore } from '../../../core/store/index.js';
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
} from '../../../core/store/index.js';

/** Kinds of requests that some cloud bills unlike another. A GET that is answered `unchanged` is billed as one with a body. */
export const requestKinds = [
  'put',
  'put_refused',
  'upload_begin',
  'upload_part',
  'upload_join',
  'list',
  'get',
  'get_absent',
  'delete',
] as const;

export type RequestKind = (typeof requestKinds)[number];
export type RequestCounts = Readonly<Record<RequestKind, number>>;

export function noRequests(): Record<RequestKind, number> {
  return Object.fromEntries(requestKinds.map((kind) => [kind, 0])) as Record<RequestKind, number>;
}

export class CountedBucket implements ObjectStore {
  readonly description: string = 'memory:';
  readonly #ports: BucketPorts;
  readonly #inner: ObjectStore;
  readonly #counts = noRequests();

  constructor(ports: BucketPorts) {
    this.#ports = ports;
    this.#inner = memoryStore(ports);
  }

  counts(): RequestCounts {
    return { ...this.#counts };
  }

  /** What an adapter of a bucket asks when a process opens it. */
  async selfTest(): Promise<void> {
    await testStore({ store: this, ports: this.#ports, stale: 'stale' as StoreVersion });
  }

  /** Bytes of all objects. Not counted. */
  async storedBytes(): Promise<number> {
    return (await this.#inner.list('')).reduce((sum, { size }) => sum + size, 0);
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const result = await this.#inner.get(key, options);
    this.#counts[result.status === 'absent' ? 'get_absent' : 'get'] += 1;
    return result;
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const result = await this.#inner.put(key, bytes, options);
    this.#counts[result.status === 'refused' ? 'put_refused' : 'put'] += 1;
    return result;
  }

  async upload(key: string): Promise<Upload> {
    const bodies: Uint8Array[] = [];
    return openPartedUpload({
      ports: this.#ports,
      key,
      parallel: limits.uploadPartsParallel,
      put: (bytes) => this.put(key, bytes, { if: 'any' }),
      begin: async () => {
        this.#counts.upload_begin += 1;
        return key;
      },
      send: async (_id, { number, bytes }) => {
        this.#counts.upload_part += 1;
        bodies[number - 1] = new Uint8Array(bytes);
      },
      join: async () => {
        this.#counts.upload_join += 1;
        const whole = await this.#inner.upload(key);
        await whole.write(concatBytes(bodies));
        await whole.finish();
      },
      isJoined: () => Promise.resolve(false),
      drop: () => Promise.resolve(),
    });
  }

  list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    return listKeys({
      readPage: (asked) => this.#page(asked),
      storePrefix: '',
      prefix,
      options,
      failed: { access: 'list', description: this.description },
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#counts.delete += Math.ceil(keys.length / limits.deleteKeys);
    await this.#inner.delete(keys);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** A token is the last key of the page before. */
  async #page({ prefix, after, maxKeys, token }: PageAsked): Promise<ListedPage> {
    this.#counts.list += 1;
    const from = token ?? after;
    const found = await this.#inner.list(prefix, {
      limit: maxKeys + 1,
      ...(from === undefined ? {} : { after: from }),
    });
    const objects = found.slice(0, maxKeys);
    return { objects, token: found.length > maxKeys ? objects.at(-1)?.key : undefined };
  }
}
