/**
 * JSON texts of the rows, in row order, in deflated blocks of up to 64 rows and about 16 KiB of text; a text is never
 * split, so one that is longer makes a longer block.
 *
 *   documents     := block*
 *   block         := deflated (u32 length[rows] texts)        RFC 1951, raw; no bytes where all texts are empty
 *   documentIndex := u32 firstRow[blocks], u32 deflatedBytes[blocks], u32 inflatedBytes[blocks]
 *
 * A row without metadata has the empty text.
 */
import { utf8Decode, utf8Encode } from '../base/bytes.js';
import { assertInternal } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { Deflate } from '../base/ports.js';
import type { Wrong } from './id-blocks.js';

const { blockRows, documentBlockBytes, metadataBytes } = limits;
const INFLATED_MAX: number = 4 * blockRows + documentBlockBytes + metadataBytes;
/** Deflate adds five bytes to each stored piece at most. */
const DEFLATED_MAX: number = INFLATED_MAX + 1_024;

export class DocumentBlockWriter {
  readonly #deflate: Deflate;
  readonly #firstRows: number[] = [];
  readonly #deflated: number[] = [];
  readonly #inflated: number[] = [];
  #texts: Uint8Array[] = [];
  #textBytes = 0;
  #rows = 0;

  constructor(deflate: Deflate) {
    this.#deflate = deflate;
  }

  get rows(): number {
    return this.#rows;
  }

  get blocks(): number {
    return this.#firstRows.length;
  }

  /** A finished block where `text` began another one; it may have no bytes. */
  add(text: string): Uint8Array | undefined {
    const bytes = utf8Encode(text);
    assertInternal(bytes.length <= metadataBytes, `a document of ${bytes.length} bytes`);
    const full =
      this.#texts.length === blockRows ||
      (this.#textBytes > 0 && this.#textBytes + bytes.length > documentBlockBytes);
    const finished = full ? this.end() : undefined;
    this.#texts.push(bytes);
    this.#textBytes += bytes.length;
    this.#rows += 1;
    return finished;
  }

  /** The last block, once all texts were added. */
  end(): Uint8Array | undefined {
    const texts = this.#texts;
    if (texts.length === 0) return undefined;
    const inflatedBytes = this.#textBytes === 0 ? 0 : 4 * texts.length + this.#textBytes;
    const block =
      inflatedBytes === 0 ? new Uint8Array(0) : this.#deflate.deflate(blockOf(texts, inflatedBytes));
    this.#firstRows.push(this.#rows - texts.length);
    this.#deflated.push(block.length);
    this.#inflated.push(inflatedBytes);
    this.#texts = [];
    this.#textBytes = 0;
    return block;
  }

  index(): Uint8Array<ArrayBuffer> {
    const words = Uint32Array.from([...this.#firstRows, ...this.#deflated, ...this.#inflated]);
    return new Uint8Array(words.buffer);
  }
}

function blockOf(texts: readonly Uint8Array[], inflatedBytes: number): Uint8Array {
  const bytes = new Uint8Array(inflatedBytes);
  const lengths = new Uint32Array(bytes.buffer, 0, texts.length);
  let at = 4 * texts.length;
  texts.forEach((text, i) => {
    lengths[i] = text.length;
    bytes.set(text, at);
    at += text.length;
  });
  return bytes;
}

export class DocumentIndex {
  readonly rows: number;
  readonly blocks: number;
  readonly #firstRows: Uint32Array;
  readonly #inflated: Uint32Array;
  readonly #offsets: Float64Array;

  /** Requires: `bytes` at a multiple of 4 in their buffer. */
  constructor(
    bytes: Uint8Array,
    facts: { readonly rows: number; readonly blocks: number; readonly documentsBytes: number },
    wrong: Wrong,
  ) {
    const { rows, blocks } = facts;
    this.rows = rows;
    this.blocks = blocks;
    if (blocks < 1 || bytes.length !== 12 * blocks)
      throw wrong(0, `an index of ${blocks} blocks`, `${bytes.length} bytes`);
    const column = (at: number): Uint32Array =>
      new Uint32Array(bytes.buffer, bytes.byteOffset + 4 * blocks * at, blocks);
    const deflated = column(1);
    this.#firstRows = column(0);
    this.#inflated = column(2);
    this.#offsets = new Float64Array(blocks + 1);
    for (let block = 0; block < blocks; block++) {
      const first = this.#firstRows[block]!;
      const count = this.rowsIn(block);
      if ((block === 0 && first !== 0) || count < 1 || count > blockRows)
        throw wrong(4 * block, `1 to ${blockRows} rows of a block`, `${count} from row ${first}`);
      const inflated = this.#inflated[block]!;
      if (inflated > INFLATED_MAX || (inflated > 0 && inflated <= 4 * count))
        throw wrong(4 * (2 * blocks + block), 'the length of a block', `${inflated}`);
      if (deflated[block]! > DEFLATED_MAX || (deflated[block] === 0) !== (inflated === 0))
        throw wrong(4 * (blocks + block), 'the length of a deflated block', `${deflated[block]}`);
      this.#offsets[block + 1] = this.#offsets[block]! + deflated[block]!;
    }
    if (this.#offsets[blocks] !== facts.documentsBytes)
      throw wrong(4 * blocks, `${facts.documentsBytes} bytes of blocks`, `${this.#offsets[blocks]}`);
  }

  blockOf(row: number): number {
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#firstRows[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  firstRow(block: number): number {
    return this.#firstRows[block]!;
  }

  rowsIn(block: number): number {
    return (block + 1 < this.blocks ? this.#firstRows[block + 1]! : this.rows) - this.#firstRows[block]!;
  }

  /** 0: every text of the block is empty. */
  inflatedBytes(block: number): number {
    return this.#inflated[block]!;
  }

  range(block: number): { readonly offset: number; readonly length: number } {
    const offset = this.#offsets[block]!;
    return { offset, length: this.#offsets[block + 1]! - offset };
  }
}

/** An inflated block: its texts as bytes, and where each ends. */
export interface DocumentBlock {
  readonly texts: Uint8Array;
  readonly ends: Uint32Array;
}

/** Throws by `wrong` where `deflated` is not a block of so many rows and bytes. */
export function inflateBlock(
  deflate: Deflate,
  deflated: Uint8Array,
  { rows, inflatedBytes }: { readonly rows: number; readonly inflatedBytes: number },
  wrong: Wrong,
): DocumentBlock {
  const bytes = deflate.tryInflate(deflated, inflatedBytes);
  if (bytes === undefined) throw wrong(0, `a deflated block of ${inflatedBytes} bytes`, 'something else');
  const lengths = new Uint32Array(bytes.buffer, bytes.byteOffset, rows);
  const ends = new Uint32Array(rows);
  let end = 0;
  for (let i = 0; i < rows; i++) {
    const length = lengths[i]!;
    if (length > metadataBytes) throw wrong(0, `a text of at most ${metadataBytes} bytes`, `${length}`);
    ends[i] = end += length;
  }
  const texts = bytes.subarray(4 * rows);
  if (end !== texts.length) throw wrong(0, `${texts.length} bytes of texts`, `${end}`);
  return { texts, ends };
}

/** Throws by `wrong` where the text is not UTF-8. */
export function textAt({ texts, ends }: DocumentBlock, position: number, wrong: Wrong): string {
  const start = position === 0 ? 0 : ends[position - 1]!;
  try {
    return utf8Decode(texts.subarray(start, ends[position]));
  } catch {
    throw wrong(0, 'texts in UTF-8', 'other bytes');
  }
}
