/**
 * What a reader that holds no index gets of one leaf: all of its rows as coded for a scan, and who they are; and so of its guests,
 * rows of other leaves that lie near this one. One block for each leaf of `leafStarts`, where `blockStart` of leaf-index.ts says.
 *
 *   leaves   := block*
 *   block    := f32 centroid[D]                    of the leaf, rotated; D is the dimension rounded up to 64
 *               pack[ceil(rows / 32)]              of 32 rows, those that are missing at the end zeros
 *               pack[ceil(guests / 32)]
 *               u32 guest[guests]                  their rows, ascending
 *               u32 rank[rows + guests]
 *               u32 crc32c[pages]                  of the pages of the file that hold its rows' vectors
 *               u32 crc32c[pages]                  the same of each guest, one behind the other
 *               u32 idBytes                        inflated
 *               deflated (u16 length[rows + guests] ids)    RFC 1951, raw; ids in UTF-8, in the order of ranks
 *   pack     := u8  code[D / 4][16]                a bit per dimension of each row, relative to the centroid: four dimensions of
 *                                                  rows i and i + 16 in byte i, those of the latter above
 *               f32 add[32], f32 rescale[32]
 *
 * What rotation, codes and terms are: wasm/rotation.ts, rabitq.ts, fast-scan.ts.
 */
import { alignUp, utf8Decode, utf8Encode } from '../../base/bytes.js';
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { Deflate } from '../../base/ports.js';
import type { Wrong } from '../id-blocks.js';

/** Of what a leaf's rows are coded in: the padding of vectors to whole words of bits. */
export function leafDimension(dimension: number): number {
  return alignUp(dimension, 64);
}

const PACK_ROWS = 32;

/** Of a leaf: its own rows, and its guests. */
export interface LeafSize {
  readonly rows: number;
  readonly guests: number;
}

/** Pages of the file, which begins with the vectors. */
interface RowPages {
  readonly first: number;
  readonly count: number;
}

/** Those that hold the vectors of neighbouring rows. */
function pagesOfRows(firstRow: number, rows: number, dimension: number): RowPages {
  const rowBytes = 4 * dimension;
  const first = Math.floor((firstRow * rowBytes) / limits.pageBytes);
  return { first, count: Math.ceil(((firstRow + rows) * rowBytes) / limits.pageBytes) - first };
}

/** Where the parts of a block lie, as far as they follow from its size. */
interface BlockPlaces {
  readonly guests: number;
  readonly ranks: number;
  readonly sums: number;
}

function placesOf({ rows, guests }: LeafSize, dimension: number): BlockPlaces {
  const lanes = leafDimension(dimension);
  const packs = Math.ceil(rows / PACK_ROWS) + Math.ceil(guests / PACK_ROWS);
  const guestsAt = 4 * lanes + packs * (4 * lanes + 8 * PACK_ROWS);
  const ranks = guestsAt + 4 * guests;
  return { guests: guestsAt, ranks, sums: ranks + 4 * (rows + guests) };
}

/** Bytes of a block up to its guests' rows: centroid and packs, as a scan wants them in memory. */
export function scannedBytes(size: LeafSize, dimension: number): number {
  return placesOf(size, dimension).guests;
}

/** Bytes that a block may have. */
export function blockBytesRange(
  size: LeafSize & { readonly firstRow: number },
  dimension: number,
): { readonly least: number; readonly most: number } {
  const own = pagesOfRows(size.firstRow, size.rows, dimension).count;
  // Of a guest as many as a row has that begins with a page, or one more.
  const least =
    placesOf(size, dimension).sums + 4 * (own + size.guests * pagesOfRows(0, 1, dimension).count) + 4;
  const rows = size.rows + size.guests;
  // Deflate adds five bytes to each stored piece at most.
  return { least: least + 1, most: least + 4 * size.guests + rows * (2 + limits.idBytes) + 1_024 };
}

/** A leaf as it is written. */
export interface LeafContent {
  /** Centroid and packs one behind the other: `scannedBytes`. */
  readonly scanned: Uint8Array;
  readonly guests: Uint32Array;
  /** Of its rows, and of its guests. */
  readonly ranks: Uint32Array;
  readonly ids: readonly string[];
}

/** What is known of the file that a leaf is written to. */
export interface LeafFile {
  readonly dimension: number;
  readonly firstRow: number;
  /** Of the pages of all vectors. */
  readonly pageChecksums: Uint32Array;
  readonly deflate: Deflate;
}

export function encodeLeafBlock(
  { scanned, guests, ranks, ids }: LeafContent,
  { dimension, firstRow, pageChecksums, deflate }: LeafFile,
): Uint8Array<ArrayBuffer> {
  const all = ids.length;
  const rows = all - guests.length;
  const places = placesOf({ rows, guests: guests.length }, dimension);
  assertInternal(scanned.length === places.guests && ranks.length === all, () => `a leaf of ${all} rows`);
  const texts = ids.map(utf8Encode);
  const inflated = new Uint8Array(texts.reduce((sum, { length }) => sum + 2 + length, 0));
  const view = new DataView(inflated.buffer);
  let end = 2 * all;
  texts.forEach((text, i) => {
    view.setUint16(2 * i, text.length, true);
    inflated.set(text, end);
    end += text.length;
  });
  const deflated = deflate.deflate(inflated);
  const sums = [pagesOfRows(firstRow, rows, dimension)]
    .concat(Array.from(guests, (row) => pagesOfRows(row, 1, dimension)))
    .flatMap(({ first, count }) => [...pageChecksums.subarray(first, first + count)]);
  const idBytes = places.sums + 4 * sums.length;
  const block = new Uint8Array(idBytes + 4 + deflated.length);
  block.set(scanned);
  block.set(new Uint8Array(guests.buffer, guests.byteOffset, guests.byteLength), places.guests);
  block.set(new Uint8Array(ranks.buffer, ranks.byteOffset, ranks.byteLength), places.ranks);
  const words = new DataView(block.buffer);
  sums.forEach((sum, i) => words.setUint32(places.sums + 4 * i, sum, true));
  words.setUint32(idBytes, inflated.length, true);
  block.set(deflated, idBytes + 4);
  return block;
}

