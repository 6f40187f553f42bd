/**
 * One open segment: its tail in memory, everything else read by range. Reads answer at once where their pages are
 * cached, and by a promise where they are not; either way they were checked. Errors are `corrupt`, or `unavailable` with
 * `object_gone` where the segment was superseded and collected: read the head again.
 */
import { andThen } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { bitmapBytes, fullBitmap } from '../base/bitmap.js';
import { utf8Decode, utf8Encode } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { MemoryPart } from '../base/memory-account.js';
import type { Deflate, Digests } from '../base/ports.js';
import type { Filter } from '../filter/index.js';
import type { RowMasks } from '../kernel/index.js';
import type { ByteRange, ObjectStore, PageCache, PagedHandle, PageReading, PageSet } from '../store/index.js';
import { rowsOfPlan } from './columns/filter-masks.js';
import type { FilterCache } from './columns/filter-cache.js';
import type { FilterRows } from './columns/filter-masks.js';
import { planFilter } from './columns/filter-plan.js';
import { inflateBlock, textAt } from './document-blocks.js';
import type { DocumentBlock } from './document-blocks.js';
import type { Expiries } from './expiries.js';
import type { SegmentSection } from './footer.js';
import { RecentBlocks } from './recent-blocks.js';
import { compareBytes, decodeIdAt, decodeIdBlock, idAt, positionIn } from './id-blocks.js';
import type { IdBlock, Wrong } from './id-blocks.js';
import { rawChunks } from './raw-rows.js';
import type { RawChunk } from './raw-rows.js';
import { ResidentLoad } from './resident-load.js';
import type { ResidentLoadOptions, ResidentSource } from './resident-load.js';
import { readResidentRange } from './resident-range.js';
import type { BodyKind } from './section-layout.js';
import { mustBeRowMaps } from './row-maps.js';
import { LeafBlock } from './leaves/leaf-blocks.js';
import type { LeafIndex } from './leaves/leaf-index.js';
import type { FuseFilter } from './fuse-filter.js';
import { openTail, readIdFilter, wrongAt } from './segment-tail.js';
import type { SegmentTail, TailOptions } from './segment-tail.js';
import type { SegmentRef } from './segment-writer.js';

const { blockRows } = limits;

export interface SegmentReaderOptions extends TailOptions {
  readonly deflate: Deflate;
  readonly cache: PageCache;
  readonly masks: RowMasks;
  /** Keeps what filters select. Absent: it is found anew each time. */
  readonly filters?: FilterCache | undefined;
  /** Where what it holds counts: its tail, and a filter of ids that is read later. */
  readonly held?: MemoryPart | undefined;
}

/** Ids one after another in their order. */
export interface IdRun {
  readonly firstRank: number;
  readonly ids: readonly string[];
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
  readonly #cache: PageCache;
  readonly #masks: RowMasks;
  readonly #filters: FilterCache | undefined;
  readonly #handle: PagedHandle;
  readonly #tail: SegmentTail;
  readonly #seqBase: number;
  /** What was touched ends here, so that no compiler leaves it out. */
  readonly #touched: Uint8Array = new Uint8Array(1);
  readonly #documents = new RecentBlocks<DocumentBlock>(limits.documentBlocksKept);
  readonly #held: MemoryPart | undefined;
  #idFilter: FuseFilter | undefined;
  #heldBytes: number;
  #closed = false;

  private constructor(options: SegmentReaderOptions, tail: SegmentTail) {
    const { store, digests, deflate, cache, masks, filters, ref } = options;
    const { footer, layout } = tail;
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
    this.#cache = cache;
    this.#masks = masks;
    this.#filters = filters;
    this.#tail = tail;
    this.#idFilter = tail.idFilter;
    this.#held = options.held;
    this.#heldBytes = ref.tailBytes;
    this.#held?.take(ref.tailBytes);
    this.#seqBase = this.numbers['seqBase']!;
    const { pageChecksums } = footer;
    this.#handle = cache.register({ store, key: ref.key, size: layout.tailOffset, pageChecksums, digests });
  }

  /** Cost: one request for the tail. */
  static async open(options: SegmentReaderOptions): Promise<SegmentReader> {
    return new SegmentReader(options, await openTail(options));
  }

