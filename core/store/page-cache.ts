/**
 * One cache for everything that is read by range: pages of 16 KiB of immutable objects, each checked against its
 * CRC-32C before anybody sees it. The oldest that was not used since it was looked at last goes first (a clock).
 *
 * Where all pages of a read are here the answer is synchronous. Else the missing ones are fetched by the reader itself, in
 * as few range requests as lie near each other. No promise is shared: two readers that miss one page both fetch it,
 * because a host like Workers lets no request wait for another's input. For the same reason the bound on requests in
 * flight makes nobody wait for another reader: a reader with none in flight may always start one, further ones only below
 * the bound.
 */
import { andThen } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { assertInternal } from '../base/errors.js';
import { limits, tierLimits } from '../base/limits.js';
import type { MemoryAccount } from '../base/memory-account.js';
import type { Digests } from '../base/ports.js';
import type { ByteRange, ObjectStore } from './object-store.js';
import { mustMatchPage } from './page-checksums.js';
import type { PageChecksums } from './page-checksums.js';
import { PageSet } from './page-set.js';
import { PageTable } from './page-table.js';
import { readRange } from './range-read.js';

const { pageBytes } = limits;
/**
 * Pages of one read that may all wait for the table of checksums that they are read beside. Of more, all but the first request come
 * behind it: what waits holds memory and places among the requests in flight, of which a server has many, of up to 4 MiB each.
 */
const FEW_PAGES = 64;
/** Answers of wide ranges that are in memory at a time. */
const FEW_PARALLEL = 2;

/** An immutable object whose pages may be cached. */
export interface PagedObject {
  readonly store: ObjectStore;
  readonly key: string;
  /** Bytes from the start of the object that the pages cover; the object may go on. The last page may be short. */
  readonly size: number;
  readonly checksums: PageChecksums;
  readonly digests: Digests;
}

/** A registered object, as the cache knows it: nothing is to be looked up. */
export interface PagedHandle {
  readonly key: string;
}

type Hold = <T>(bytes: number, call: () => Promise<T>) => Promise<T>;

export interface PageCacheOptions {
  readonly budgetBytes: number;
  /** Less where others need the memory: asked at every insertion. */
  readonly roomBytes?: () => number;
  /** Where its pages count. */
  readonly account?: MemoryAccount | undefined;
  /** Counts bytes that have come, until the call that they wait for ends: `HoldingStore.during`. */
  readonly hold?: Hold;
  /** Requests in flight over the whole cache. Default those of the edge tier. */
  readonly parallel?: number;
}

export interface PageReading {
  /**
   * As few requests as reading all between the first and the last page would take, however much is read in vain: for merges, whose
   * rows lie everywhere in what they read, on hosts that count requests. No more than two of them are in flight.
   */
  readonly fewRequests?: boolean;
  /**
   * No more requests than this, as long as what is read stays within so many bytes: for readers who wait for one wave of requests, of
   * which a host has few in flight. What is read in vain is not kept.
   */
  readonly wave?: { readonly requests: number; readonly bytes: number };
  /** Of pages, by their numbers: what the object itself would have to be asked for. */
  readonly sums?: ReadonlyMap<number, number>;
}

export interface PageCacheUsage {
  readonly bytes: number;
  readonly budgetBytes: number;
  /** Pages that were here when asked for, and pages that were not. */
  readonly hits: number;
  readonly misses: number;
}

/** A page in the line of those that may go. */
interface Page {
  readonly owner: Registered;
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Since it came to the end of the line. */
  used: boolean;
  older: Page | undefined;
  newer: Page | undefined;
}

interface Registered extends PagedObject, PagedHandle {
  readonly pages: PageTable<Page>;
  forgotten: boolean;
}

/** What one call reads. */
interface PagesRead {
  readonly missing: ReadonlySet<number>;
  readonly found: Map<number, Uint8Array>;
  readonly reading: PageReading;
}

/** The checksum of a page: known of all that are missing. */
type SumOf = (page: number) => number | undefined;

/** Neighbouring pages that one request reads. */
interface Run {
  readonly first: number;
  readonly count: number;
}

