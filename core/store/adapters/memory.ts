/**
 * The object store in memory: for tests, the simulator and `memory:` URLs. One store is one bucket; whoever holds it
 * shares it. Bodies are copied in and out, so no caller can change what is stored.
 *
 * Every call does its work before its first await: in one thread that makes each request atomic.
 */
import { compareUtf8, concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/ports.js';
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
} from '../object-store.js';
import { clampRange, mustBeKey, mustBeList, mustBePut, mustBeRange, uploadEnded } from '../request-checks.js';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: StoreVersion;
  readonly modifiedMs: number;
}

export interface MemoryStoreOptions {
  /** Gives objects their dates. */
  readonly clock: Pick<Clock, 'wallMs'>;
}

export function memoryStore(options: MemoryStoreOptions): ObjectStore {
  return new MemoryStore(options.clock);
}

class MemoryStore implements ObjectStore {
  readonly description: string = 'memory:';
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #objects = new Map<string, StoredObject>();
  /** The keys of `#objects` in the order of their UTF-8 bytes. */
  readonly #keys: string[] = [];
  #writes = 0;

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    mustBeKey(key);
    if (options.range !== undefined) mustBeRange(key, options.range);
    const object = this.#objects.get(key);
    if (object === undefined) return { status: 'absent' };
    if (options.unless === object.version) return { status: 'unchanged' };
    const { offset, length } = clampRange(key, options.range, object.bytes.length);
    return {
      status: 'found',
      bytes: object.bytes.slice(offset, offset + length),
      size: object.bytes.length,
      version: object.version,
      modifiedMs: object.modifiedMs,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    mustBePut(key, bytes, options);
    const old = this.#objects.get(key);
    if (options.if === 'absent' && old !== undefined) return { status: 'refused' };
    if (typeof options.if === 'object' && old?.version !== options.if.version) return { status: 'refused' };
    return this.#store(key, new Uint8Array(bytes));
  }

  async upload(key: string): Promise<Upload> {
    mustBeKey(key);
    return new MemoryUpload(key, (bytes) => this.#store(key, bytes));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    mustBeList(prefix, options);
    const { after, limit = Number.POSITIVE_INFINITY } = options;
    let at = this.#position(prefix);
    if (after !== undefined) at = Math.max(at, this.#position(after) + (this.#objects.has(after) ? 1 : 0));
    const listed: ListedObject[] = [];
    for (; at < this.#keys.length && listed.length < limit; at++) {
      const key = this.#keys[at]!;
      if (!key.startsWith(prefix)) break;
      listed.push({ key, size: this.#objects.get(key)!.bytes.length });
    }
    return listed;
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) mustBeKey(key);
    for (const key of keys) {
      if (this.#objects.delete(key)) this.#keys.splice(this.#position(key), 1);
    }
  }

  async close(): Promise<void> {
    // The bucket outlives its users: another holder may go on.
  }

  #store(key: string, bytes: Uint8Array): PutResult {
    this.#writes += 1;
    const version = `m${this.#writes}` as StoreVersion;
    const modifiedMs = this.#clock.wallMs();
    if (!this.#objects.has(key)) this.#keys.splice(this.#position(key), 0, key);
    this.#objects.set(key, { bytes, version, modifiedMs });
    return { status: 'applied', version, modifiedMs };
  }

  /** Index of the first key that is not before `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class MemoryUpload implements Upload {
  readonly #key: string;
  readonly #store: (bytes: Uint8Array) => void;
  #parts: Uint8Array[] | undefined = [];

  constructor(key: string, store: (bytes: Uint8Array) => void) {
    this.#key = key;
    this.#store = store;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen().push(new Uint8Array(bytes));
  }

  async finish(): Promise<void> {
    const parts = this.#mustBeOpen();
    this.#parts = undefined;
    this.#store(concatBytes(parts));
  }

  async abort(): Promise<void> {
    this.#parts = undefined;
  }

  #mustBeOpen(): Uint8Array[] {
    if (this.#parts === undefined) throw uploadEnded(this.#key);
    return this.#parts;
  }
}
