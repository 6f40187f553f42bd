/**
 * The segments that a process has open. One per database; a file is opened once however many tables and heads name it,
 * and closed with the last of them.
 */
import { bytesToHex } from '../../base/bytes.js';
import { assertInternal, corrupt } from '../../base/errors.js';
import type { MemoryPart } from '../../base/memory-account.js';
import type { Deflate, Digests, Ports } from '../../base/ports.js';
import { RowScorer } from '../../kernel/index.js';
import type { Kernel, RowMasks } from '../../kernel/index.js';
import { objectGone } from '../../log/index.js';
import type { CollectionSchema, HeadCopies, SegmentEntry } from '../../log/index.js';
import { openDeletions, SegmentReader } from '../../segment/index.js';
import type { Deletions, FilterCache } from '../../segment/index.js';
import { getChecked } from '../../store/index.js';
import type { ObjectStore, PageCache } from '../../store/index.js';
import { tryRecallCurve } from './recall-curve.js';
import type { RecallCurve } from './recall-curve.js';
import { Residency } from './residency.js';
import type { LoadReads } from './residency.js';
import type { SearchThreads } from './search-threads.js';
import { tryProbeCurve } from './probe-curve.js';
import type { ProbeCurve } from './probe-curve.js';
import type { LiveSegment } from './segment-file.js';
import { Warmth } from './warmth.js';

export interface SegmentStoreOptions {
  readonly kernel: Kernel;
  readonly ports: Pick<Ports, 'digests' | 'deflate' | 'clock' | 'sleep'>;
  readonly cache: PageCache;
  readonly filters: FilterCache;
  /** Where what open files hold in memory counts. */
  readonly tails: MemoryPart;
  /** Let requests share loads. Off where a promise must not cross requests (Workers). */
  readonly shareRequests: boolean;
  /** Whether what a call leaves behind goes on when it is answered. */
  readonly background: boolean;
  /** Where it does not: keeps what was begun until this has settled. */
  readonly waitUntil?: ((call: Promise<void>) => void) | undefined;
  /** As the handler's tier has them. */
  readonly reads: LoadReads;
  readonly threads?: SearchThreads | undefined;
}

/** Where segments lie, and what the collection says of their vectors. */
export interface SegmentPlace {
  readonly store: ObjectStore;
  readonly dimension: number;
  readonly metric: string;
}

export function placeOf(store: ObjectStore, { dimension, metric }: CollectionSchema): SegmentPlace {
  return { store, dimension, metric };
}

interface OpenFile {
  readonly key: string;
  readonly file: SegmentReader;
  readonly recallCurve: RecallCurve | undefined;
  readonly probeCurve: ProbeCurve | undefined;
  users: number;
}

/** Files without a user that stay open: a table that is made anew, or moves onto a newer head, finds them here. */
const IDLE_FILES = 16;

export class SegmentStore {
  readonly residency: Residency;
  readonly warmth: Warmth;
  /** Requests that this handler has in flight. */
  readonly requestsParallel: number;
  readonly scorer: RowScorer;
  /** That search beside the caller's own. */
  readonly threads: SearchThreads | undefined;
  readonly #digests: Digests;
  readonly #deflate: Deflate;
  readonly #cache: PageCache;
  readonly #filters: FilterCache;
  readonly #tails: MemoryPart;
  readonly #masks: RowMasks;
  readonly #files = new Map<string, OpenFile>();
  /** Without users; walks from the one that is so the longest. */
  readonly #idle = new Set<OpenFile>();

  constructor(options: SegmentStoreOptions) {
    const { kernel, ports, cache, filters, tails, shareRequests, background, waitUntil, reads, threads } =
      options;
    this.#digests = ports.digests;
    this.#deflate = ports.deflate;
    this.#cache = cache;
    this.#filters = filters;
    this.#tails = tails;
    this.#masks = kernel.masks;
    this.threads = threads;
    this.residency = new Residency({
      pool: kernel.pool,
      clock: ports.clock,
      sleep: ports.sleep,
      shareLoads: shareRequests,
      reads,
      threads,
    });
    this.requestsParallel = reads.requestsParallel;
    this.warmth = new Warmth({
      residency: this.residency,
      beside: background,
      waitUntil,
      retain: (segment) => this.retain(segment),
      release: (segment) => this.release(segment),
    });
    this.scorer = new RowScorer(kernel);
  }

  /** Bytes of pages held, and of what filters select. */
  get cachedBytes(): number {
    return this.#cache.usage().bytes + this.#filters.bytes;
  }

