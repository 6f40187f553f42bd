/**
 * The segments that a process has open. One per database; a file is opened once however many tables and heads name it,
 * and closed with the last of them.
 */
import { assertInternal } from '../../base/errors.js';
import type { Kernel } from '../../kernel/index.js';
import type { Sleep } from '../../base/ports.js';
import { RowScorer } from '../../kernel/index.js';
import type { SegmentEntry } from '../../log/index.js';
import type { ObjectStore } from '../../store/index.js';
import { Residency } from './residency.js';
import type { Expiries, LiveSegment, SegmentDeletions, SegmentFile } from './segment-file.js';

/** Reads the objects of segments. */
export interface SegmentSource {
  openFile(
    store: ObjectStore,
    entry: SegmentEntry,
  ): Promise<{ readonly file: SegmentFile; readonly expiries: Expiries }>;
  openDeletions(store: ObjectStore, entry: SegmentEntry): Promise<SegmentDeletions>;
  /** Lets go of what is cached of a file. */
  close(key: string): void;
  /** Bytes of pages held. */
  readonly cachedBytes: number;
}

export interface SegmentStoreOptions {
  readonly kernel: Kernel;
  readonly sleep: Sleep;
  readonly source: SegmentSource;
  /** Let requests share loads. Off where a promise must not cross requests (Workers). */
  readonly shareRequests: boolean;
}

interface OpenFile {
  readonly key: string;
  readonly file: SegmentFile;
  readonly expiries: Expiries;
  users: number;
}

/** Files without a user that stay open: a table that is made anew, or moves onto a newer head, finds them here. */
const IDLE_FILES = 16;

export class SegmentStore {
  readonly residency: Residency;
  readonly scorer: RowScorer;
  readonly #source: SegmentSource;
  readonly #files = new Map<string, OpenFile>();
  /** Without users; walks from the one that is so the longest. */
  readonly #idle = new Set<OpenFile>();

  constructor({ kernel, sleep, source, shareRequests }: SegmentStoreOptions) {
    this.#source = source;
    this.residency = new Residency({ pool: kernel.pool, sleep, shareLoads: shareRequests });
    this.scorer = new RowScorer(kernel);
  }

  get cachedBytes(): number {
    return this.#source.cachedBytes;
  }

  /** Opens all of them in parallel, or none. Each is to be released. */
  async open(store: ObjectStore, entries: readonly SegmentEntry[]): Promise<readonly LiveSegment[]> {
    const opened = await Promise.allSettled(entries.map((entry) => this.#openOne(store, entry)));
    const failed = opened.find((result) => result.status === 'rejected');
    const segments = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed === undefined) return segments;
    for (const segment of segments) this.release(segment);
    throw failed.reason;
  }

  async #openOne(store: ObjectStore, entry: SegmentEntry): Promise<LiveSegment> {
    const deletions = entry.deletions === undefined ? undefined : this.#source.openDeletions(store, entry);
    // Both are asked for before either is waited for; that one failed is told by whichever is waited for first.
    deletions?.catch(() => {});
    const { file, expiries } = await this.#openFile(store, entry);
    try {
      return { entry, file, expiries, deletions: await deletions };
    } catch (error) {
      this.#release(entry.key);
      throw error;
    }
  }

  async #openFile(store: ObjectStore, entry: SegmentEntry): Promise<OpenFile> {
    let open = this.#files.get(entry.key);
    if (open === undefined) {
      const opened = await this.#source.openFile(store, entry);
      // Whoever was first counts: two requests share no promise, but they do share what came of it.
      open = this.#files.get(entry.key) ?? { ...opened, key: entry.key, users: 0 };
      this.#files.set(entry.key, open);
    }
    this.#use(open);
    return open;
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
    this.#source.close(open.key);
  }
}
