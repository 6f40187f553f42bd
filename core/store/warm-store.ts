/**
 * A store with a second tier in front: reads of objects that never change are answered from a cache on this side of the bucket,
 * and kept there once the bucket has answered. Everything else passes: what may change, what is listed, and what is asked for in
 * order to learn that it is not there. Superseded heads are left out, too: who reads one reads it once.
 *
 * What is kept, so that a cold start finds it again:
 * - A long read, or one of a whole object, is one entry, of exactly that range: tails and the pieces of resident parts are read in
 *   the same ranges by everybody, and one look-up in place of one request is what hosts that count calls (Workers) can afford.
 * - Which pages a query misses differs from query to query, so that a read of them would hardly ever be asked for again. It is made,
 *   as every short read is, of whole blocks of 128 KiB, at multiples of that, read from the bucket in one request: up to eight times the bytes of a single
 *   page, which a bucket sends in a millisecond or two after the tens that it takes to begin, for hits on all pages around it.
 */
import { bytesToHex, concatBytes, utf8Encode } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { ForwardingStore } from './forwarding.js';
import type { Digests } from '../base/ports.js';
import type { ByteRange, GetOptions, GetResult, ObjectStore } from './object-store.js';
import { clampRange, mustBeRange } from './request-checks.js';
import { tryOpenEntry, trySealEntry } from './warm-cache.js';
import type { WarmCache, WarmEntry } from './warm-cache.js';

const { warmBlockBytes: blockBytes, warmEntryBytes: entryBytes } = limits;

/** Where an immutable object belongs: 32 hex digits of the collection, and a name of `0-9 a-z . -`. */
export interface WarmPlace {
  readonly uid: string;
  readonly name: string;
}

export interface WarmStoreOptions {
  readonly cache: WarmCache;
  readonly digests: Pick<Digests, 'sha256' | 'crc32c'>;
  /** Which store this is, among those that may share the cache. */
  readonly identity: string;
  /** Undefined for an object that may change. */
  readonly placeOf: (key: string) => WarmPlace | undefined;
}

/** Requires: objects that have a place are written once, under names that nobody uses again. */
export function warmStore(inner: ObjectStore, options: WarmStoreOptions): ObjectStore {
  return new WarmStore(inner, options);
}

/** What one entry holds of an object: a range of it, or all. */
interface Piece {
  readonly name: string;
  readonly range: ByteRange | undefined;
}

type Found = Extract<GetResult, { readonly status: 'found' }>;

/** Entries of what is deleted are asked for by nobody, and go with time: a deletion is passed on as it is. */
class WarmStore extends ForwardingStore {
  readonly #options: WarmStoreOptions;
  /** First part of every name. */
  readonly #storeName: string;
  readonly #fills = new Set<Promise<void>>();
  #fillBytes = 0;

  constructor(inner: ObjectStore, options: WarmStoreOptions) {
    super(inner);
    this.#options = options;
    this.#storeName = bytesToHex(options.digests.sha256(utf8Encode(options.identity)).subarray(0, 16));
  }