export class PageCache {
  readonly #budget: number;
  readonly #roomBytes: () => number;
  readonly #parallel: number;
  readonly #account: MemoryAccount | undefined;
  readonly #hold: Hold;
  readonly #objects = new Set<PagedHandle>();
  #oldest: Page | undefined;
  #newest: Page | undefined;
  #bytes = 0;
  /** As the account has them. */
  #countedBytes = 0;
  #hits = 0;
  #misses = 0;
  #inFlight = 0;
  /** Of ranges that are being read ahead: room that is spoken for. */
  #aheadBytes = 0;

  constructor({
    budgetBytes,
    roomBytes = () => Infinity,
    account,
    hold = (_, call) => call(),
    parallel = tierLimits.edge.requestsParallel,
  }: PageCacheOptions) {
    this.#account = account;
    this.#hold = hold;
    this.#roomBytes = roomBytes;
    this.#budget = budgetBytes;
    this.#parallel = parallel;
  }

  register(object: PagedObject): PagedHandle {
    const registered: Registered = {
      ...object,
      pages: new PageTable(),
      forgotten: false,
    };
    this.#objects.add(registered);
    return registered;
  }

  /** The pages that hold `ranges`, at once where all are here. Throws `corrupt`, or `unavailable` (`object_gone`). */
  read(
    handle: PagedHandle,
    ranges: readonly ByteRange[],
    reading: PageReading = {},
  ): PageSet | Promise<PageSet> {
    const object = this.#mustBeRegistered(handle);
    const found = new Map<number, Uint8Array>();
    const missing = new Set<number>();
    for (const { offset, length } of ranges) {
      assertInternal(
        offset >= 0 && length >= 0 && offset + length <= object.size,
        () => `${length} bytes at ${offset} are not within the ${object.size} bytes of ${object.key}`,
      );
      const end = Math.ceil((offset + length) / pageBytes);
      for (let number = Math.floor(offset / pageBytes); number < end; number++) {
        if (found.has(number)) continue;
        const page = object.pages.get(number);
        if (page === undefined) missing.add(number);
        else {
          page.used = true;
          found.set(number, page.bytes);
        }
      }
    }
    this.#hits += found.size;
    this.#misses += missing.size;
    if (missing.size === 0) return new PageSet(found);
    return this.#fetch(object, { missing, found, reading });
  }

  /**
   * `length` bytes at `offset`, where they are here: a view where they lie in one page, not to be written to and good until the
   * next tick, else a copy. Makes nothing but that.
   */
  tryBytes(handle: PagedHandle, offset: number, length: number): Uint8Array | undefined {
    const { pages } = this.#mustBeRegistered(handle);
    const start = offset % pageBytes;
    if (start + length > pageBytes) {
      const copy = new Uint8Array(length);
      return this.tryCopy(handle, offset, length, copy, 0) ? copy : undefined;
    }
    const page = pages.get((offset - start) / pageBytes);
    if (page === undefined || start + length > page.bytes.length) return undefined;
    page.used = true;
    this.#hits += 1;
    return page.bytes.subarray(start, start + length);
  }

  /**
   * Loads a byte at `offset`, where its page is here. Of ranges that are about to be copied the memory thus fetches several at
   * once, where copies one after another would wait for each. The answer is of no use.
   */
  touch(handle: PagedHandle, offset: number): number {
    const start = offset % pageBytes;
    const page = this.#mustBeRegistered(handle).pages.get((offset - start) / pageBytes);
    return page?.bytes[start] ?? 0;
  }

  /** Copies a range to `at` in `target`. False where not all of it is here: then what lies in `target` is of no use. */
  tryCopy(handle: PagedHandle, offset: number, length: number, target: Uint8Array, at: number): boolean {
    const { pages } = this.#mustBeRegistered(handle);
    for (let done = 0; done < length;) {
      const from = offset + done;
      const start = from % pageBytes;
      const part = Math.min(pageBytes - start, length - done);
      const page = pages.get((from - start) / pageBytes);
      if (page === undefined || start + part > page.bytes.length) return false;
      page.used = true;
      this.#hits += 1;
      target.set(page.bytes.subarray(start, start + part), at + done);
      done += part;
    }
    return true;
  }

