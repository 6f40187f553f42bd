/**
 * Looks at every byte of a segment, once and in the order in which they lie, and at what they mean: vectors that a query
 * can use, documents that are JSON, ids in order and known to their indexes, columns that say what the documents say, row
 * maps that undo each other. What is wrong is told and the look goes on, as far as there are bytes that can be trusted.
 *
 * Cost: one request for the tail, one for each part that lies apart, and one for each 4 MiB before; memory for these, a piece of 4 MiB, and what columns
 * take (`columns/column-check.ts`).
 */
import { hasBit, setBit } from '../base/bitmap.js';
import { utf8Decode } from '../base/bytes.js';
import { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Deflate } from '../base/ports.js';
import { ColumnCheck } from './columns/column-check.js';
import { inflateBlock, textAt } from './document-blocks.js';
import type { SegmentSection } from './footer.js';
import { decodeIdBlock, idAt } from './id-blocks.js';
import type { IdBlock, Wrong } from './id-blocks.js';
import { PageStream } from './page-stream.js';
import { mustBeRowMaps } from './row-maps.js';
import { LeafCheck } from './leaves/leaf-check.js';
import { openTail, wrongAt } from './segment-tail.js';
import type { SegmentTail, TailOptions } from './segment-tail.js';

const { pageBytes, segmentChunkBytes } = limits;

/** What is wrong with a segment. `segment_corrupt`: bytes that nothing more can be said of. */
export type SegmentFaultCode =
  | 'segment_corrupt'
  | 'vector_invalid'
  | 'document_invalid'
  | 'ids_invalid'
  | 'sequence_invalid'
  | 'columns_mismatch'
  | 'leaves_mismatch'
  | 'index_invalid';

export interface SegmentFault {
  readonly code: SegmentFaultCode;
  readonly error: CairnError;
}

export interface SegmentCheckOptions extends TailOptions {
  readonly deflate: Deflate;
  /** Of memory for the values of columns. */
  readonly columnBytesMax: number;
  /** No row is of a later slot. */
  readonly foldedSeq: number;
}

export interface ContentsOptions {
  /** Room for the resident part, if there is any: begins at a multiple of 4. */
  readonly resident: Uint8Array | undefined;
}

/** The ids of a block, in order. */
export interface CheckedIds {
  readonly firstRank: number;
  readonly block: IdBlock;
}

export class SegmentCheck {
  readonly ref: SegmentCheckOptions['ref'];
  readonly rows: number;
  readonly dimension: number;
  readonly metric: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly leafStarts: Uint32Array;
  /** Of the collection that it was written for. */
  readonly uid: string;
  readonly residentBytes: number;
  readonly residentSections: readonly SegmentSection[];
  /** Row of each rank, once the contents have been looked at and where they are sound. */
  rowOfRank: Uint32Array | undefined;
  /** Columns that were not compared, for want of memory. */
  columnsUnchecked = 0;
  readonly #options: SegmentCheckOptions;
  readonly #tail: SegmentTail;

  private constructor(options: SegmentCheckOptions, tail: SegmentTail) {
    const { footer, layout } = tail;
    const field = footer.text.fields[0]!;
    this.#options = options;
    this.#tail = tail;
    this.ref = options.ref;
    this.rows = footer.rows;
    this.dimension = field.dimension;
    this.metric = field.metric;
    this.numbers = footer.text.numbers;
    this.leafStarts = tail.leafStarts;
    this.uid = footer.text.uid;
    this.residentBytes = layout.residents.length === 0 ? 0 : layout.residentEnd - layout.residentOffset;
    this.residentSections = layout.residents.map((section) => ({
      ...section,
      offset: section.offset - layout.residentOffset,
    }));
  }

  /** Throws `corrupt`, or `unavailable` (`object_gone`). Cost: one request. */
  static async open(options: SegmentCheckOptions): Promise<SegmentCheck> {
    return new SegmentCheck(options, await openTail(options));
  }

