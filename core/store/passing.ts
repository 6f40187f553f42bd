/**
 * A store of which no cache in between answers: every get is of the bucket, and nothing of it is kept. For checks of what lies there.
 */
import type {
  GetOptions,
  GetResult,
  ListedObject,
  ListOptions,
  ObjectStore,
  PutOptions,
  PutResult,
  Upload,
} from './object-store.js';

export function passingStore(inner: ObjectStore): ObjectStore {
  return new PassingStore(inner);
}

class PassingStore implements ObjectStore {
  readonly #inner: ObjectStore;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  get description(): string {
    return this.#inner.description;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#inner.get(key, { ...options, cache: 'pass' });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#inner.put(key, bytes, options);
  }

  upload(key: string): Promise<Upload> {
    return this.#inner.upload(key);
  }

  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.#inner.list(prefix, options);
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#inner.delete(keys);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
