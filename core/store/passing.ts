/**
 * A store of which no cache in between answers: every get is of the bucket, and nothing of it is kept. For checks of what lies there.
 */
import { ForwardingStore } from './forwarding.js';
import type { GetOptions, GetResult, ObjectStore } from './object-store.js';

export function passingStore(inner: ObjectStore): ObjectStore {
  return new PassingStore(inner);
}

class PassingStore extends ForwardingStore {
  override get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.inner.get(key, { ...options, cache: 'pass' });
  }
}