  /** Everything but the tail. One fault of each kind at the most. Throws `unavailable`. */
  async *faults(options: ContentsOptions): AsyncGenerator<SegmentFault, void, undefined> {
    const { layout, leafIndex, checksums } = this.#tail;
    let stream: PageStream | undefined;
    try {
      const sums = await checksums.load();
      const leaves = leafIndex && new LeafCheck(leafIndex, this.rows, sums);
      // What lies apart was checked as a whole where it was read.
      stream = this.#stream(sums, { from: 0, to: layout.apartOffset });
      yield* this.#vectors(stream);
      yield* this.#documentsAndColumns(stream, leaves);
      yield* this.#leaves(stream, leaves);
      yield* this.#residents(stream, options, leaves);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const further = (await stream?.damagedPieces()) ?? 0;
      yield { code: 'segment_corrupt', error: further === 0 ? error : withMore(error, further) };
    }
  }

  /** The ids once more, in their order, for a comparison with other segments. Throws `corrupt`, `unavailable`. */
  async *idBlocks(pieceBytes: number): AsyncGenerator<CheckedIds, void, undefined> {
    const { layout, checksums } = this.#tail;
    const idIndex = await this.#tail.idIndex.get();
    const { ids } = layout.body;
    const from = Math.floor(ids.offset / pageBytes) * pageBytes;
    const to = Math.ceil((ids.offset + ids.length) / pageBytes) * pageBytes;
    const stream = this.#stream(await checksums.load(), { from, to, pieceBytes });
    await stream.skipTo(ids.offset);
    for (let block = 0; block < idIndex.blocks; block++) {
      const wrong = wrongAt(this.ref.key, stream.position);
      const bytes = await stream.take(idIndex.range(block).length);
      yield {
        firstRank: block * limits.blockRows,
        block: decodeIdBlock(bytes, idIndex.idsIn(block), wrong),
      };
    }
  }

