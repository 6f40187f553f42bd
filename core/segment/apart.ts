/**
 * What of a large segment lies apart from the tail: indexes and checksums that not every reader needs, each on pages of its own, so that
 * it is read and checked alone.
 */
import type { Awaitable } from '../base/awaitable.js';
import { alignUp, concatBytes } from '../base/bytes.js';
import { isCairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Digests } from '../base/ports.js';
import { knownChecksums, mustMatchPage, readRange } from '../store/index.js';
import type { ByteRange, ObjectStore, PageChecksums } from '../store/index.js';
import type { Footer, SegmentSection } from './footer.js';
import { pagesOf } from './section-layout.js';
import type { SegmentLayout } from './section-layout.js';

const { pageBytes } = limits;

export interface SegmentSource {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly key: string;
}

const PIECE_BYTES = 1_048_576;
const PIECES_MOST = 4;

/**
 * What `use` makes of a range, which it finds damaged by throwing `corrupt`. Throws what `readRange` does. Cost: one request; of a large
 * range some more beside each other.
 */
export async function readLarge<T>(
  source: { readonly store: ObjectStore; readonly key: string; readonly size?: number },
  range: ByteRange,
  use: (bytes: Uint8Array) => T,
): Promise<T> {
  const pieces = piecesOf(range);
  if (pieces.length > 1) {
    const read = pieces.map((piece) => readRange({ ...source, range: piece }, (bytes) => bytes));
    try {
      return use(concatBytes(await Promise.all(read)));
    } catch (error) {
      // What a cache has kept of it may be damaged, in whichever piece: then the whole is read, and held against the bucket's.
      if (!isCairnError(error) || error.kind !== 'corrupt') throw error;
    }
  }
  return await readRange({ ...source, range }, use);
}

/** Alike, and as many as it takes that no connection is waited for much longer than for the answer to begin, up to a few. */
function piecesOf({ offset, length }: ByteRange): readonly ByteRange[] {
  const count = Math.min(PIECES_MOST, Math.ceil(length / PIECE_BYTES));
  const pieceBytes = Math.ceil(length / count);
  return Array.from({ length: count }, (_, i) => ({
    offset: offset + i * pieceBytes,
    length: Math.min(pieceBytes, length - i * pieceBytes),
  }));
}

/** Told of the bytes of a part once it is kept. */
export type Kept = (bytes: number) => void;

/** A part of a segment that is here, or is read when it is needed first. */
export class SegmentPart<T> {
  #value: T | undefined;
  readonly #read: (() => Promise<T>) | undefined;
  readonly #kept: () => void;

  private constructor(value: T | undefined, read: (() => Promise<T>) | undefined, kept: () => void) {
    this.#value = value;
    this.#read = read;
    this.#kept = kept;
  }

  static of<T>(value: T): SegmentPart<T> {
    return new SegmentPart<T>(value, undefined, () => {});
  }

  static apart<T>(read: () => Promise<T>, kept: () => void): SegmentPart<T> {
    return new SegmentPart<T>(undefined, read, kept);
  }

  /** Undefined where it has not been read. */
  get here(): T | undefined {
    return this.#value;
  }

  /** Throws `corrupt`, or `unavailable` (`object_gone`). Cost: that of a read, where it is not here. */
  get(): Awaitable<T> {
    return this.#value ?? this.#read!().then((value) => this.#keep(value));
  }

  /** Whoever was first counts: two requests share no promise. */
  #keep(value: T): T {
    if (this.#value !== undefined) return this.#value;
    this.#value = value;
    this.#kept();
    return value;
  }
}

/**
 * A section that lies apart, at a multiple of 8 in its buffer, checked against what the footer says of its pages. Throws `corrupt`, or
 * `unavailable` (`object_gone`).
 */
export async function readApart<T>(
  { store, digests, key }: SegmentSource,
  { offset, length }: SegmentSection,
  sums: Pick<PageChecksums, 'sumOf'>,
  use: (bytes: Uint8Array) => T,
): Promise<T> {
  const range = { offset, length: alignUp(length, pageBytes) };
  return await readLarge({ store, key }, range, (read) => {
    mustMatchSums({ key, first: offset / pageBytes, sums }, digests.crc32cPages(read, pageBytes));
    return use((read.byteOffset % 8 === 0 ? read : read.slice()).subarray(0, length));
  });
}

/** Throws `corrupt`. Requires: pages of which the checksums are here. */
export function mustMatchSums(
  pages: { readonly key: string; readonly first: number; readonly sums: Pick<PageChecksums, 'sumOf'> },
  found: Uint32Array,
): void {
  const { key, first, sums } = pages;
  found.forEach((sum, i) => mustMatchPage({ key, number: first + i }, sums.sumOf(first + i), sum));
}

/** The checksums of all pages before the footer, which holds those of a small segment and of a large one the few that others follow from. */
export function checksumsOf(
  source: SegmentSource,
  { pageChecksums: held }: Footer,
  layout: SegmentLayout,
  kept: Kept,
): PageChecksums {
  const { checksums: section } = layout;
  return section === undefined
    ? knownChecksums(held)
    : new ChecksumsApart(source, held, layout, section, kept);
}

class ChecksumsApart implements PageChecksums {
  /** Of the leaves, and of everything from the first section on that lies apart. */
  readonly #held: Uint32Array;
  readonly #leaves: { readonly first: number; readonly count: number };
  /** The first page of what lies apart: the table is of those before. */
  readonly #apart: number;
  readonly #all: SegmentPart<Uint32Array>;

  constructor(
    source: SegmentSource,
    held: Uint32Array,
    layout: SegmentLayout,
    section: SegmentSection,
    kept: Kept,
  ) {
    this.#held = held;
    this.#leaves = pagesOf(layout.body.leaves);
    this.#apart = layout.apartOffset / pageBytes;
    const read = (): Promise<Uint32Array> =>
      readApart(source, section, this, (bytes) => {
        const behind = held.subarray(this.#leaves.count);
        const all = new Uint32Array(this.#apart + behind.length);
        all.set(new Uint32Array(bytes.buffer, bytes.byteOffset, this.#apart));
        all.set(behind, this.#apart);
        return all;
      });
    this.#all = SegmentPart.apart(read, () => kept(section.length));
  }

  sumOf(page: number): number | undefined {
    const { first, count } = this.#leaves;
    if (page >= this.#apart) return this.#held[count + page - this.#apart];
    if (page >= first && page < first + count) return this.#held[page - first];
    return this.#all.here?.[page];
  }

  load(): Awaitable<Uint32Array> {
    return this.#all.get();
  }
}
