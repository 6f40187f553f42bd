/**
 * One open segment: its tail in memory, everything else read by range. Reads answer at once where their pages are
 * cached, and by a promise where they are not; either way they were checked. Errors are `corrupt`, or `unavailable` with
 * `object_gone` where the segment was superseded and collected: read the head again.
 */
import { andThen } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { bitmapBytes, fullBitmap } from '../base/bitmap.js';
import { assertInternal } from '../base/errors.js';
import type { MemoryPart } from '../base/memory-account.js';
import type { Deflate, Digests } from '../base/ports.js';
import type { Filter } from '../filter/index.js';
import type { RowMasks } from '../kernel/index.js';
import type { ByteRange, ObjectStore, PageCache, PageReading, PageSet } from '../store/index.js';
import { rowsOfPlan } from './columns/filter-masks.js';
import type { FilterCache } from './columns/filter-cache.js';
import type { FilterRows } from './columns/filter-masks.js';
import { planFilter } from './columns/filter-plan.js';
import type { Expiries } from './expiries.js';
import type { SegmentSection } from './footer.js';
import type { Wrong } from './id-blocks.js';
import { rawChunks } from './raw-rows.js';
import type { RawChunk } from './raw-rows.js';
import { ResidentLoad } from './resident-load.js';
import type { ResidentLoadOptions, ResidentSource } from './resident-load.js';
import { readResidentRange } from './resident-range.js';
import { mustBeRowMaps } from './row-maps.js';
import { LeafBlock } from './leaves/leaf-blocks.js';
import type { LeafIndex } from './leaves/leaf-index.js';
import { SegmentDocuments } from './segment-documents.js';
import { SegmentIds } from './segment-ids.js';
import type { IdRun } from './segment-ids.js';
import { SegmentPages } from './segment-pages.js';
import { openTail, wrongAt } from './segment-tail.js';
import type { SegmentTail, TailOptions } from './segment-tail.js';
import type { SegmentRef } from './segment-writer.js';

export interface SegmentReaderOptions extends Omit<TailOptions, 'kept'> {
  readonly deflate: Deflate;
  readonly cache: PageCache;
  readonly masks: RowMasks;
  /** Keeps what filters select. Absent: it is found anew each time. */
  readonly filters?: FilterCache | undefined;
  /** Where what it holds counts: its tail, and what lies apart from that and is read later. */
  readonly held?: MemoryPart | undefined;
}

/** What an open segment holds in memory, which is told of more as it is read. */
class Held {
  readonly #part: MemoryPart | undefined;
  #bytes = 0;
  #closed = false;

  constructor(part: MemoryPart | undefined) {
    this.#part = part;
  }

  take(bytes: number): void {
    if (this.#closed) return;
    this.#bytes += bytes;
    this.#part?.take(bytes);
  }

  close(): void {
    this.#closed = true;
    this.#part?.give(this.#bytes);
  }
}

export class SegmentReader {
  readonly ref: SegmentRef;
  readonly rows: number;
  readonly dimension: number;
  readonly metric: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly curve: unknown;
  /** First row of each leaf; none where rows are in no leaves. */
  readonly leafStarts: Uint32Array;
  /** By time. */
  readonly expiries: Expiries;
  /** Which leaves a query is near; undefined where there are none to probe. */
  readonly leafIndex: LeafIndex | undefined;
  /** Length of the resident part: a multiple of the page, 0 where there is none. */
  readonly residentBytes: number;
  /** Their offsets count from the start of the resident part. */
  readonly residentSections: readonly SegmentSection[];
  readonly #store: ObjectStore;
  readonly #digests: Digests;
  readonly #deflate: Deflate;
  readonly #masks: RowMasks;
  readonly #filters: FilterCache | undefined;
  readonly #pages: SegmentPages;
  readonly #ids: SegmentIds;
  readonly #documents: SegmentDocuments;
  readonly #tail: SegmentTail;
  readonly #seqBase: number;
  /** What was touched ends here, so that no compiler leaves it out. */
  readonly #touched: Uint8Array = new Uint8Array(1);
  readonly #held: Held;

