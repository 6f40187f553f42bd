/**
 * Writes one segment in file order, through one bounded buffer into one upload. The caller gives the parts in their
 * order; what stays in memory until the end are the indexes: about 12 bytes per block, the first ids of blocks, and 8
 * bytes of hash per id.
 */
import { bytesToHex, utf8Encode } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Deflate, Digests } from '../base/ports.js';
import type { ObjectStore, Upload } from '../store/index.js';
import { ColumnWriter } from './columns/column-writer.js';
import { DocumentBlockWriter } from './document-blocks.js';
import { encodeExpiries, NO_EXPIRIES } from './expiries.js';
import type { Expiries } from './expiries.js';
import { encodeFooter } from './footer.js';
import type { SegmentSection } from './footer.js';
import { IdBlockWriter } from './id-blocks.js';
import { PageSink } from './page-sink.js';
import { encodeLeafBlock } from './leaves/leaf-blocks.js';
import type { LeafContent } from './leaves/leaf-blocks.js';
import { blockStart, encodeLeafIndex } from './leaves/leaf-index.js';
import type { CodedCentroids, WrittenBlocks } from './leaves/leaf-index.js';
import { bodyKinds, defaultFieldOf, pagesOf, SECTION_ALIGNMENT } from './section-layout.js';
import type { ApartKind, BodyKind, TailKind } from './section-layout.js';

/** What a head says of a segment: enough to read and check it. */
export interface SegmentRef {
  readonly key: string;
  /** Of the whole file. */
  readonly bytes: number;
  /** From the start of the indexes to the end of the file: read at once when the segment is opened. Large ones lie before. */
  readonly tailBytes: number;
  /** SHA-256 of the footer in hex. */
  readonly footerSha256: string;
  readonly rows: number;
}

export interface SegmentWriterOptions {
  readonly store: ObjectStore;
  readonly digests: Digests;
  readonly deflate: Deflate;
  readonly key: string;
  /** Of the collection. */
  readonly uid: string;
  readonly dimension: number;
  readonly metric: string;
  /** Default "vector". */
  readonly fieldName?: string;
  readonly rows: number;
  /** No row's sequence is below it, and none 2^32 or more above. Kept as the number `seqBase`. */
  readonly seqBase: number;
  /** Paths of documents that get no columns, and neither do those below them. */
  readonly unfilterable: readonly string[];
  /** Of memory for the values of columns: those that take the most are given up where it does not suffice. */
  readonly columnBytesMax: number;
  /** An index that takes more is left out of what is read when the segment is opened. Default: the limit. */
  readonly indexInTailBytes?: number;
}

/** A section of the resident part. */
export interface ResidentSection {
  /** ASCII letters and digits, at most 16. */
  readonly kind: string;
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Default: 0, the segment, for rowOfRank and rankOfRow; else 1, the vector field. */
  readonly field?: number;
  /** Default 0. */
  readonly part?: number;
}

export interface SegmentEnd {
  /** Rows that expire, in any order; absent where none does. */
  readonly expiries?: Expiries;
  readonly numbers: Readonly<Record<string, number>>;
  /** Statistics and the recall curve, as JSON. */
  readonly curve: unknown;
}

