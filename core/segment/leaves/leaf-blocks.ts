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

/** Where the parts of a block lie. */
interface BlockPlaces {
  readonly guests: number;
  readonly ranks: number;
  readonly idBytes: number;
  readonly ids: number;
}

function placesOf({ rows, guests }: LeafSize, dimension: number): BlockPlaces {
  const lanes = leafDimension(dimension);
  const packs = Math.ceil(rows / PACK_ROWS) + Math.ceil(guests / PACK_ROWS);
  const guestsAt = 4 * lanes + packs * (4 * lanes + 8 * PACK_ROWS);
  const ranks = guestsAt + 4 * guests;
  const idBytes = ranks + 4 * (rows + guests);
  return { guests: guestsAt, ranks, idBytes, ids: idBytes + 4 };
}

/** Bytes of a block up to its guests' rows: centroid and packs, as a scan wants them in memory. */
export function scannedBytes(size: LeafSize, dimension: number): number {
  return placesOf(size, dimension).guests;
}

/** Bytes that a block may have. */
export function blockBytesRange(
  size: LeafSize,
  dimension: number,
): { readonly least: number; readonly most: number } {
  const { ids } = placesOf(size, dimension);
  // Deflate adds five bytes to each stored piece at most.
  return { least: ids + 1, most: ids + (size.rows + size.guests) * (2 + limits.idBytes) + 1_024 };
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

export function encodeLeafBlock(
  { scanned, guests, ranks, ids }: LeafContent,
  dimension: number,
  deflate: Deflate,
): Uint8Array<ArrayBuffer> {
  const all = ids.length;
  const places = placesOf({ rows: all - guests.length, guests: guests.length }, dimension);
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
  const block = new Uint8Array(places.ids + deflated.length);
  block.set(scanned);
  block.set(new Uint8Array(guests.buffer, guests.byteOffset, guests.byteLength), places.guests);
  block.set(new Uint8Array(ranks.buffer, ranks.byteOffset, ranks.byteLength), places.ranks);
  new DataView(block.buffer).setUint32(places.idBytes, inflated.length, true);
  block.set(deflated, places.ids);
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
  readonly #wrong: Wrong;

  /** Requires: as many bytes as a block of such a size may have. Throws `corrupt`. */
  constructor(bytes: Uint8Array, place: LeafPlace, wrong: Wrong) {
    this.leaf = place.leaf;
    this.firstRow = place.firstRow;
    this.rows = place.rows;
    this.#bytes = bytes;
    this.#places = placesOf(place, place.dimension);
    this.#wrong = wrong;
    this.guests = this.#readGuests(place);
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

  /** All ids as bytes, in the order of `rowAt`. Throws `corrupt`. */
  idBytes(deflate: Deflate): readonly Uint8Array[] {
    const { idBytes: at, ids } = this.#places;
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
      throw this.#wrong(this.#places.ids, 'ids in UTF-8', 'other bytes');
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