  private constructor(options: SegmentReaderOptions, tail: SegmentTail, held: Held) {
    const { store, digests, deflate, cache, masks, filters, ref } = options;
    const { footer, layout, checksums } = tail;
    this.ref = ref;
    this.rows = footer.rows;
    const field = footer.text.fields[0]!;
    this.dimension = field.dimension;
    this.metric = field.metric;
    this.expiries = tail.expiries;
    this.numbers = footer.text.numbers;
    this.curve = tail.curve;
    this.leafStarts = tail.leafStarts;
    this.leafIndex = tail.leafIndex;
    this.residentBytes = layout.residents.length === 0 ? 0 : layout.residentEnd - layout.residentOffset;
    this.residentSections = layout.residents.map((section) => ({
      ...section,
      offset: section.offset - layout.residentOffset,
    }));
    this.#store = store;
    this.#digests = digests;
    this.#deflate = deflate;
    this.#masks = masks;
    this.#filters = filters;
    this.#tail = tail;
    this.#seqBase = this.numbers['seqBase']!;
    this.#pages = new SegmentPages(cache, {
      store,
      key: ref.key,
      size: layout.tailOffset,
      checksums,
      digests,
    });
    this.#ids = new SegmentIds(this.#pages, tail);
    this.#documents = new SegmentDocuments(this.#pages, tail, deflate);
    this.#held = held;
    held.take(ref.tailBytes);
  }

  /** Cost: one request for the tail. */
  static async open(options: SegmentReaderOptions): Promise<SegmentReader> {
    const held = new Held(options.held);
    const tail = await openTail({ ...options, kept: (bytes) => held.take(bytes) });
    return new SegmentReader(options, tail, held);
  }

  /** Drops what the page cache holds of the segment. Nothing may be read after this. */
  close(): void {
    this.#held.close();
    this.#pages.forget();
    this.#documents.clear();
  }

  /**
   * A load of the resident part into `target`, which is `residentBytes` long and begins at a multiple of 4. Row maps are
   * checked to be such; other sections are their user's to check.
   */
  residentLoad(target: Uint8Array, options: ResidentLoadOptions = {}): ResidentLoad {
    assertInternal(target.length === this.residentBytes, `${target.length} bytes for the resident part`);
    const crc32cPages: Digests['crc32cPages'] =
      options.crc32cPages ?? ((bytes, pageBytes) => this.#digests.crc32cPages(bytes, pageBytes));
    const mustBeSound = (bytes: Uint8Array): void => this.#mustHaveRowMaps(bytes);
    return new ResidentLoad({ ...this.#residentSource, mustBeSound }, target, { ...options, crc32cPages });
  }

  /** Of the resident part, through the page cache. Not to be written to. */
  residentBytesAt({ offset, length }: ByteRange): Awaitable<Uint8Array> {
    const range = shifted({ offset, length }, this.#tail.layout.residentOffset);
    return andThen(this.#read([range]), (pages) => pages.bytes(range.offset, length));
  }

  /** Of the resident part, past the page cache: see `readResidentRange`. */
  async readResident(
    range: ByteRange,
    room: Uint8Array,
    crc32cPages: Digests['crc32cPages'],
  ): Promise<number> {
    return await readResidentRange(this.#residentSource, range, room, crc32cPages);
  }

  get #residentSource(): Omit<ResidentSource, 'mustBeSound'> {
    const { checksums, layout } = this.#tail;
    return { store: this.#store, key: this.ref.key, offset: layout.residentOffset, checksums };
  }

  /**
   * Those of `ids` that may be in the segment: all that are, and of the others one in 65,536. Cost: none, but one request for the
   * filter where it lies apart from the tail and nothing was looked up yet.
   */
  possibleIds(ids: readonly string[]): Awaitable<readonly string[]> {
    return this.#ids.possible(ids);
  }

  /** The rank of each id, -1 for one that is not here. Looks into a block of ids for each: see `possibleIds`. */
  findRanks(ids: readonly string[], reading?: PageReading): Awaitable<Int32Array> {
    return this.#ids.findRanks(ids, reading);
  }

  idsOfRanks(ranks: ArrayLike<number>): Awaitable<string[]> {
    for (let i = 0; i < ranks.length; i++) this.#mustHave('rank', ranks[i]!);
    return this.#ids.ofRanks(ranks);
  }

  /** Up to `count` ids after `after`, which need not be here; '' for the first. No ids: there are no more. */
  idsFrom(after: string, count: number): Awaitable<IdRun> {
    return this.#ids.from(after, count);
  }

  /** Reads what ids are found by, and into the cache all of them, where they take no more than `bytesMax` and push nothing out of it. */
  async readIdsAhead(bytesMax: number): Promise<void> {
    await this.#ids.readAhead(bytesMax);
  }

  rowsOfRanks(ranks: Uint32Array, reading?: PageReading): Awaitable<Uint32Array> {
    return this.#mapped('rowOfRank', 'rank', ranks, reading);
  }

  ranksOfRows(rows: Uint32Array): Awaitable<Uint32Array> {
    return this.#mapped('rankOfRow', 'row', rows);
  }

  /** By pages, not by the resident part: who an answer names does not depend on what is in memory. */
  #mapped(
    kind: 'rowOfRank' | 'rankOfRow',
    what: 'row' | 'rank',
    from: ArrayLike<number>,
    reading?: PageReading,
  ): Awaitable<Uint32Array> {
    const section = this.#tail.layout.residents.find((resident) => resident.kind === kind);
    const { key } = this.ref;
    if (section === undefined) throw wrongAt(key, 0)(0, `a section ${kind}`, 'none');
    const ranges = Array.from(from, (number) => {
      this.#mustHave(what, number);
      return { offset: section.offset + 4 * number, length: 4 };
    });
    return andThen(this.#read(ranges, reading), (pages) =>
      Uint32Array.from(ranges, ({ offset }) => {
        const number = wordOf(pages.bytes(offset, 4));
        if (number < this.rows) return number;
        throw wrongAt(key, offset)(0, `a number below ${this.rows}`, `${number}`);
      }),
    );
  }

  /** The JSON text of each row, '' for a row without metadata. */
  documents(rows: ArrayLike<number>, reading?: PageReading): Awaitable<string[]> {
    for (let i = 0; i < rows.length; i++) this.#mustHave('row', rows[i]!);
    return this.#documents.of(rows, reading);
  }

  /** Reads what documents are found by, where that lies apart: beside what is read to know which are wanted. */
  prepareDocuments(): Awaitable<void> {
    return this.#documents.prepare();
  }

  /**
   * The rows that satisfy a filter, as far as columns tell: of the segments that have none only documents do. At once where
   * the pages are cached. Cost: at most two waves of page reads.
   */
  filterRows(filter: Filter): Awaitable<FilterRows> {
    const { columnIndex: index } = this.#tail;
    const { rows, leafStarts } = this;
    if (index === undefined)
      return { sure: new Uint8Array(bitmapBytes(rows)), count: 0, open: fullBitmap(rows) };
    const name = `${this.ref.key} ${JSON.stringify(filter)}`;
    const known = this.#filters?.tryGet(name);
    if (known !== undefined) return known;
    const inSegment = (offset: number): Wrong => wrongAt(this.ref.key, offset);
    const read = (ranges: readonly ByteRange[]): Awaitable<PageSet> => this.#read(ranges);
    return andThen(planFilter({ index, read, wrongAt: inSegment }, filter), (plan) => {
      const found = rowsOfPlan(plan, { rows, leafStarts, masks: this.#masks, wrongAt: inSegment });
      this.#filters?.put(name, found);
      return found;
    });
  }

  /**
   * The blocks of leaves, in their order. Throws `corrupt`. Cost: one wave of page reads. Requires: `leafIndex`.
   */
  leafBlocks(leaves: readonly number[], reading?: PageReading): Awaitable<readonly LeafBlock[]> {
    const { leafIndex: index } = this;
    const section = this.#tail.layout.body.leaves;
    assertInternal(index !== undefined && section !== undefined, 'a segment without leaves was probed');
    const ranges = leaves.map((leaf) => shifted(index.range(leaf), section.offset));
    return andThen(this.#read(ranges, reading), (pages) =>
      ranges.map(
        ({ offset, length }, i) =>
          new LeafBlock(pages.bytes(offset, length), index.place(leaves[i]!), wrongAt(this.ref.key, offset)),
      ),
    );
  }

  /** The id of a row of a block that this segment has read. Throws `corrupt`. */
  idsOfLeaf(block: LeafBlock): readonly Uint8Array[] {
    return block.idBytes(this.#deflate);
  }

  /** The vectors of `rows`, one after another. */
  vectors(rows: ArrayLike<number>, reading?: PageReading): Awaitable<Float32Array> {
    const length = 4 * this.dimension;
    const into = new Float32Array(rows.length * this.dimension);
    const bytes = new Uint8Array(into.buffer);
    const all = { first: 0, count: rows.length };
    if (this.tryCopyVectors(rows, all, bytes, { at: 0, stride: length })) return into;
    const ranges = Array.from(rows, (row) => ({ offset: row * length, length }));
    return andThen(this.#read(ranges, reading), (pages) => {
      ranges.forEach(({ offset }, i) => pages.copyInto(offset, length, bytes, i * length));
      return into;
    });
  }

  /** Copies the vectors of some of `rows` to a place in `target`. False where not all are in the cache. */
  tryCopyVectors(
    rows: ArrayLike<number>,
    { first, count }: { readonly first: number; readonly count: number },
    target: Uint8Array,
    { at, stride }: { readonly at: number; readonly stride: number },
  ): boolean {
    const length = 4 * this.dimension;
    for (let i = 0; i < count; i++) {
      const row = rows[first + i]!;
      this.#mustHave('row', row);
      this.#touched[0]! ^= this.#pages.touch(row * length);
    }
    for (let i = 0; i < count; i++) {
      const row = rows[first + i]!;
      if (!this.#pages.tryCopy(row * length, length, target, at + i * stride)) return false;
    }
    return true;
  }

  /** The sequence at which each row was upserted. */
  seqs(rows: ArrayLike<number>): Awaitable<number[]> {
    const { offset } = this.#tail.layout.body.seqs;
    const ranges = Array.from(rows, (row) => {
      this.#mustHave('row', row);
      return { offset: offset + 4 * row, length: 4 };
    });
    return andThen(this.#read(ranges), (pages) =>
      ranges.map((range) => this.#seqBase + wordOf(pages.bytes(range.offset, 4))),
    );
  }

  /** Raw vectors in row order past the cache, in pieces of about `maxBytes` (at most 4 MiB, at least a row). */
  rawChunks(maxBytes: number, fromRow = 0): AsyncGenerator<RawChunk, void, undefined> {
    const { checksums, layout } = this.#tail;
    const { rows, dimension } = this;
    const [store, digests, key] = [this.#store, this.#digests, this.ref.key];
    const pagedBytes = layout.tailOffset;
    return rawChunks({ store, digests, key, rows, dimension, checksums, pagedBytes }, maxBytes, fromRow);
  }

  #mustHaveRowMaps(resident: Uint8Array): void {
    const [rowOfRank, rankOfRow] = ['rowOfRank', 'rankOfRow'].map((kind) =>
      this.residentSections.find((section) => section.kind === kind),
    );
    if (rowOfRank === undefined || rankOfRow === undefined) return;
    const words = ({ offset }: SegmentSection): Uint32Array =>
      new Uint32Array(resident.buffer, resident.byteOffset + offset, this.rows);
    const wrong = wrongAt(this.ref.key, this.#tail.layout.residentOffset + rowOfRank.offset);
    mustBeRowMaps(words(rowOfRank), words(rankOfRow), (rank, found) =>
      wrong(4 * rank, `a row whose rank is ${rank}`, found),
    );
  }

  #mustHave(what: 'row' | 'rank', number: number): void {
    assertInternal(
      Number.isInteger(number) && number >= 0 && number < this.rows,
      () => `${what} ${number} of a segment of ${this.rows} rows`,
    );
  }

  #read(ranges: readonly ByteRange[], reading?: PageReading): Awaitable<PageSet> {
    return this.#pages.read(ranges, reading);
  }
}

function shifted({ offset, length }: ByteRange, by: number): ByteRange {
  return { offset: by + offset, length };
}

function wordOf(b: Uint8Array): number {
  return b[0]! + b[1]! * 0x100 + b[2]! * 0x1_0000 + b[3]! * 0x100_0000;
}
