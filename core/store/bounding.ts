/**
 * At most so many calls of the store in flight, whatever they are for: whoever comes later waits for its turn, in the order of
 * coming. What a store makes of one call is its own affair: parts of an upload and deletions may be several requests at once.
 *
 * Nobody waits for a promise of another request, because a host like Workers lets none cross: who has to wait sleeps by itself
 * and looks again. Nor may a host that ends a request in the middle leave its place taken for ever: a place of which nothing
 * was heard for `limits.placeLostMs` is given up, and whoever has looked `limits.placeLooks` times is told that the store is busy. To begin all the same would make a burst of all
 * who wait, just where the store answers nobody. Where the host can be told to wait for a call, it is: an answer may be given
 * while calls that it needs no more are under way.
 */
import { CairnError } from '../base/errors.js';
import type { Outcome } from '../base/errors.js';
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
  /** Calls in flight. A write to an upload counts as one, whatever the store makes of it. */
  readonly parallel: number;
  /** Keeps what a host ends with its request, until a call has ended. The promise never rejects. */
  readonly waitUntil?: ((call: Promise<void>) => void) | undefined;
}

/**
 * Throws `unavailable` (`store_busy`) where no turn came in 10 s; what would have written has then done nothing (`not_applied`).
 */
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
    return this.#inTurn(() => this.#inner.put(key, bytes, options), 'not_applied');
  }

  async upload(key: string): Promise<Upload> {
    const upload = await this.#inTurn(() => this.#inner.upload(key), 'not_applied');
    return {
      write: (bytes) => this.#inTurn(() => upload.write(bytes), 'not_applied'),
      finish: () => this.#inTurn(() => upload.finish(), 'not_applied'),
      abort: async () => {
        try {
          await this.#inTurn(() => upload.abort());
        } catch {
          // No turn came: what was written goes with time.
        }
      },
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

  #inTurn<T>(request: () => Promise<T>, outcome?: Outcome): Promise<T> {
    const call = this.#waitTurn(request, outcome);
    const end = (): void => undefined;
    this.#options.waitUntil?.(call.then(end, end));
    return call;
  }

  async #waitTurn<T>(request: () => Promise<T>, outcome: Outcome | undefined): Promise<T> {
    const { clock, sleep } = this.#options;
    const place: Place = { heardMs: clock.monotonicMs() };
    this.#places.add(place);
    try {
      for (let look = 0; !this.#mayBegin(place); look++) {
        if (look === limits.placeLooks) throw storeBusy(outcome);
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

function storeBusy(outcome: Outcome | undefined): CairnError {
  const waitedMs = limits.placeLooks * limits.placeWaitMs;
  const message = `no turn came in ${waitedMs} ms: as many requests as may be in flight are waiting for answers`;
  const options = { details: { waitedMs }, retryAfterS: 1 };
  return new CairnError('unavailable', 'store_busy', message, {
    ...options,
    ...(outcome === undefined ? {} : { outcome }),
  });
}