  #stream(
    pageChecksums: Uint32Array,
    range: { readonly from: number; readonly to: number; readonly pieceBytes?: number },
  ): PageStream {
    const { store, digests, ref } = this.#options;
    return new PageStream({ store, digests, key: ref.key, size: ref.bytes, pageChecksums, ...range });
  }

  async *#vectors(stream: PageStream): AsyncGenerator<SegmentFault, void, undefined> {
    const { dimension, rows, metric } = this;
    const rowBytes = 4 * dimension;
    const rowsAtOnce = Math.max(1, Math.floor(segmentChunkBytes / rowBytes));
    const least = metric === 'cosine' ? limits.cosineNormMin ** 2 : 0;
    let fault: CairnError | undefined;
    for (let row = 0; row < rows; row += rowsAtOnce) {
      const { position } = stream;
      const count = Math.min(rowsAtOnce, rows - row);
      const bytes = await stream.take(count * rowBytes);
      const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, count * dimension);
      const bad = firstUnusable(numbers, dimension, least);
      if (bad >= 0)
        fault ??= this.#wrong(position + bad * rowBytes)(
          0,
          `a vector that ${metric} takes`,
          `another in row ${row + bad}`,
        );
    }
    if (fault !== undefined) yield { code: 'vector_invalid', error: fault };
  }

  /** Columns lie behind the documents, with ids and sequences between. */
  async *#documentsAndColumns(
    stream: PageStream,
    leaves: LeafCheck | undefined,
  ): AsyncGenerator<SegmentFault, void, undefined> {
    const { leafStarts } = this;
    const { columnIndex: index, layout } = this.#tail;
    const { rows, ref } = this;
    const { columnBytesMax: bytesMax } = this.#options;
    const columns =
      index === undefined ? undefined : new ColumnCheck({ key: ref.key, index, rows, leafStarts, bytesMax });
    const fault = await this.#documents(stream, columns);
    if (fault !== undefined) yield { code: 'document_invalid', error: fault };
    const ids = await this.#ids(stream, leaves);
    if (ids !== undefined) yield { code: 'ids_invalid', error: ids };
    const seqs = await this.#seqs(stream);
    if (seqs !== undefined) yield { code: 'sequence_invalid', error: seqs };
    const section = layout.body.columns;
    if (columns === undefined || section === undefined || fault !== undefined) return;
    await stream.skipTo(section.offset);
    let first: CairnError | undefined;
    for await (const error of columns.faults(stream)) first ??= error;
    this.columnsUnchecked = columns.unchecked;
    if (first !== undefined) yield { code: 'columns_mismatch', error: first };
  }

  /** The first thing that is wrong with documents. Throws what the stream does. */
  async #documents(stream: PageStream, columns: ColumnCheck | undefined): Promise<CairnError | undefined> {
    const { layout } = this.#tail;
    const index = await this.#tail.documentIndex.get();
    await stream.skipTo(layout.body.documents.offset);
    let fault: CairnError | undefined;
    for (let block = 0; block < index.blocks; block++) {
      const wrong = this.#wrong(stream.position);
      const rows = index.rowsIn(block);
      const inflatedBytes = index.inflatedBytes(block);
      const bytes = await stream.take(index.range(block).length);
      fault ??= firstFault(() => {
        const texts =
          inflatedBytes === 0
            ? undefined
            : inflateBlock(this.#options.deflate, bytes, { rows, inflatedBytes }, wrong);
        for (let i = 0; i < rows; i++) {
          columns?.add(mustBeDocument(texts === undefined ? '' : textAt(texts, i, wrong), wrong));
        }
      });
    }
    return fault;
  }

  async #ids(stream: PageStream, leaves: LeafCheck | undefined): Promise<CairnError | undefined> {
    const { layout } = this.#tail;
    const idIndex = await this.#tail.idIndex.get();
    const idFilter = await this.#tail.idFilter.get();
    await stream.skipTo(layout.body.ids.offset);
    let fault: CairnError | undefined;
    for (let number = 0; number < idIndex.blocks; number++) {
      const wrong = this.#wrong(stream.position);
      const bytes = await stream.take(idIndex.range(number).length);
      fault ??= firstFault(() => {
        const block = decodeIdBlock(bytes, idIndex.idsIn(number), wrong);
        const { length } = block.ends;
        for (let i = 0; i < length; i++) {
          const id = idAt(block, i);
          mustBeText(id, wrong);
          leaves?.addId(number * limits.blockRows + i, id);
          if (!idFilter.mayHold(id)) throw wrong(0, 'a filter that knows every id', 'one that it denies');
        }
        // Separators ascend: with the first and the last id of every block between them, all ids do.
        const ends = [idAt(block, 0), idAt(block, length - 1)];
        if (ends.some((id) => idIndex.blockOf(id) !== number))
          throw wrong(0, 'an index that finds every id', 'one that leads elsewhere');
      });
    }
    if (fault !== undefined) leaves?.withoutIds();
    return fault;
  }

  async #seqs(stream: PageStream): Promise<CairnError | undefined> {
    const { offset, length } = this.#tail.layout.body.seqs;
    const { foldedSeq } = this.#options;
    const base = this.numbers['seqBase']!;
    await stream.skipTo(offset);
    let fault: CairnError | undefined;
    for (let done = 0; done < length; done += segmentChunkBytes) {
      const bytes = await stream.take(Math.min(segmentChunkBytes, length - done));
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const bad = words.findIndex((word) => base + word < 1 || base + word > foldedSeq);
      if (bad >= 0)
        fault ??= this.#wrong(offset + done)(
          4 * bad,
          `a sequence of 1 to ${foldedSeq}`,
          `${base + words[bad]!}`,
        );
    }
    return fault;
  }

  async *#leaves(
    stream: PageStream,
    leaves: LeafCheck | undefined,
  ): AsyncGenerator<SegmentFault, void, undefined> {
    const { leafIndex, layout } = this.#tail;
    const section = layout.body.leaves;
    if (leaves === undefined || leafIndex === undefined || section === undefined) return;
    const { deflate } = this.#options;
    let fault: CairnError | undefined;
    for (let leaf = 0; leaf < leafIndex.leaves; leaf++) {
      const { offset, length } = leafIndex.range(leaf);
      await stream.skipTo(section.offset + offset);
      const wrong = this.#wrong(stream.position);
      const bytes = await stream.take(length);
      fault ??= firstFault(() => leaves.take(leaf, bytes, { deflate, wrong }));
    }
    if (fault !== undefined) yield { code: 'leaves_mismatch', error: fault };
  }

  async *#residents(
    stream: PageStream,
    { resident }: ContentsOptions,
    leaves: LeafCheck | undefined,
  ): AsyncGenerator<SegmentFault, void, undefined> {
    const { layout } = this.#tail;
    const maps = new Map<string, Uint32Array>();
    for (const { kind, offset, length } of layout.residents) {
      await stream.skipTo(offset);
      const isMap = kind === 'rowOfRank' || kind === 'rankOfRow';
      const map = isMap ? new Uint8Array(length) : undefined;
      for (let done = 0; done < length; done += segmentChunkBytes) {
        const bytes = await stream.take(Math.min(segmentChunkBytes, length - done));
        resident?.set(bytes, offset - layout.residentOffset + done);
        map?.set(bytes, done);
      }
      if (map !== undefined) maps.set(kind, new Uint32Array(map.buffer));
    }
    const error = firstFault(() => this.#takeRowMaps(maps));
    if (error !== undefined) yield { code: 'index_invalid', error };
    const { rowOfRank } = this;
    const other =
      rowOfRank &&
      leaves &&
      firstFault(() => leaves.mustAgree(rowOfRank, this.#wrong(layout.residentOffset)));
    if (other !== undefined) yield { code: 'leaves_mismatch', error: other };
  }

  #takeRowMaps(maps: ReadonlyMap<string, Uint32Array>): void {
    const [rowOfRank, rankOfRow] = [maps.get('rowOfRank'), maps.get('rankOfRow')];
    const { residentOffset } = this.#tail.layout;
    const wrong = this.#wrong(residentOffset);
    if (rowOfRank === undefined || rankOfRow === undefined)
      throw wrong(0, 'sections rowOfRank and rankOfRow', [...maps.keys()].join() || 'none');
    mustBeRowMaps(rowOfRank, rankOfRow, (rank, found) =>
      wrong(4 * rank, `a row whose rank is ${rank}`, found),
    );
    this.rowOfRank = rowOfRank;
  }

  #wrong(offset: number): Wrong {
    return wrongAt(this.ref.key, offset);
  }
}