  /**
   * Reads what is not here of `range`, where all of it fits beside what is here already, in half of the budget at most: what is
   * read though nobody has asked yet pushes nothing out, itself included. Where a host ends the reader in the middle, its room stays
   * spoken for, and less is read ahead from then on.
   */
  async readAhead(handle: PagedHandle, range: ByteRange): Promise<void> {
    const room = Math.min(this.#budget, this.#roomBytes()) - this.#bytes;
    const bytes = range.length + 2 * pageBytes;
    if (this.#aheadBytes + bytes > Math.min(room, this.#budget / 2)) return;
    this.#aheadBytes += bytes;
    try {
      await this.read(handle, [range]);
    } finally {
      this.#aheadBytes -= bytes;
    }
  }

  /** Drops every page of an object. What is being read goes to its reader and nowhere else. */
  forget(handle: PagedHandle): void {
    if (!this.#objects.delete(handle)) return;
    const object = handle as Registered;
    object.forgotten = true;
    for (const page of object.pages.all()) this.#drop(page);
    object.pages.clear();
    this.#count();
  }

  usage(): PageCacheUsage {
    return { bytes: this.#bytes, budgetBytes: this.#budget, hits: this.#hits, misses: this.#misses };
  }

  #mustBeRegistered(handle: PagedHandle): Registered {
    // Whoever made it: nobody else's handle comes here.
    const object = handle as Registered;
    assertInternal(!object.forgotten, () => `${object.key} of the page cache was forgotten`);
    return object;
  }

  async #fetch(object: Registered, read: PagesRead): Promise<PageSet> {
    const { missing, found, reading } = read;
    const few = reading.fewRequests === true;
    const { wave } = reading;
    const runs = few
      ? fewRunsOf(missing)
      : wave === undefined
        ? runsOf(missing, limits.rangeGapPages)
        : waveRunsOf(missing, wave);
    const parallel = few ? Math.min(FEW_PARALLEL, this.#parallel) : this.#parallel;
    const sumOf = sumsOf(object, read);
    const flights = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for (const run of runs) {
      if (sumOf instanceof Promise && flights.size > 0 && missing.size > FEW_PAGES)
        await sumOf.catch(() => {});
      while (flights.size > 0 && this.#inFlight >= parallel) await Promise.race(flights);
      if (failure !== undefined) break;
      const flight = this.#fetchRun(object, run, read, sumOf)
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => flights.delete(flight));
      flights.add(flight);
    }
    await Promise.all(flights);
    if (failure !== undefined) throw failure.error;
    return new PageSet(found);
  }

  async #fetchRun(
    object: Registered,
    { first, count }: Run,
    { missing, found, reading }: PagesRead,
    sums: Awaitable<SumOf>,
  ): Promise<void> {
    const { store, key, digests } = object;
    const offset = first * pageBytes;
    const length = Math.min(count * pageBytes, object.size - offset);
    // Of a wide gap nothing is kept: it would push out all else.
    const isWide = reading.fewRequests === true || reading.wave !== undefined;
    this.#inFlight += 1;
    try {
      const range = { offset, length };
      const pages = await readRange({ store, key, range, pages: true }, async (read) => {
        const sumOf = sums instanceof Promise ? await this.#hold(length, () => sums) : sums;
        const checked: { readonly number: number; readonly bytes: Uint8Array }[] = [];
        for (let i = 0; i < count; i++) {
          const number = first + i;
          const sum = missing.has(number) || !isWide ? sumOf(number) : undefined;
          if (sum === undefined) continue;
          // A page of its own: a view would keep all of a long answer alive for one page of it.
          const bytes = read.slice(i * pageBytes, (i + 1) * pageBytes);
          mustMatchPage({ key, number }, sum, digests.crc32c(bytes));
          checked.push({ number, bytes });
        }
        return checked;
      });
      for (const { number, bytes } of pages) {
        found.set(number, bytes);
        this.#insert(object, number, bytes);
      }
    } finally {
      this.#inFlight -= 1;
    }
  }

  #insert(owner: Registered, number: number, bytes: Uint8Array): Page | undefined {
    if (owner.forgotten) return undefined;
    const present = owner.pages.get(number);
    if (present !== undefined) return present;
    const room = Math.min(this.#budget, this.#roomBytes());
    const page = newPage(owner, number, bytes);
    owner.pages.set(number, page);
    this.#bytes += bytes.length;
    this.#append(page);
    this.trim(room);
    return page;
  }

  /** Drops pages until no more than so many bytes are left, or none. */
  trim(bytes: number): void {
    while (this.#bytes > bytes && this.#oldest !== undefined) {
      const evicted = this.#oldest;
      if (evicted.used) {
        evicted.used = false;
        this.#unlink(evicted);
        this.#append(evicted);
        continue;
      }
      evicted.owner.pages.set(evicted.number, undefined);
      this.#drop(evicted);
    }
    this.#count();
  }

  /** Only what stays: what came and made others go was not there beside them. */
  #count(): void {
    const more = this.#bytes - this.#countedBytes;
    this.#countedBytes = this.#bytes;
    if (more > 0) this.#account?.take(more);
    else this.#account?.give(-more);
  }

  #drop(page: Page): void {
    this.#bytes -= page.bytes.length;
    this.#unlink(page);
  }