  /** Drops what the page cache holds of the segment. Nothing may be read after this. */
  close(): void {
    this.#closed = true;
    this.#held?.give(this.#heldBytes);
    this.#cache.forget(this.#handle);
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
  residentBytesAt({ offset, length }: ByteRange): Uint8Array | Promise<Uint8Array> {
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
    const { footer, layout } = this.#tail;
    const { pageChecksums } = footer;
    return { store: this.#store, key: this.ref.key, offset: layout.residentOffset, pageChecksums };
  }

  /**
   * Those of `ids` that may be in the segment: all that are, and of the others one in 65,536. Cost: none, but one request for the
   * filter where it lies apart from the tail and nothing was looked up yet.
   */
  possibleIds(ids: readonly string[]): Awaitable<readonly string[]> {
    const select = (filter: FuseFilter): readonly string[] =>
      ids.filter((id) => filter.mayHold(utf8Encode(id)));
    return this.#idFilter === undefined ? this.#readFilter().then(select) : select(this.#idFilter);
  }

  async #readFilter(): Promise<FuseFilter> {
    const source = { store: this.#store, digests: this.#digests, key: this.ref.key, tail: this.#tail };
    const filter = await readIdFilter(source);
    // Whoever was first counts: two requests share no promise.
    if (this.#idFilter === undefined && !this.#closed) {
      const { length } = this.#tail.layout.idFilter;
      this.#idFilter = filter;
      this.#heldBytes += length;
      this.#held?.take(length);
    }
    return filter;
  }

  /** The rank of each id, -1 for one that is not here. Looks into a block of ids for each: see `possibleIds`. */
  findRanks(ids: readonly string[], reading?: PageReading): Int32Array | Promise<Int32Array> {
    const { idIndex } = this.#tail;
    const ranks = new Int32Array(ids.length).fill(-1);
    const wanted = ids.map((text, at) => {
      const id = utf8Encode(text);
      return { at, id, block: idIndex.blockOf(id) };
    });
    return this.#readIdBlocks(
      wanted.map(({ block }) => block),
      (blockOf) => {
        for (const { at, id, block } of wanted) {
          const held = blockOf(block);
          const position = positionIn(held, id);
          if (position < held.ends.length && compareBytes(idAt(held, position), id) === 0)
            ranks[at] = block * blockRows + position;
        }
        return ranks;
      },
      reading,
    );
  }

  idsOfRanks(ranks: ArrayLike<number>): string[] | Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < ranks.length; i++) {
      const range = this.#idBlockOf(ranks[i]!);
      const block = this.#cache.tryBytes(this.#handle, range.offset, range.length);
      if (block === undefined) return this.#readIds(Array.from(ranks));
      ids.push(this.#idIn(block, ranks[i]!, range.offset));
    }
    return ids;
  }

  #readIds(ranks: readonly number[]): string[] | Promise<string[]> {
    const ranges = ranks.map((rank) => this.#idBlockOf(rank));
    return andThen(this.#read(ranges), (pages) =>
      ranges.map(({ offset, length }, i) => this.#idIn(pages.bytes(offset, length), ranks[i]!, offset)),
    );
  }

  #idBlockOf(rank: number): ByteRange {
    this.#mustHave('rank', rank);
    return shifted(this.#tail.idIndex.range(Math.floor(rank / blockRows)), this.#section('ids').offset);
  }

  #idIn(block: Uint8Array, rank: number, offset: number): string {
    const id = decodeIdAt(block, rank % blockRows, wrongAt(this.ref.key, offset));
    return this.#idText(Math.floor(rank / blockRows), id);
  }

  rowsOfRanks(ranks: Uint32Array, reading?: PageReading): Uint32Array | Promise<Uint32Array> {
    return this.#mapped('rowOfRank', 'rank', ranks, reading);
  }

  ranksOfRows(rows: Uint32Array): Uint32Array | Promise<Uint32Array> {
    return this.#mapped('rankOfRow', 'row', rows);
  }

