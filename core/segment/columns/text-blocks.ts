/**
 * Terms that are strings, instants before texts, in blocks of 64, each as what it shares with the one before and the rest.
 *
 *   textIndex := u32 blockEnd[blocks]            running ends of the blocks
 *                u32 firstEnd[blocks]            running ends of the first terms
 *                first[blocks]                   the first term of each block: an entry that shares nothing
 *   texts     := block*
 *   block     := entry*                          the other terms of the block, 63 or fewer
 *   entry     := u8 shared, u8 rest | cut, rest bytes, hash[8] where cut          cut is 128; shared + rest <= 40
 *
 * A cut term has 24 bytes and the hash of the whole text.
 */
import { utf8Decode } from '../../base/bytes.js';
import { limits } from '../../base/limits.js';
import { tryParseInstant } from '../../filter/index.js';
import type { Instant } from '../../filter/index.js';
import type { Wrong } from '../id-blocks.js';
import { GrowingBytes } from './growing-bytes.js';
import { CUT_BYTES, HASH_BYTES, TERM_BYTES_MAX } from './terms.js';

const { blockRows } = limits;
const CUT = 0x80;
const ENTRY_BYTES_MAX: number = 2 + TERM_BYTES_MAX + HASH_BYTES;
const TEXT_BLOCK_BYTES_MAX: number = (blockRows - 1) * ENTRY_BYTES_MAX;

export class TextBlockWriter {
  readonly #blocks = new GrowingBytes(1_024);
  readonly #firsts = new GrowingBytes(64);
  readonly #blockEnds: number[] = [];
  readonly #firstEnds: number[] = [];
  #last = '';
  #count = 0;

  /** A character for each byte; no hash where the term is whole. */
  add(term: string, hash: string): void {
    const starts = this.#count++ % blockRows === 0;
    if (starts && this.#count > 1) this.#blockEnds.push(this.#blocks.length);
    const target = starts ? this.#firsts : this.#blocks;
    let shared = 0;
    if (!starts) while (shared < this.#last.length && term[shared] === this.#last[shared]) shared++;
    target.byte(shared);
    target.byte((term.length - shared) | (hash === '' ? 0 : CUT));
    target.latin(term, shared);
    target.latin(hash, 0);
    if (starts) this.#firstEnds.push(this.#firsts.length);
    this.#last = term;
  }

  /** Once all terms were added. */
  finish(): { readonly index: Uint8Array<ArrayBuffer>; readonly blocks: Uint8Array<ArrayBuffer> } {
    if (this.#count > 0) this.#blockEnds.push(this.#blocks.length);
    const words = Uint32Array.from([...this.#blockEnds, ...this.#firstEnds]);
    const index = new Uint8Array(words.byteLength + this.#firsts.length);
    index.set(new Uint8Array(words.buffer));
    index.set(this.#firsts.bytes, words.byteLength);
    return { index, blocks: this.#blocks.bytes };
  }
}

/** Stands on one term after another. */
export class TextCursor {
  /** Those of the term are the first `length`. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(TERM_BYTES_MAX);
  length = 0;
  cut = false;
  /** Of the whole text, where it is cut. */
  readonly hash: Uint8Array<ArrayBuffer> = new Uint8Array(HASH_BYTES);
  #source = new Uint8Array(0);
  #at = 0;
  #wrong: Wrong | undefined;

  /** Goes to the beginning of a list of entries, on none of them. What is shared there is shared with the term before. */
  open(source: Uint8Array, wrong: Wrong): void {
    this.#source = source as Uint8Array<ArrayBuffer>;
    this.#at = 0;
    this.#wrong = wrong;
  }

  /** Onto the next entry. Throws by `wrong` where there is none. */
  next(): void {
    const source = this.#source;
    const shared = source[this.#at]!;
    const second = source[this.#at + 1]!;
    const rest = second & ~CUT;
    const start = this.#at + 2;
    this.cut = (second & CUT) !== 0;
    const end = start + rest + (this.cut ? HASH_BYTES : 0);
    const length = shared + rest;
    if (!(end <= source.length) || shared > this.length || length > TERM_BYTES_MAX)
      throw this.#wrong!(this.#at, `a term of at most ${TERM_BYTES_MAX} bytes`, `${shared} and ${rest}`);
    if (this.cut && length !== CUT_BYTES)
      throw this.#wrong!(this.#at, `a cut term of ${CUT_BYTES} bytes`, `${length}`);
    for (let i = 0; i < rest; i++) this.bytes[shared + i] = source[start + i]!;
    if (this.cut) for (let i = 0; i < HASH_BYTES; i++) this.hash[i] = source[start + rest + i]!;
    this.length = length;
    this.#at = end;
  }

  /** Of a term that is not cut. Throws by `wrong` where it is not UTF-8. */
  text(): string {
    try {
      return utf8Decode(this.bytes.subarray(0, this.length));
    } catch {
      throw this.#wrong!(this.#at, 'terms in UTF-8', 'other bytes');
    }
  }

  /** Of a term that is one. Throws by `wrong` where it is none. */
  instant(): Instant {
    const instant = tryParseInstant(this.text());
    if (instant === undefined) throw this.#wrong!(this.#at, 'an instant', this.text());
    return instant;
  }
}

/** The index of a column's strings. */
export class TextIndex {
  readonly terms: number;
  readonly blocks: number;
  readonly #words: DataView;
  readonly #firsts: Uint8Array;
  readonly #wrong: Wrong;

  /** Throws by `wrong`, whose offsets count from the start of the index. */
  constructor(
    bytes: Uint8Array,
    facts: { readonly terms: number; readonly blocksBytes: number },
    wrong: Wrong,
  ) {
    this.terms = facts.terms;
    this.blocks = Math.ceil(facts.terms / blockRows);
    if (bytes.length < 8 * this.blocks) throw wrong(0, `${this.blocks} blocks`, `${bytes.length} bytes`);
    this.#words = new DataView(bytes.buffer, bytes.byteOffset, 8 * this.blocks);
    this.#firsts = bytes.subarray(8 * this.blocks);
    this.#wrong = wrong;
    const mustEnd = (found: number, at: number, expected: number): void => {
      if (found !== expected) throw wrong(at, `${expected} bytes of terms`, `${found}`);
    };
    if (this.blocks === 0) return;
    mustEnd(this.#blockEnd(this.blocks - 1), 0, facts.blocksBytes);
    mustEnd(this.#firstEnd(this.blocks - 1), 4 * this.blocks, this.#firsts.length);
  }

  /** Where a block lies, from the start of the texts. */
  range(block: number): { readonly offset: number; readonly length: number } {
    const offset = block === 0 ? 0 : this.#blockEnd(block - 1);
    const length = this.#blockEnd(block) - offset;
    if (length < 0 || length > TEXT_BLOCK_BYTES_MAX)
      throw this.#wrong(4 * block, 'the end of a block', `${offset + length}`);
    return { offset, length };
  }

  /** Puts the cursor on the first term of a block. */
  first(block: number, cursor: TextCursor): void {
    const at = 4 * (this.blocks + block);
    const start = block === 0 ? 0 : this.#firstEnd(block - 1);
    const end = this.#firstEnd(block);
    if (start > end || end > this.#firsts.length) throw this.#wrong(at, 'the end of a term', `${end}`);
    cursor.open(this.#firsts.subarray(start, end), this.#wrong);
    cursor.next();
  }

  #blockEnd(block: number): number {
    return this.#words.getUint32(4 * block, true);
  }

  #firstEnd(block: number): number {
    return this.#words.getUint32(4 * (this.blocks + block), true);
  }
}
