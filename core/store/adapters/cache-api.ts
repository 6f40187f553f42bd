/**
 * The warm cache on the Cache API of web platforms: `caches.default` on Workers, a cache of `caches.open` elsewhere. Entries are
 * answers to addresses that nobody serves. The platform lets go of them as it likes.
 *
 * A cache tells neither what it holds nor how much. So the cap is kept by each isolate over what it has put itself, the oldest first.
 */
import { invalid } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { WarmCache } from '../warm-cache.js';

/** As much of a `Cache` as is used, whose own type not every host's compiler knows. */
export interface WebCache {
  match(address: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | undefined>;
  /** `answer`: a `Response`. */
  put(address: string, answer: unknown): Promise<unknown>;
  delete(address: string): Promise<boolean>;
}

export interface CacheApiOptions {
  /** Of all that this isolate puts. Default 1 GiB. */
  readonly bytes?: number;
  /** Of one entry. Default 32 MiB and what its seal adds. */
  readonly entryBytes?: number;
  /**
   * Lets what is on its way into the cache outlive its request, without which it is cut off and never ends: `waitUntil` of
   * `cloudflare:workers`. Where requests cut nothing off, `() => {}`.
   */
  readonly waitUntil: (filling: Promise<void>) => void;
}

/** `.invalid` is nobody's, and never will be. */
const ADDRESS = 'https://cairn-warm.invalid/';
const ENTRY_BYTES = limits.warmEntryBytes + 4_096;
const KEPT = { 'content-type': 'application/octet-stream', 'cache-control': 'max-age=31536000, immutable' };

/** Throws `invalid` without `waitUntil`. */
export function cacheApi(cache: WebCache, options: CacheApiOptions): WarmCache {
  // As of JavaScript, which no compiler tells.
  if (typeof (options as Partial<CacheApiOptions> | undefined)?.waitUntil !== 'function')
    throw invalid('invalid_request', 'cacheApi needs waitUntil, a function', { field: 'waitUntil' });
  return new CacheApi(cache, options);
}

class CacheApi implements WarmCache {
  readonly #cache: WebCache;
  readonly #bytesMax: number;
  readonly #entryBytesMax: number;
  readonly #waitUntil: (filling: Promise<void>) => void;
  /** What this isolate has put, by name, the oldest first. */
  readonly #put = new Map<string, number>();
  #bytes = 0;

  constructor(
    cache: WebCache,
    { bytes = limits.warmCacheBytes, entryBytes = ENTRY_BYTES, waitUntil }: CacheApiOptions,
  ) {
    this.#cache = cache;
    this.#bytesMax = bytes;
    this.#entryBytesMax = Math.min(entryBytes, bytes);
    this.#waitUntil = waitUntil;
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const answer = await this.#cache.match(ADDRESS + name);
    if (answer === undefined) return undefined;
    return new Uint8Array(await answer.arrayBuffer());
  }

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.length > this.#entryBytesMax) return;
    const filling = this.#fill(name, bytes);
    // Its failure is told by `filling`.
    this.#waitUntil(filling.catch(() => {}));
    await filling;
  }

  async #fill(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#forget(name);
    this.#put.set(name, bytes.length);
    this.#bytes += bytes.length;
    const surplus: string[] = [];
    for (const oldest of this.#put.keys()) {
      if (this.#bytes <= this.#bytesMax && this.#put.size <= limits.warmEntries) break;
      this.#forget(oldest);
      surplus.push(oldest);
    }
    for (const oldest of surplus) await this.#cache.delete(ADDRESS + oldest);
    await this.#cache.put(ADDRESS + name, new Response(bytes, { headers: KEPT }));
  }

  #forget(name: string): void {
    this.#bytes -= this.#put.get(name) ?? 0;
    this.#put.delete(name);
  }
}
