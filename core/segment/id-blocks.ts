/**
 * Ids in the order of their UTF-8 bytes, in blocks of 64, each id as what it shares with the one before and the rest.
 *
 *   ids       := block*                          64 ids each, the last may hold fewer
 *   block     := entry*
 *   entry     := varint shared, varint length, length bytes      shared is 0 in the first entry of a block
 *   varint    := 7 bits at a time, the lowest first, bit 7 set but in the last
 *   idIndex   := u32 blockBytes[blocks]
 *                u32 separatorEnd[blocks]        running ends into separators
 *                separators                      per block the shortest beginning of its first id that is above the last
 *                                                id of the block before; empty for the first
 *
 * A position in this order is a rank. The block that may hold an id is the last one whose separator is not above it.
 */
import { assertInternal } from '../base/errors.js';
import type { CairnError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import { FuseFilterBuilder } from './fuse-filter.js';

const { blockRows, idBytes: idBytesMax } = limits;
const ENTRY_BYTES_MAX: number = idBytesMax + 4;

/** Where bytes turn out wrong: makes a `corrupt` error from an offset in what is being read. */
export type Wrong = (offset: number, expected: string, found: string) => CairnError;

/** Order of bytes; a beginning comes before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

export class IdBlockWriter {
  readonly #encoder = new TextEncoder();
  readonly #blockBytes: Uint32Array<ArrayBuffer>;
  readonly #separatorEnds: Uint32Array<ArrayBuffer>;
  readonly #filter: FuseFilterBuilder;
  #separators = new Uint8Array(1_024);
  #separatorBytes = 0;
  #block = new Uint8Array(blockRows * ENTRY_BYTES_MAX);
  #used = 0;
  #ids = 0;
  #current = new Uint8Array(idBytesMax);
  #last = new Uint8Array(idBytesMax);
  #lastLength = 0;

  constructor(rows: number) {
    const blocks = Math.ceil(rows / blockRows);
    this.#blockBytes = new Uint32Array(blocks);
    this.#separatorEnds = new Uint32Array(blocks);
    this.#filter = new FuseFilterBuilder(rows);
  }

  get ids(): number {
    return this.#ids;
  }

  /** A finished block where `id` began another one: valid until the next call. */
  add(id: string): Uint8Array | undefined {
    const { read, written } = this.#encoder.encodeInto(id, this.#current);
    assertInternal(read === id.length && written > 0, `id of ${id.length} characters is too long or empty`);
    const current = this.#current.subarray(0, written);
    const shared = sharedLength(this.#last.subarray(0, this.#lastLength), current);
    const ascends = shared === this.#lastLength ? written > shared : current[shared]! > this.#last[shared]!;
    assertInternal(ascends || this.#ids === 0, `ids are not in order at rank ${this.#ids}`);
    const starts = this.#ids % blockRows === 0;
    const finished = starts ? this.#endBlock() : undefined;
    if (starts)
      this.#addSeparator(this.#ids === 0 ? current.subarray(0, 0) : current.subarray(0, shared + 1));
    this.#addEntry(current, starts ? 0 : shared);
    this.#filter.add(current);
    this.#ids += 1;
    [this.#current, this.#last, this.#lastLength] = [this.#last, this.#current, written];
    return finished;
  }

  /** The last block. */
  end(): Uint8Array | undefined {
    return this.#endBlock();
  }

  /** Requires: all ids were added. */
  index(): Uint8Array<ArrayBuffer> {
    const blocks = this.#blockBytes.length;
    const bytes = new Uint8Array(8 * blocks + this.#separatorBytes);
    const words = new Uint32Array(bytes.buffer, 0, 2 * blocks);
    words.set(this.#blockBytes);
    words.set(this.#separatorEnds, blocks);
    bytes.set(this.#separators.subarray(0, this.#separatorBytes), 8 * blocks);
    return bytes;
  }

  filter(): Uint8Array<ArrayBuffer> {
    return this.#filter.build();
  }

  #endBlock(): Uint8Array | undefined {
    if (this.#used === 0) return undefined;
    this.#blockBytes[Math.ceil(this.#ids / blockRows) - 1] = this.#used;
    const block = this.#block.slice(0, this.#used);
    this.#used = 0;
    return block;
  }

  #addSeparator(separator: Uint8Array): void {
    const end = this.#separatorBytes + separator.length;
    if (end > this.#separators.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#separators.length));
      larger.set(this.#separators);
      this.#separators = larger;
    }
    this.#separators.set(separator, this.#separatorBytes);
    this.#separatorBytes = end;
    this.#separatorEnds[this.#ids / blockRows] = end;
  }

  #addEntry(id: Uint8Array, shared: number): void {
    this.#addVarint(shared);
    this.#addVarint(id.length - shared);
    this.#block.set(id.subarray(shared), this.#used);
    this.#used += id.length - shared;
  }

  #addVarint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#block[this.#used++] = (rest & 0x7f) | 0x80;
    this.#block[this.#used++] = rest;
  }
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < length && a[shared] === b[shared]) shared++;
  return shared;
}

/** The block index of a segment: which block may hold an id, and where blocks lie. */
export class IdIndex {
  readonly rows: number;
  readonly blocks: number;
  /** Start of each block in the section, and its end. */
  readonly #offsets: Float64Array;
  readonly #ends: Uint32Array;
  readonly #separators: Uint8Array;

  /** Requires: `bytes` at a multiple of 4 in their buffer. */
  constructor(bytes: Uint8Array, facts: { readonly rows: number; readonly idsBytes: number }, wrong: Wrong) {
    this.rows = facts.rows;
    this.blocks = Math.ceil(facts.rows / blockRows);
    if (bytes.length < 8 * this.blocks) throw wrong(0, `${this.blocks} blocks`, `${bytes.length} bytes`);
    const blockBytes = new Uint32Array(bytes.buffer, bytes.byteOffset, this.blocks);
    this.#ends = new Uint32Array(bytes.buffer, bytes.byteOffset + 4 * this.blocks, this.blocks);
    this.#separators = bytes.subarray(8 * this.blocks);
    this.#offsets = new Float64Array(this.blocks + 1);
    for (let block = 0; block < this.blocks; block++) {
      const length = blockBytes[block]!;
      if (length < 3 || length > blockRows * ENTRY_BYTES_MAX)
        throw wrong(4 * block, 'the length of a block', `${length}`);
      this.#offsets[block + 1] = this.#offsets[block]! + length;
    }
    if (this.#offsets[this.blocks] !== facts.idsBytes) {
      throw wrong(0, `${facts.idsBytes} bytes of blocks`, `${this.#offsets[this.blocks]}`);
    }
    this.#checkSeparators(wrong);
  }

  /** The block that holds `id` if any does. */
  blockOf(id: Uint8Array): number {
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (compareBytes(this.#separator(middle), id) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Where the blocks from `first` on lie, from the start of the section. */
  range(first: number, count = 1): { readonly offset: number; readonly length: number } {
    const offset = this.#offsets[first]!;
    return { offset, length: this.#offsets[first + count]! - offset };
  }

  /** Ids in a block. */
  idsIn(block: number): number {
    return Math.min(blockRows, this.rows - block * blockRows);
  }

  #separator(block: number): Uint8Array {
    return this.#separators.subarray(block === 0 ? 0 : this.#ends[block - 1]!, this.#ends[block]);
  }

  #checkSeparators(wrong: Wrong): void {
    const at = 4 * this.blocks;
    for (let block = 0; block < this.blocks; block++) {
      const end = this.#ends[block]!;
      const start = block === 0 ? 0 : this.#ends[block - 1]!;
      const fits = end >= start && end <= this.#separators.length && end - start <= idBytesMax;
      if (!fits || (block === 0 && end > 0)) throw wrong(at + 4 * block, 'the end of a separator', `${end}`);
      if (block > 0 && compareBytes(this.#separator(block - 1), this.#separator(block)) >= 0)
        throw wrong(at + 4 * block, 'separators in order', 'one that is not');
    }
    if (this.#ends[this.blocks - 1] !== this.#separators.length) {
      throw wrong(at, `${this.#separators.length} bytes of separators`, `${this.#ends[this.blocks - 1]}`);
    }
  }
}

/** The ids of one block: bytes one after another, and where each ends. */
export interface IdBlock {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Where in a block a reader is, and how long the id is that it has made last. */
interface Cursor {
  at: number;
  length: number;
}

/** Reads a block that must hold `count` ids in order. Throws by `wrong`. */
export function decodeIdBlock(block: Uint8Array, count: number, wrong: Wrong): IdBlock {
  let ids = new Uint8Array(Math.max(1_024, 2 * block.length));
  const ends = new Uint32Array(count);
  const id = new Uint8Array(idBytesMax);
  const cursor = { at: 0, length: 0 };
  let end = 0;
  for (let i = 0; i < count; i++) {
    nextId(block, cursor, id, wrong);
    const { length } = cursor;
    if (end + length > ids.length) {
      const larger = new Uint8Array(2 * (end + length));
      larger.set(ids);
      ids = larger;
    }
    for (let k = 0; k < length; k++) ids[end + k] = id[k]!;
    end += length;
    ends[i] = end;
  }
  if (cursor.at !== block.length) throw wrong(cursor.at, `${cursor.at} bytes of block`, `${block.length}`);
  return { bytes: ids.subarray(0, end), ends };
}

const scratch = new Uint8Array(idBytesMax);

/** One id out of a block, good until the next call; the ids behind it are not looked at. Throws by `wrong`. */
export function decodeIdAt(block: Uint8Array, position: number, wrong: Wrong): Uint8Array {
  const cursor = { at: 0, length: 0 };
  for (let i = 0; i <= position; i++) nextId(block, cursor, scratch, wrong);
  return scratch.subarray(0, cursor.length);
}

/** Makes the id at the cursor of the one before it, which lies at the start of `id`. */
function nextId(block: Uint8Array, cursor: Cursor, id: Uint8Array, wrong: Wrong): void {
  const entry = cursor.at;
  const before = cursor.length;
  // The end of the block reads as 0, which no entry's second number is.
  let shared = block[entry] ?? 0;
  let at = entry + 1;
  if (shared >= 0x80) shared = (shared & 0x7f) | (secondByte(block, at++, wrong) << 7);
  let rest = block[at] ?? 0;
  at++;
  if (rest >= 0x80) rest = (rest & 0x7f) | (secondByte(block, at++, wrong) << 7);
  const length = shared + rest;
  if (shared > before || rest === 0 || length > idBytesMax || at + rest > block.length)
    throw wrong(entry, `an id of 1 to ${idBytesMax} bytes`, `${shared} and ${rest} bytes`);
  if (entry > 0 && shared < before && block[at]! <= id[shared]!)
    throw wrong(entry, 'ids in order', 'one that is not');
  // Byte by byte: a call that moves so few costs more than they do.
  for (let k = shared; k < length; k++) id[k] = block[at++]!;
  cursor.at = at;
  cursor.length = length;
}

function secondByte(block: Uint8Array, at: number, wrong: Wrong): number {
  const byte = block[at];
  if (byte === undefined || byte === 0 || byte >= 0x80)
    throw wrong(at, 'a number of at most two bytes', 'another');
  return byte;
}

export function idAt({ bytes, ends }: IdBlock, position: number): Uint8Array {
  return bytes.subarray(position === 0 ? 0 : ends[position - 1]!, ends[position]);
}

/** Position of the first id of the block that is not below `id`: `ends.length` where all are. */
export function positionIn(block: IdBlock, id: Uint8Array): number {
  let low = 0;
  let high = block.ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(idAt(block, middle), id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
