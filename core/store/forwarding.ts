/** What the wrappers of a store have in common: every call that one of them does not change goes to the store inside. */
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

export abstract class ForwardingStore implements ObjectStore {
  protected readonly inner: ObjectStore;

  constructor(inner: ObjectStore) {
    this.inner = inner;
  }

  get description(): string {
    return this.inner.description;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.inner.get(key, options);
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.inner.put(key, bytes, options);
  }

  upload(key: string): Promise<Upload> {
    return this.inner.upload(key);
  }

  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.inner.list(prefix, options);
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.inner.delete(keys);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