  /** By pages, not by the resident part: who an answer names does not depend on what is in memory. */
  #mapped(
    kind: 'rowOfRank' | 'rankOfRow',
    what: 'row' | 'rank',
    from: ArrayLike<number>,
    reading?: PageReading,
  ): Uint32Array | Promise<Uint32Array> {
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

  /** Up to `count` ids after `after`, which need not be here; '' for the first. No ids: there are no more. */
  idsFrom(after: string, count: number): IdRun | Promise<IdRun> {
    const { idIndex } = this.#tail;
    const id = utf8Encode(after);
    const first = idIndex.blockOf(id);
    // One more than hold so many: those of the first block may all lie before.
    const last = Math.min(idIndex.blocks, first + Math.ceil(count / blockRows) + 1);
    const blocks = Array.from({ length: last - first }, (_, i) => first + i);
    return this.#readIdBlocks(blocks, (blockOf) => {
      const start = blockOf(first);
      let position = positionIn(start, id);
      if (position < start.ends.length && compareBytes(idAt(start, position), id) === 0) position += 1;
      const firstRank = first * blockRows + position;
      const end = Math.min(this.rows, firstRank + count, last * blockRows);
      const ids = Array.from({ length: Math.max(0, end - firstRank) }, (_, i) => {
        const rank = firstRank + i;
        const block = Math.floor(rank / blockRows);
        return this.#idText(block, idAt(blockOf(block), rank % blockRows));
      });
      return { firstRank, ids };
    });
  }

  /** Keeps the pages of all ids in the cache until the segment is closed. */
  pinIds(): void | Promise<void> {
    const { offset, length } = this.#section('ids');
    return this.#cache.pin(this.#handle, { offset, length });
  }

  /** Reads into the cache what is not there of all ids, where they take no more than `bytesMax` and push nothing out of it. */
  async readIdsAhead(bytesMax: number): Promise<void> {
    const { offset, length } = this.#section('ids');
    if (length <= bytesMax) await this.#cache.readAhead(this.#handle, { offset, length });
  }

  /** The JSON text of each row, '' for a row without metadata. */
  documents(rows: ArrayLike<number>, reading?: PageReading): string[] | Promise<string[]> {
    const { documentIndex } = this.#tail;
    const list = Array.from(rows);
    const blocks = list.map((row) => {
      this.#mustHave('row', row);
      return documentIndex.blockOf(row);
    });
    const { offset } = this.#section('documents');
    const missing = new Set(
      blocks.filter(
        (block) => this.#documents.get(block) === undefined && documentIndex.inflatedBytes(block) > 0,
      ),
    );
    const ranges = [...missing].map((block) => shifted(documentIndex.range(block), offset));
    // What is inflated already is held here: other reads may push it out before this one ends.
    const held = new Map(blocks.map((block) => [block, this.#documents.get(block)]));
    return andThen(this.#read(ranges, reading), (pages) => {
      for (const block of missing) held.set(block, this.#inflate(block, pages));
      for (const [block, inflated] of held) if (inflated !== undefined) this.#documents.keep(block, inflated);
      return list.map((row, i) => {
        const block = blocks[i]!;
        const inflated = held.get(block);
        if (inflated === undefined) return '';
        const wrong = wrongAt(this.ref.key, offset + documentIndex.range(block).offset);
        return textAt(inflated, row - documentIndex.firstRow(block), wrong);
      });
    });
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
    const read = (ranges: readonly ByteRange[]): PageSet | Promise<PageSet> => this.#read(ranges);
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
  vectors(rows: ArrayLike<number>, reading?: PageReading): Float32Array | Promise<Float32Array> {
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
      this.#touched[0]! ^= this.#cache.touch(this.#handle, row * length);
    }
    for (let i = 0; i < count; i++) {
      const row = rows[first + i]!;
      if (!this.#cache.tryCopy(this.#handle, row * length, length, target, at + i * stride)) return false;
    }
    return true;
  }

  /** The sequence at which each row was upserted. */
  seqs(rows: ArrayLike<number>): number[] | Promise<number[]> {
    const { offset } = this.#section('seqs');
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
    const { footer, layout } = this.#tail;
    const { rows, dimension } = this;
    const { pageChecksums } = footer;
    const [store, digests, key] = [this.#store, this.#digests, this.ref.key];
    const pagedBytes = layout.tailOffset;
    return rawChunks({ store, digests, key, rows, dimension, pageChecksums, pagedBytes }, maxBytes, fromRow);
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

  #section(kind: Exclude<BodyKind, 'columns' | 'leaves'>): SegmentSection {
    return this.#tail.layout.body[kind];
  }

  #mustHave(what: 'row' | 'rank', number: number): void {
    assertInternal(
      Number.isInteger(number) && number >= 0 && number < this.rows,
      () => `${what} ${number} of a segment of ${this.rows} rows`,
    );
  }

  #read(ranges: readonly ByteRange[], reading?: PageReading): PageSet | Promise<PageSet> {
    return this.#cache.read(this.#handle, ranges, reading);
  }

  /** `use` gets each of `blocks` decoded. */
  #readIdBlocks<T>(
    blocks: readonly number[],
    use: (blockOf: (block: number) => IdBlock) => T,
    reading?: PageReading,
  ): T | Promise<T> {
    const { idIndex } = this.#tail;
    const { offset } = this.#section('ids');
    const rangeOf = (block: number): ByteRange => shifted(idIndex.range(block), offset);
    const wanted = new Set(blocks);
    return andThen(this.#read(Array.from(wanted, rangeOf), reading), (pages) => {
      const decoded = new Map<number, IdBlock>();
      for (const block of wanted) {
        const range = rangeOf(block);
        const bytes = pages.bytes(range.offset, range.length);
        decoded.set(block, decodeIdBlock(bytes, idIndex.idsIn(block), wrongAt(this.ref.key, range.offset)));
      }
      return use((block) => decoded.get(block)!);
    });
  }

  #idText(block: number, id: Uint8Array): string {
    try {
      return utf8Decode(id);
    } catch {
      const at = this.#section('ids').offset + this.#tail.idIndex.range(block).offset;
      throw wrongAt(this.ref.key, at)(0, 'ids in UTF-8', 'other bytes');
    }
  }

  #inflate(block: number, pages: PageSet): DocumentBlock {
    const { documentIndex } = this.#tail;
    const range = shifted(documentIndex.range(block), this.#section('documents').offset);
    return inflateBlock(
      this.#deflate,
      pages.bytes(range.offset, range.length),
      { rows: documentIndex.rowsIn(block), inflatedBytes: documentIndex.inflatedBytes(block) },
      wrongAt(this.ref.key, range.offset),
    );
  }
}

function shifted({ offset, length }: ByteRange, by: number): ByteRange {
  return { offset: by + offset, length };
}

function wordOf(b: Uint8Array): number {
  return b[0]! + b[1]! * 0x100 + b[2]! * 0x1_0000 + b[3]! * 0x100_0000;
}