  override async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    const { range, into, cache, unless, pages } = options;
    const place = cache === 'pass' || unless !== undefined ? undefined : this.#options.placeOf(key);
    if (place === undefined || (range !== undefined && range.length > entryBytes))
      return this.inner.get(key, options);
    if (range !== undefined) mustBeRange(key, range);
    const pieces = this.#piecesOf(place, range, pages === true);
    const kept = cache === 'renew' ? undefined : await this.#tryKept(pieces, range);
    if (kept !== undefined) return kept;
    const asked = spanOf(pieces);
    const widened = asked !== undefined && asked.length !== range!.length;
    const got = await this.inner.get(key, {
      ...(asked === undefined ? {} : { range: asked }),
      ...(into === undefined || widened ? {} : { into }),
    });
    if (got.status !== 'found') return got;
    this.#keep(pieces, got);
    if (!widened) return got;
    const { offset, length } = clampRange(key, range, got.size);
    if (length === got.bytes.length) return got;
    const start = offset - asked.offset;
    // A view would keep all of the blocks alive.
    return { ...got, bytes: got.bytes.slice(start, start + length), sentBytes: got.bytes.length };
  }

  /** What is on its way into the cache arrives first. */
  override async close(): Promise<void> {
    await Promise.all(this.#fills);
    await this.inner.close();
  }

  #piecesOf({ uid, name }: WarmPlace, range: ByteRange | undefined, pages: boolean): readonly Piece[] {
    const object = `${this.#storeName}/${uid}/${name}`;
    const pieceOf = (offset: number, length: number): Piece => ({
      name: `${object}@${offset}-${length}`,
      range: { offset, length },
    });
    if (range === undefined) return [{ name: `${object}@whole`, range }];
    if (range.length > blockBytes && !pages) return [pieceOf(range.offset, range.length)];
    const first = Math.floor(range.offset / blockBytes);
    const end = Math.ceil((range.offset + range.length) / blockBytes);
    return Array.from({ length: end - first }, (_, i) => pieceOf((first + i) * blockBytes, blockBytes));
  }

  /** The answer, where the cache holds all of it. */
  async #tryKept(pieces: readonly Piece[], range: ByteRange | undefined): Promise<Found | undefined> {
    const entries = await Promise.all(pieces.map((piece) => this.#tryEntry(piece)));
    const first = entries[0];
    // One that starts past the end is the bucket's to refuse.
    if (first === undefined || (range !== undefined && range.offset >= first.size)) return undefined;
    const { size, version, modifiedMs } = first;
    const start = range?.offset ?? 0;
    const end = range === undefined ? size : Math.min(start + range.length, size);
    const parts: Uint8Array[] = [];
    for (const [i, piece] of pieces.entries()) {
      const from = piece.range?.offset ?? 0;
      if (from >= end && i > 0) break;
      const entry = entries[i];
      if (entry?.size !== size || entry.version !== version || entry.modifiedMs !== modifiedMs)
        return undefined;
      parts.push(entry.body.subarray(Math.max(0, start - from), end - from));
    }
    const whole = parts.length === 1 && end - start > blockBytes;
    // Of blocks a copy: a view would keep all of a block alive for a page of it.
    const bytes = whole ? parts[0]! : concatBytes(parts);
    return { status: 'found', bytes, size, version, modifiedMs, sentBytes: 0 };
  }

  /** Whatever went wrong, there is none. */
  async #tryEntry({ name, range }: Piece): Promise<WarmEntry | undefined> {
    const { cache, digests } = this.#options;
    try {
      const bytes = await cache.get(name);
      const entry = bytes === undefined ? undefined : tryOpenEntry(digests, name, bytes);
      return entry?.body.length === lengthOf(range, entry?.size ?? 0) ? entry : undefined;
    } catch {
      return undefined;
    }
  }

  /** Copies at once: the bytes are the caller's. Where much is on its way, not at all: no reader waits for what others read. */
  #keep(pieces: readonly Piece[], { bytes, size, version, modifiedMs }: Found): void {
    const start = pieces[0]!.range?.offset ?? 0;
    for (const { name, range } of pieces) {
      const from = (range?.offset ?? 0) - start;
      const length = lengthOf(range, size);
      const body = bytes.subarray(from, from + length);
      // A short answer is its reader's to refuse.
      if (length === 0 || length > entryBytes || body.length !== length) continue;
      if (this.#fillBytes + length > limits.warmFillBytes) continue;
      const sealed = trySealEntry(this.#options.digests, name, { size, version, modifiedMs, body });
      if (sealed !== undefined) this.#fill(name, sealed);
    }
  }

  #fill(name: string, sealed: Uint8Array<ArrayBuffer>): void {
    const { length } = sealed;
    this.#fillBytes += length;
    const fill = this.#put(name, sealed).finally(() => {
      this.#fillBytes -= length;
      this.#fills.delete(fill);
    });
    this.#fills.add(fill);
  }

  async #put(name: string, sealed: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#options.cache.put(name, sealed);
    } catch {
      // The next read finds nothing, and asks the bucket.
    }
  }
}

/** Bytes of the piece in an object of `size` bytes. */
function lengthOf(range: ByteRange | undefined, size: number): number {
  return range === undefined ? size : Math.max(0, Math.min(range.length, size - range.offset));
}

function spanOf(pieces: readonly Piece[]): ByteRange | undefined {
  const [first, last] = [pieces[0]!.range, pieces.at(-1)!.range];
  if (first === undefined || last === undefined) return undefined;
  return { offset: first.offset, length: last.offset + last.length - first.offset };
}
