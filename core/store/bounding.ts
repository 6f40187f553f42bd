/**
 * At most so many requests in flight, whatever they are for: whoever comes later waits for its turn, in the order of coming.
 *
 * Nobody waits for a promise of another request, because a host like Workers lets none cross: who has to wait sleeps by itself
 * and looks again. Nor may a host that ends a request in the middle leave its place taken for ever: a place of which nothing
 * was heard for `limits.placeLostMs` is given up, and whoever has looked `limits.placeLooks` times begins all the same.
 */
import { limits } from '../base/limits.js';
import type { Clock, Sleep } from '../base/ports.js';
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

export interface BoundingOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly sleep: Sleep;
  /** Requests in flight. A write to an upload counts as one, whatever the store makes of it. */
  readonly parallel: number;
}

export function boundingStore(inner: ObjectStore, options: BoundingOptions): ObjectStore {
  return new BoundingStore(inner, options);
}

interface Place {
  /** When its owner looked last, or began. */
  heardMs: number;
}

class BoundingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #options: BoundingOptions;
  /** In the order of coming: the first `parallel` of them have begun, or may. */
  readonly #places = new Set<Place>();

  constructor(inner: ObjectStore, options: BoundingOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  get description(): string {
    return this.#inner.description;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.#inTurn(() => this.#inner.get(key, options));
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#inTurn(() => this.#inner.put(key, bytes, options));
  }

  async upload(key: string): Promise<Upload> {
    const upload = await this.#inTurn(() => this.#inner.upload(key));
    return {
      write: (bytes) => this.#inTurn(() => upload.write(bytes)),
      finish: () => this.#inTurn(() => upload.finish()),
      abort: () => this.#inTurn(() => upload.abort()),
    };
  }

  list(prefix: string, options?: ListOptions): Promise<readonly ListedObject[]> {
    return this.#inTurn(() => this.#inner.list(prefix, options));
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#inner.delete(keys));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #inTurn<T>(request: () => Promise<T>): Promise<T> {
    const { clock, sleep } = this.#options;
    const place: Place = { heardMs: clock.monotonicMs() };
    this.#places.add(place);
    try {
      for (let look = 0; !this.#mayBegin(place) && look < limits.placeLooks; look++) {
        await sleep(limits.placeWaitMs);
        place.heardMs = clock.monotonicMs();
      }
      return await request();
    } finally {
      this.#places.delete(place);
    }
  }

  #mayBegin(place: Place): boolean {
    const lost = place.heardMs - limits.placeLostMs;
    let before = 0;
    for (const other of this.#places) {
      if (other === place) return true;
      if (other.heardMs < lost) this.#places.delete(other);
      else if (++before === this.#options.parallel) return false;
    }
    // It was given up meanwhile: nobody waits for it.
    return true;
  }
}