/** What may lie in the tail, or apart. */
interface WrittenIndex {
  readonly kind: ApartKind;
  readonly bytes: Uint8Array;
  readonly count: number;
}

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #upload: Upload;
  readonly #sink: PageSink;
  readonly #documents: DocumentBlockWriter;
  readonly #ids: IdBlockWriter;
  readonly #columns: ColumnWriter;
  readonly #sections: SegmentSection[] = [];
  /** The section that is being written. */
  #open: { readonly kind: BodyKind; readonly offset: number } | undefined;
  #vectorRows = 0;
  #seqRows = 0;
  #residents = 0;
  /** Known when the columns are written. */
  #leafStarts: Uint32Array = new Uint32Array(0);
  #leaves: ({ readonly centroids: CodedCentroids } & WrittenBlocks) | undefined;

  private constructor(options: SegmentWriterOptions, upload: Upload) {
    this.#options = options;
    this.#upload = upload;
    this.#sink = new PageSink(upload, options.digests);
    this.#documents = new DocumentBlockWriter(options.deflate);
    this.#ids = new IdBlockWriter(options.rows);
    const { unfilterable, columnBytesMax: bytesMax } = options;
    this.#columns = new ColumnWriter({ unfilterable, bytesMax });
  }

  /** Begins the upload. Whoever does not come to `finish` aborts. */
  static async create(options: SegmentWriterOptions): Promise<SegmentWriter> {
    const { rows, dimension, store, key } = options;
    assertInternal(rows >= 1 && rows <= limits.segmentRows, `a segment of ${rows} rows`);
    assertInternal(dimension >= 1 && dimension <= limits.dimension, `a segment of dimension ${dimension}`);
    return new SegmentWriter(options, await store.upload(key));
  }

  /** Whole rows, in row order, over any number of calls. */
  async writeRaw(vectors: Float32Array): Promise<void> {
    const { dimension } = this.#options;
    assertInternal(vectors.length % dimension === 0, `${vectors.length} numbers are no rows of ${dimension}`);
    await this.#enter('vectors');
    this.#vectorRows += vectors.length / dimension;
    await this.#sink.append(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength));
  }

  /** JSON texts in row order, '' for none, over any number of calls. */
  async writeDocuments(texts: readonly string[]): Promise<void> {
    await this.#enter('documents');
    for (const text of texts) {
      this.#columns.add(text);
      const block = this.#documents.add(text);
      if (block !== undefined) await this.#sink.append(block);
    }
  }

  /** Ids in the order of their UTF-8 bytes, over any number of calls. */
  async writeIds(ids: readonly string[]): Promise<void> {
    await this.#enter('ids');
    for (const id of ids) {
      const block = this.#ids.add(id);
      if (block !== undefined) await this.#sink.append(block);
    }
  }

  /** The sequences at which the rows were upserted, in row order, over any number of calls. */
  async writeSeqs(seqs: ArrayLike<number>): Promise<void> {
    await this.#enter('seqs');
    const { seqBase } = this.#options;
    const words = Uint32Array.from(seqs, (seq) => {
      const above = seq - seqBase;
      assertInternal(above >= 0 && above < 2 ** 32, `sequence ${seq} is not within 2^32 of ${seqBase}`);
      return above;
    });
    this.#seqRows += words.length;
    await this.#sink.append(new Uint8Array(words.buffer));
  }

  /**
   * The columns of the documents that were written. `leafStarts`: the first row of each leaf, ascending from 0; none where rows are in no
   * leaves. `breathe` is awaited between pieces of the work.
   */
  async writeColumns(leafStarts: Uint32Array, breathe?: () => Promise<void>): Promise<void> {
    await this.#enter('columns');
    this.#leafStarts = leafStarts;
    for (const bytes of this.#columns.columnBytes({ rows: this.#options.rows, leafStarts })) {
      if (bytes !== undefined) await this.#sink.append(bytes);
      await breathe?.();
    }
  }

  /** The leaves, in their order, of a segment that can be probed. `breathe` is awaited between them. */
  async writeLeaves(
    centroids: CodedCentroids,
    leaves: Iterable<LeafContent>,
    breathe?: () => Promise<void>,
  ): Promise<void> {
    await this.#enter('leaves');
    const { dimension, deflate } = this.#options;
    const blockBytes: number[] = [];
    const guests: number[] = [];
    const { offset } = this.#open!;
    // The section begins with a page: all before are whole.
    const pageChecksums = await this.#sink.checksums();
    for (const leaf of leaves) {
      const firstRow = this.#leafStarts[blockBytes.length]!;
      const block = encodeLeafBlock(leaf, { dimension, firstRow, pageChecksums, deflate });
      const end = this.#sink.position - offset;
      if (blockStart(end, block.length) > end) await this.#sink.align(limits.pageBytes);
      blockBytes.push(block.length);
      guests.push(leaf.guests.length);
      await this.#sink.append(block);
      await breathe?.();
    }
    assertInternal(blockBytes.length === this.#leafStarts.length, `${blockBytes.length} leaves were written`);
    this.#leaves = { centroids, blockBytes: Uint32Array.from(blockBytes), guests: Uint32Array.from(guests) };
  }

  /** Sections of the resident part in the order in which they will lie, over any number of calls. */
  async writeResident(sections: readonly ResidentSection[]): Promise<void> {
    await this.#closeBody();
    for (const { kind, bytes, count, field = defaultFieldOf(kind), part = 0 } of sections) {
      await this.#sink.align(this.#residents++ === 0 ? limits.pageBytes : SECTION_ALIGNMENT);
      await this.#whole({ kind, field, part, count }, bytes);
    }
  }

  /** Writes the indexes and the footer; the segment is there once this settles. Requires: every row was written. */
  async finish({ numbers, curve, expiries = NO_EXPIRIES }: SegmentEnd): Promise<SegmentRef> {
    const { key, digests, rows } = this.#options;
    await this.#closeBody();
    await this.#sink.align(limits.pageBytes);
    const statistics = utf8Encode(JSON.stringify(curve ?? null));
    assertInternal(
      statistics.length <= limits.segmentStatisticsBytes,
      `${statistics.length} bytes of statistics`,
    );
    const indexes: readonly WrittenIndex[] = [
      { kind: 'documentIndex', bytes: this.#documents.index(), count: this.#documents.blocks },
      { kind: 'idIndex', bytes: this.#ids.index(), count: Math.ceil(rows / limits.blockRows) },
      { kind: 'idFilter', bytes: this.#ids.filter(), count: rows },
    ];
    const { near, apartOffset } = await this.#writeApart(indexes);
    const tailOffset = this.#sink.position;
    const leafStarts = this.#leafStarts;
    const leaves = new Uint8Array(leafStarts.buffer, leafStarts.byteOffset, leafStarts.byteLength);
    for (const { kind, bytes, count } of near) await this.#tail(kind, bytes, count);
    await this.#tail('leafStarts', leaves, leafStarts.length);
    await this.#tail('expiries', encodeExpiries(expiries, rows), expiries.rows.length);
    await this.#tail('statistics', statistics, 1);
    const columnIndex = this.#columns.index();
    await this.#tail('columnIndex', columnIndex.bytes, columnIndex.count);
    await this.#writeLeafIndex();
    await this.#sink.align(SECTION_ALIGNMENT);
    const footerOffset = this.#sink.position;
    const footer = encodeFooter(
      digests,
      { key, offset: footerOffset },
      {
        rows,
        sections: this.#sections,
        pageChecksums: this.#heldChecksums(await this.#sink.end(), apartOffset),
        text: this.#text(numbers),
      },
    );
    await this.#upload.write(footer);
    await this.#upload.finish();
    const bytes = footerOffset + footer.length;
    const footerSha256 = bytesToHex(digests.sha256(footer));
    return { key, bytes, tailBytes: bytes - tailOffset, footerSha256, rows };
  }

  /** Gives the segment up. Never throws, and does nothing once it is finished. */
  abort(): Promise<void> {
    return this.#upload.abort();
  }

  /**
   * Writes what is too large for the tail, each on pages of its own, and answers what is not; and where the pages end of which the
   * footer does not hold the checksums: undefined where it holds all.
   */
  async #writeApart(
    indexes: readonly WrittenIndex[],
  ): Promise<{ readonly near: readonly WrittenIndex[]; readonly apartOffset: number | undefined }> {
    const { indexInTailBytes = limits.indexInTailBytes } = this.#options;
    const isLarge = ({ bytes }: { readonly bytes: Uint8Array }): boolean => bytes.length > indexInTailBytes;
    const offset = this.#sink.position;
    const before = (await this.#sink.checksums()).slice();
    const checksums: WrittenIndex = {
      ...{ kind: 'pageChecksums', count: before.length },
      bytes: new Uint8Array(before.buffer),
    };
    const apart = [...indexes, checksums].filter(isLarge);
    for (const { kind, bytes, count } of apart) {
      await this.#tail(kind, bytes, count);
      await this.#sink.align(limits.pageBytes);
    }
    const near = indexes.filter((index) => !isLarge(index));
    return { near, apartOffset: isLarge(checksums) ? offset : undefined };
  }

  /** Those that the footer holds: all, or of leaves and from there on. */
  #heldChecksums(all: Uint32Array, apartOffset: number | undefined): Uint32Array {
    if (apartOffset === undefined) return all;
    const { first, count } = pagesOf(this.#sections.find(({ kind }) => kind === 'leaves'));
    const leaves = all.subarray(first, first + count);
    return Uint32Array.from([...leaves, ...all.subarray(apartOffset / limits.pageBytes)]);
  }

  async #writeLeafIndex(): Promise<void> {
    if (this.#leaves === undefined) return;
    const { centroids, blockBytes } = this.#leaves;
    await this.#tail('leafIndex', encodeLeafIndex(centroids, this.#leaves), blockBytes.length);
  }

  #text(numbers: Readonly<Record<string, number>>): {
    readonly uid: string;
    readonly fields: readonly {
      readonly name: string;
      readonly dimension: number;
      readonly metric: string;
    }[];
    readonly numbers: Readonly<Record<string, number>>;
  } {
    const { uid, dimension, metric, fieldName: name = 'vector', seqBase } = this.#options;
    const all = { ...numbers, seqBase };
    for (const [what, number] of Object.entries(all))
      assertInternal(Number.isFinite(number), `number ${what} is ${number}`);
    return { uid, fields: [{ name, dimension, metric }], numbers: all };
  }

  /** Goes on to a later section, which ends those before it. */
  async #enter(kind: BodyKind): Promise<void> {
    if (this.#open?.kind === kind) return;
    const next = bodyKinds.indexOf(kind);
    assertInternal(
      next === this.#sections.length + (this.#open === undefined ? 0 : 1),
      `section ${kind} of the segment is out of order`,
    );
    await this.#close();
    await this.#sink.align(kind === 'leaves' ? limits.pageBytes : SECTION_ALIGNMENT);
    this.#open = { kind, offset: this.#sink.position };
  }

  async #closeBody(): Promise<void> {
    if (this.#open === undefined && this.#sections.some(({ kind }) => kind === 'columns')) return;
    const last = this.#open?.kind;
    assertInternal(last === 'columns' || last === 'leaves', 'a section of the segment is missing');
    await this.#close();
  }

  async #close(): Promise<void> {
    if (this.#open === undefined) return;
    const { kind, offset } = this.#open;
    const blocks = { documents: this.#documents, ids: this.#ids };
    const last = kind === 'documents' || kind === 'ids' ? blocks[kind].end() : undefined;
    if (last !== undefined) await this.#sink.append(last);
    const { rows } = this.#options;
    const written = {
      vectors: this.#vectorRows,
      documents: this.#documents.rows,
      ids: this.#ids.ids,
      seqs: this.#seqRows,
      columns: rows,
      leaves: rows,
    }[kind];
    assertInternal(written === rows, `section ${kind} has ${written} of ${rows} rows`);
    const counts = {
      vectors: rows,
      documents: this.#documents.blocks,
      ids: Math.ceil(rows / limits.blockRows),
      seqs: rows,
      columns: this.#columns.columns,
      leaves: this.#leafStarts.length,
    };
    const count = counts[kind];
    const length = this.#sink.position - offset;
    this.#sections.push({ kind, field: defaultFieldOf(kind), part: 0, offset, length, count });
    this.#open = undefined;
  }

  async #tail(kind: TailKind | ApartKind, bytes: Uint8Array, count: number): Promise<void> {
    await this.#sink.align(SECTION_ALIGNMENT);
    await this.#whole({ kind, field: defaultFieldOf(kind), part: 0, count }, bytes);
  }

  async #whole(section: Omit<SegmentSection, 'offset' | 'length'>, bytes: Uint8Array): Promise<void> {
    this.#sections.push({ ...section, offset: this.#sink.position, length: bytes.length });
    await this.#sink.append(bytes);
  }
}
