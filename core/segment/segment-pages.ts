/** The pages of one open segment, up to where its tail begins: read through the cache, and known to it until the segment is closed. */
import type { Awaitable } from '../base/awaitable.js';
import type { ByteRange, PageCache, PagedHandle, PagedObject, PageReading, PageSet } from '../store/index.js';
import type { Wrong } from './id-blocks.js';
import { wrongAt } from './segment-tail.js';

export class SegmentPages {
  readonly #key: string;
  readonly #cache: PageCache;
  readonly #handle: PagedHandle;

  constructor(cache: PageCache, object: PagedObject) {
    this.#key = object.key;
    this.#cache = cache;
    this.#handle = cache.register(object);
  }

  /** At once where all are in the cache. Throws `corrupt`, or `unavailable` (`object_gone`). */
  read(ranges: readonly ByteRange[], reading?: PageReading): Awaitable<PageSet> {
    return this.#cache.read(this.#handle, ranges, reading);
  }

  /** As `PageCache.tryBytes`. */
  tryBytes({ offset, length }: ByteRange): Uint8Array | undefined {
    return this.#cache.tryBytes(this.#handle, offset, length);
  }

  /** As `PageCache.tryCopy`. */
  tryCopy(offset: number, length: number, target: Uint8Array, at: number): boolean {
    return this.#cache.tryCopy(this.#handle, offset, length, target, at);
  }

  /** As `PageCache.touch`. */
  touch(offset: number): number {
    return this.#cache.touch(this.#handle, offset);
  }

  async readAhead(range: ByteRange): Promise<void> {
    await this.#cache.readAhead(this.#handle, range);
  }

  /** Makes errors of offsets that count from `base`. */
  wrongAt(base: number): Wrong {
    return wrongAt(this.#key, base);
  }

  forget(): void {
    this.#cache.forget(this.#handle);
  }
}
