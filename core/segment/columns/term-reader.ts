/**
 * The terms of one column, as far as their blocks are here. A question that needs a block which is not is answered
 * undefined, and the block is remembered as missing: whoever asked reads all that is missing and asks again.
 */
import { limits } from '../../base/limits.js';
import type { ByteRange, PageSet } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import type { Column } from './column-index.js';
import { TextCursor, TextIndex } from './text-blocks.js';

const { blockRows } = limits;

export class TermReader {
  readonly column: Column;
  readonly #wrongAt: (offset: number) => Wrong;
  readonly #firstNumbers: DataView;
  readonly #textIndex: TextIndex;
  readonly #numbers = new Map<number, DataView>();
  readonly #texts = new Map<number, Uint8Array>();
  readonly #missingNumbers = new Set<number>();
  readonly #missingTexts = new Set<number>();
  readonly #cursor = new TextCursor();

  /** Requires: pages that hold the column's indexes. */
  constructor(column: Column, pages: PageSet, wrongAt: (offset: number) => Wrong) {
    const { firstNumbers, textIndex, instants, texts, textsAt } = column;
    this.column = column;
    this.#wrongAt = wrongAt;
    this.#firstNumbers = numbersOf(pages, firstNumbers);
    const facts = { terms: instants + texts, blocksBytes: textsAt.length };
    const index = pages.bytes(textIndex.offset, textIndex.length);
    this.#textIndex = new TextIndex(index, facts, wrongAt(textIndex.offset));
  }

  /** What answers need that were undefined. */
  missing(): readonly ByteRange[] {
    return [
      ...Array.from(this.#missingNumbers, (block) => this.#numbersAt(block)),
      ...Array.from(this.#missingTexts, (block) => this.#textsAt(block)),
    ];
  }

  /** Requires: pages that hold all that is missing. */
  take(pages: PageSet): void {
    for (const block of this.#missingNumbers)
      this.#numbers.set(block, numbersOf(pages, this.#numbersAt(block)));
    for (const block of this.#missingTexts) {
      const { offset, length } = this.#textsAt(block);
      this.#texts.set(block, pages.bytes(offset, length));
    }
    this.#missingNumbers.clear();
    this.#missingTexts.clear();
  }

  /** Requires: pages that hold the whole column. */
  takeAll(pages: PageSet): void {
    for (let block = 0; block * blockRows < this.column.numbers; block++) this.#missingNumbers.add(block);
    for (let block = 0; block < this.#textIndex.blocks; block++) this.#missingTexts.add(block);
    this.take(pages);
  }

  /** How many numbers come before. Requires: those that do are the first ones. */
  tryCountNumbers(before: (value: number) => boolean): number | undefined {
    const { numbers } = this.column;
    const firsts = this.#firstNumbers;
    const started = countFirst(Math.ceil(numbers / blockRows), (i) => before(firsts.getFloat64(8 * i, true)));
    if (started === 0) return 0;
    const block = started - 1;
    const view = this.#numbers.get(block);
    if (view === undefined) {
      this.#missingNumbers.add(block);
      return undefined;
    }
    const inBlock = Math.min(blockRows, numbers - block * blockRows);
    return block * blockRows + countFirst(inBlock, (i) => before(view.getFloat64(8 * i, true)));
  }

  /**
   * Up to which of the strings, of which instants are the first, those of a part come before. Requires: in that part they
   * are the first ones. The cursor is good for the call only.
   */
  tryCountTexts(part: 'instants' | 'texts', before: (term: TextCursor) => boolean): number | undefined {
    const { instants, texts } = this.column;
    if (part === 'texts' ? texts === 0 : instants === 0) return part === 'texts' ? instants : 0;
    const index = this.#textIndex;
    const cursor = this.#cursor;
    const comes = (i: number): boolean =>
      part === 'texts' ? i < instants || before(cursor) : i < instants && before(cursor);
    const started = countFirst(index.blocks, (block) => {
      index.first(block, cursor);
      return comes(block * blockRows);
    });
    if (started === 0) return 0;
    const block = started - 1;
    if (!this.#open(block)) return undefined;
    const end = Math.min(index.terms, (block + 1) * blockRows);
    let at = block * blockRows + 1;
    for (; at < end; at++) {
      cursor.next();
      if (!comes(at)) break;
    }
    return at;
  }

  /** Shows the strings from one number up to, without, another one. False: blocks are missing, and none was shown. */
  tryEach(from: number, to: number, show: (term: TextCursor, at: number) => void): boolean {
    if (from === to) return true;
    const first = Math.floor(from / blockRows);
    const last = Math.ceil(to / blockRows);
    for (let block = first; block < last; block++) if (!this.#texts.has(block)) this.#missingTexts.add(block);
    if (this.#missingTexts.size > 0) return false;
    const { terms } = this.#textIndex;
    for (let block = first; block < last; block++) {
      this.#open(block);
      const end = Math.min(terms, (block + 1) * blockRows);
      for (let at = block * blockRows; at < end; at++) {
        if (at % blockRows !== 0) this.#cursor.next();
        if (at >= from && at < to) show(this.#cursor, at);
      }
    }
    return true;
  }

  /** Puts the cursor on the first term of a block. False: the block is missing. */
  #open(block: number): boolean {
    const bytes = this.#texts.get(block);
    if (bytes === undefined) {
      this.#missingTexts.add(block);
      return false;
    }
    this.#textIndex.first(block, this.#cursor);
    this.#cursor.open(bytes, this.#wrongAt(this.#textsAt(block).offset));
    return true;
  }

  #numbersAt(block: number): ByteRange {
    const { numbers, numbersAt } = this.column;
    const count = Math.min(blockRows, numbers - block * blockRows);
    return { offset: numbersAt.offset + 8 * blockRows * block, length: 8 * count };
  }

  #textsAt(block: number): ByteRange {
    const { offset, length } = this.#textIndex.range(block);
    const { textsAt } = this.column;
    if (offset + length > textsAt.length)
      throw this.#wrongAt(textsAt.offset)(0, `${textsAt.length} bytes of terms`, `${offset + length}`);
    return { offset: textsAt.offset + offset, length };
  }
}

/** How many of so many come before, where those that do are the first ones. */
function countFirst(count: number, before: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function numbersOf(pages: PageSet, { offset, length }: ByteRange): DataView {
  const bytes = pages.bytes(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