/** Ranks of dead rows, as a bitmap. */
export function ranksOfRows(rowOfRank: Uint32Array, rows: Uint8Array): Uint8Array {
  const ranks = new Uint8Array(rows.length);
  for (let rank = 0; rank < rowOfRank.length; rank++) {
    if (hasBit(rows, rowOfRank[rank]!)) setBit(ranks, rank);
  }
  return ranks;
}

/** -1 where all are finite, no longer than two of them have a finite distance, and no shorter than the metric needs. */
function firstUnusable(numbers: Float32Array, dimension: number, least: number): number {
  for (let row = 0; row * dimension < numbers.length; row++) {
    let norm = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) norm += numbers[i]! * numbers[i]!;
    // Also false for what is not a number.
    if (!(norm >= least && norm <= limits.squaredNormMax)) return row;
  }
  return -1;
}

/** Undefined for a row without metadata. Throws by `wrong`. */
function mustBeDocument(text: string, wrong: Wrong): unknown {
  if (text === '') return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw wrong(0, 'documents in JSON', 'something else');
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document;
  throw wrong(0, 'documents that are JSON objects', JSON.stringify(document).slice(0, 40));
}

function mustBeText(id: Uint8Array, wrong: Wrong): void {
  try {
    utf8Decode(id);
  } catch {
    throw wrong(0, 'ids in UTF-8', 'other bytes');
  }
}

function firstFault(check: () => void): CairnError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (isCorrupt(error)) return error;
    throw error;
  }
}

function withMore({ kind, code, message, details }: CairnError, further: number): CairnError {
  const more = `, and ${further} more damaged pieces of 4 MiB behind it`;
  return new CairnError(kind, code, message + more, {
    details: { ...details, found: `${String(details['found'])}${more}` },
  });
}

function isCorrupt(error: unknown): error is CairnError {
  return error instanceof CairnError && error.kind === 'corrupt';
}