  /** Opens all of them in parallel, or none, some of it from `copies`. Each is to be released. */
  async open(
    place: SegmentPlace,
    entries: readonly SegmentEntry[],
    copies?: HeadCopies,
  ): Promise<readonly LiveSegment[]> {
    const opened = await Promise.allSettled(entries.map((entry) => this.#openOne(place, entry, copies)));
    const failed = opened.find((result) => result.status === 'rejected');
    const segments = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed === undefined) return segments;
    for (const segment of segments) this.release(segment);
    throw failed.reason;
  }

  async #openOne(
    place: SegmentPlace,
    entry: SegmentEntry,
    copies: HeadCopies | undefined,
  ): Promise<LiveSegment> {
    const deletions = this.#readDeletions(place.store, entry, copies);
    // Both are asked for before either is waited for; that one failed is told by whichever is waited for first.
    deletions.catch(() => {});
    const open = await this.#openFile(place, entry, copies);
    try {
      const { file, recallCurve, probeCurve } = open;
      const { expiries } = file;
      return { entry, file, recallCurve, probeCurve, expiries, deletions: await deletions };
    } catch (error) {
      this.#release(entry.key);
      throw error;
    }
  }

  async #openFile(
    { store, dimension, metric }: SegmentPlace,
    entry: SegmentEntry,
    copies: HeadCopies | undefined,
  ): Promise<OpenFile> {
    let open = this.#files.get(entry.key);
    if (open === undefined) {
      const ports = { digests: this.#digests, deflate: this.#deflate };
      const shared = { cache: this.#cache, masks: this.#masks, filters: this.#filters, held: this.#tails };
      const { key, footerSha256: sha256 } = entry;
      const copy = copies && (await copies.tryUse({ key, sha256 }, (bytes) => bytes));
      const options = { store, ...ports, ...shared, ref: entry, copy };
      const file = await SegmentReader.open({ ...options, expected: { dimension, metric } });
      // Whoever was first counts: two requests share no promise, but they do share what came of it.
      open = this.#files.get(entry.key) ?? {
        key: entry.key,
        file,
        recallCurve: tryRecallCurve(file.curve),
        probeCurve: tryProbeCurve(file.curve),
        users: 0,
      };
      if (open.file !== file) file.close();
      this.#files.set(entry.key, open);
    }
    this.#use(open);
    return open;
  }

  async #readDeletions(
    store: ObjectStore,
    { deletions, rows }: SegmentEntry,
    copies: HeadCopies | undefined,
  ): Promise<Deletions | undefined> {
    if (deletions === undefined) return undefined;
    const { key, sha256 } = deletions;
    const use = (bytes: Uint8Array): Deletions => {
      const found = bytesToHex(this.#digests.sha256(bytes));
      if (found !== sha256) throw corrupt({ key, offset: 0, expected: `sha-256 ${sha256}`, found });
      return openDeletions(this.#digests, key, bytes, rows);
    };
    const copied = copies && (await copies.tryUse(deletions, use));
    if (copied !== undefined) return copied;
    return await getChecked(store, key, (got) => {
      if (got.status !== 'found') throw objectGone(key);
      return use(got.bytes);
    });
  }

  /** One more user of segments that were open a moment ago. False, and none, where one of them was closed since. */
  tryReopen(segments: readonly LiveSegment[]): boolean {
    const files = segments.map(({ entry, file }) => {
      const open = this.#files.get(entry.key);
      return open?.file === file ? open : undefined;
    });
    if (files.includes(undefined)) return false;
    for (const open of files) this.#use(open!);
    return true;
  }

  /** One more user. Requires: one that it has already. */
  retain({ entry }: LiveSegment): void {
    const open = this.#files.get(entry.key);
    assertInternal(open !== undefined && open.users > 0, `segment ${entry.key} has no user any more`);
    open.users++;
  }

  release({ entry }: LiveSegment): void {
    this.#release(entry.key);
  }

  /** Closes all files. Requires: no users. */
  close(): void {
    for (const open of this.#idle) this.#close(open);
    this.scorer.release();
  }

  #use(open: OpenFile): void {
    open.users++;
    this.#idle.delete(open);
  }

  #release(key: string): void {
    const open = this.#files.get(key);
    assertInternal(open !== undefined && open.users > 0, `segment ${key} was released once too often`);
    open.users--;
    if (open.users > 0) return;
    this.residency.evict(open.file);
    this.#idle.add(open);
    if (this.#idle.size <= IDLE_FILES) return;
    for (const oldest of this.#idle) {
      this.#close(oldest);
      return;
    }
  }

  #close(open: OpenFile): void {
    this.#idle.delete(open);
    this.#files.delete(open.key);
    this.residency.evict(open.file);
    open.file.close();
  }
}