  #append(page: Page): void {
    page.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = page;
    else this.#newest.newer = page;
    this.#newest = page;
  }

  #unlink(page: Page): void {
    if (page.older === undefined) this.#oldest = page.newer;
    else page.older.newer = page.newer;
    if (page.newer === undefined) this.#newest = page.older;
    else page.newer.older = page.older;
    page.older = undefined;
    page.newer = undefined;
  }
}

/** Where the table has to be read for them, that is on its way beside the pages. */
function sumsOf({ checksums }: PagedObject, { missing, reading }: PagesRead): Awaitable<SumOf> {
  const sumOf: SumOf = (page) => reading.sums?.get(page) ?? checksums.sumOf(page);
  for (const page of missing) {
    if (sumOf(page) !== undefined) continue;
    const loaded = andThen(
      checksums.load(),
      (sums): SumOf =>
        (number) =>
          sums[number],
    );
    // Told by whichever request waits for it.
    if (loaded instanceof Promise) loaded.catch(() => {});
    return loaded;
  }
  return sumOf;
}

function newPage(owner: Registered, number: number, bytes: Uint8Array): Page {
  return { owner, number, bytes, used: false, older: undefined, newer: undefined };
}

/** As narrow as may be without more requests than the whole span would take. */
function fewRunsOf(missing: ReadonlySet<number>): Run[] {
  const numbers = [...missing];
  const first = numbers.reduce((least, number) => Math.min(least, number));
  const last = numbers.reduce((most, number) => Math.max(most, number));
  const most = Math.ceil((last + 1 - first) / limits.rangePages);
  for (let gap: number = limits.rangeGapPages; ; gap *= 2) {
    const runs = runsOf(missing, gap);
    if (runs.length <= most || gap >= limits.rangePages) return runs;
  }
}

/** The narrowest gaps are read over, until the requests are few enough or the bytes too many. */
function waveRunsOf(missing: ReadonlySet<number>, wave: NonNullable<PageReading['wave']>): Run[] {
  const near = runsOf(missing, limits.rangeGapPages);
  const gaps = near.slice(1).map((run, i) => run.first - (near[i]!.first + near[i]!.count));
  const widest = gaps.map((_, i) => i).sort((x, y) => gaps[y]! - gaps[x]!);
  let read = near.reduce((sum, { count }) => sum + count * pageBytes, 0);
  // From the narrowest on.
  const bridged = new Set<number>();
  for (let i = widest.length - 1; i >= 0 && near.length - bridged.size > wave.requests; i--) {
    read += gaps[widest[i]!]! * pageBytes;
    if (read > wave.bytes) break;
    bridged.add(widest[i]!);
  }
  const runs: { first: number; count: number }[] = [];
  near.forEach((run, i) => {
    const last = runs.at(-1);
    const count = last === undefined ? 0 : run.first + run.count - last.first;
    if (last !== undefined && bridged.has(i - 1) && count <= limits.rangePages) last.count = count;
    else runs.push({ ...run });
  });
  return runs;
}

/** Joins pages that lie side by side, or no farther apart than `gap`, into runs, none longer than one request should be. */
function runsOf(missing: ReadonlySet<number>, gap: number): Run[] {
  const runs: { first: number; count: number }[] = [];
  for (const number of [...missing].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (
      last !== undefined &&
      number - last.first < limits.rangePages &&
      number - (last.first + last.count) <= gap
    ) {
      last.count = number + 1 - last.first;
    } else runs.push({ first: number, count: 1 });
  }
  return runs;
}