/** What is known of a leaf before it is read. */
export interface LeafPlace extends LeafSize {
  readonly leaf: number;
  readonly firstRow: number;
  readonly dimension: number;
  readonly segmentRows: number;
}

/** One leaf as it is read. Its bytes were checked; what they mean was not. */
export class LeafBlock {
  readonly leaf: number;
  readonly firstRow: number;
  readonly rows: number;
  /** Rows of other leaves. */
  readonly guests: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #places: BlockPlaces;
  readonly #dimension: number;
  /** Of each guest, where the checksums of its pages begin. */
  readonly #sumsOfGuest: Uint32Array;
  readonly #idBytes: number;
  readonly #wrong: Wrong;

  /** Requires: as many bytes as a block of such a size may have. Throws `corrupt`. */
  constructor(bytes: Uint8Array, place: LeafPlace, wrong: Wrong) {
    this.leaf = place.leaf;
    this.firstRow = place.firstRow;
    this.rows = place.rows;
    this.#bytes = bytes;
    this.#places = placesOf(place, place.dimension);
    this.#dimension = place.dimension;
    this.#wrong = wrong;
    this.guests = this.#readGuests(place);
    this.#sumsOfGuest = new Uint32Array(place.guests);
    let at = this.#places.sums + 4 * pagesOfRows(this.firstRow, this.rows, this.#dimension).count;
    this.guests.forEach((row, i) => {
      this.#sumsOfGuest[i] = at;
      at += 4 * pagesOfRows(row, 1, this.#dimension).count;
    });
    this.#idBytes = at;
    if (at + 5 > bytes.length) throw wrong(at, 'checksums and ids', `${bytes.length} bytes`);
  }

  /** Centroid and packs. */
  get scanned(): Uint8Array {
    return this.#bytes.subarray(0, this.#places.guests);
  }

  /** Its own, and behind them its guests. */
  rowAt(i: number): number {
    return i < this.rows ? this.firstRow + i : this.guests[i - this.rows]!;
  }

  /** Of `rowAt(i)`, of a segment of so many rows. Throws `corrupt`. */
  rank(i: number, segmentRows: number): number {
    const at = this.#places.ranks + 4 * i;
    const rank = this.#word(at);
    if (rank >= segmentRows) throw this.#wrong(at, `a rank below ${segmentRows}`, `${rank}`);
    return rank;
  }

  /** Adds the checksums of the pages that hold the vector of `rowAt(i)`. */
  addSums(i: number, into: Map<number, number>): void {
    const { first, count } = pagesOfRows(this.rowAt(i), 1, this.#dimension);
    const own = this.#places.sums + 4 * (first - pagesOfRows(this.firstRow, 1, this.#dimension).first);
    const at = i < this.rows ? own : this.#sumsOfGuest[i - this.rows]!;
    for (let page = 0; page < count; page++) into.set(first + page, this.#word(at + 4 * page));
  }

  /** All ids as bytes, in the order of `rowAt`. Throws `corrupt`. */
  idBytes(deflate: Deflate): readonly Uint8Array[] {
    const at = this.#idBytes;
    const ids = at + 4;
    const length = this.#word(at);
    const rows = this.rows + this.guests.length;
    const most = rows * (2 + limits.idBytes);
    if (length < 3 * rows || length > most) throw this.#wrong(at, 'the length of ids', `${length}`);
    const inflated = deflate.tryInflate(this.#bytes.subarray(ids), length);
    if (inflated === undefined) throw this.#wrong(ids, `${length} bytes of deflated ids`, 'something else');
    const found: Uint8Array[] = [];
    let start = 2 * rows;
    for (let i = 0; i < rows; i++) {
      const bytes = inflated[2 * i]! + 256 * inflated[2 * i + 1]!;
      if (bytes < 1 || bytes > limits.idBytes)
        throw this.#wrong(ids, `an id of 1 to ${limits.idBytes} bytes`, `${bytes}`);
      found.push(inflated.subarray(start, start + bytes));
      start += bytes;
    }
    if (start !== length) throw this.#wrong(ids, `${length} bytes of ids`, `${start}`);
    return found;
  }

  /** Of one of them. Throws `corrupt`. */
  textOf(id: Uint8Array): string {
    try {
      return utf8Decode(id);
    } catch {
      throw this.#wrong(this.#idBytes + 4, 'ids in UTF-8', 'other bytes');
    }
  }

  #readGuests({ rows, guests, firstRow, segmentRows }: LeafPlace): Uint32Array {
    const found = new Uint32Array(guests);
    for (let i = 0, before = -1; i < guests; i++) {
      const at = this.#places.guests + 4 * i;
      const row = this.#word(at);
      const isOwn = row >= firstRow && row < firstRow + rows;
      if (row <= before || row >= segmentRows || isOwn)
        throw this.#wrong(at, `a row of another leaf behind ${before}, below ${segmentRows}`, `${row}`);
      found[i] = row;
      before = row;
    }
    return found;
  }

  #word(at: number): number {
    const b = this.#bytes;
    return b[at]! + b[at + 1]! * 0x100 + b[at + 2]! * 0x1_0000 + b[at + 3]! * 0x100_0000;
  }
}
