/**
 * The documents of an open segment: blocks of them are read and inflated, and the last ones kept. Their index may lie apart from the
 * tail, and is read first then.
 */
import { andThen, startAll } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import { limits } from '../base/limits.js';
import type { Deflate } from '../base/ports.js';
import type { ByteRange, PageReading, PageSet } from '../store/index.js';
import { inflateBlock, textAt } from './document-blocks.js';
import type { DocumentBlock, DocumentIndex } from './document-blocks.js';
import { RecentBlocks } from './recent-blocks.js';
import type { SegmentPages } from './segment-pages.js';
import type { SegmentTail } from './segment-tail.js';

export class SegmentDocuments {
  readonly #pages: SegmentPages;
  readonly #tail: SegmentTail;
  readonly #deflate: Deflate;
  readonly #section: ByteRange;
  readonly #inflated = new RecentBlocks<DocumentBlock>(limits.documentBlocksKept);

  constructor(pages: SegmentPages, tail: SegmentTail, deflate: Deflate) {
    this.#pages = pages;
    this.#tail = tail;
    this.#deflate = deflate;
    this.#section = tail.layout.body.documents;
  }

  /** What has to be read before any of them can be. */
  prepare(): Awaitable<void> {
    const parts = [
      (): Awaitable<unknown> => this.#tail.documentIndex.get(),
      (): Awaitable<unknown> => this.#tail.checksums.load(),
    ];
    return andThen(startAll(parts), () => {});
  }

  /** The JSON text of each row, '' for a row without metadata. */
  of(rows: ArrayLike<number>, reading?: PageReading): Awaitable<string[]> {
    return andThen(this.#tail.documentIndex.get(), (index) => this.#read(index, Array.from(rows), reading));
  }

  #read(index: DocumentIndex, rows: readonly number[], reading?: PageReading): Awaitable<string[]> {
    const blocks = rows.map((row) => index.blockOf(row));
    const missing = new Set(
      blocks.filter((block) => this.#inflated.get(block) === undefined && index.inflatedBytes(block) > 0),
    );
    const ranges = [...missing].map((block) => this.#rangeOf(index, block));
    // What is inflated already is held here: other reads may push it out before this one ends.
    const held = new Map(blocks.map((block) => [block, this.#inflated.get(block)]));
    return andThen(this.#pages.read(ranges, reading), (pages) => {
      for (const block of missing) held.set(block, this.#inflate(index, block, pages));
      for (const [block, inflated] of held) if (inflated !== undefined) this.#inflated.keep(block, inflated);
      return rows.map((row, i) => {
        const block = blocks[i]!;
        const inflated = held.get(block);
        if (inflated === undefined) return '';
        const wrong = this.#pages.wrongAt(this.#rangeOf(index, block).offset);
        return textAt(inflated, row - index.firstRow(block), wrong);
      });
    });
  }

  clear(): void {
    this.#inflated.clear();
  }

  #rangeOf(index: DocumentIndex, block: number): ByteRange {
    const { offset, length } = index.range(block);
    return { offset: this.#section.offset + offset, length };
  }

  #inflate(index: DocumentIndex, block: number, pages: PageSet): DocumentBlock {
    const { offset, length } = this.#rangeOf(index, block);
    return inflateBlock(
      this.#deflate,
      pages.bytes(offset, length),
      { rows: index.rowsIn(block), inflatedBytes: index.inflatedBytes(block) },
      this.#pages.wrongAt(offset),
    );
  }
}
