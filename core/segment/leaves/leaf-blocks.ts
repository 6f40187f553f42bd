/**
 * What a reader that holds no index gets of one leaf: all of its rows as coded for a scan, and who they are. One block for each leaf
 * of `leafStarts`, where `blockStart` of leaf-index.ts says.
 *
 *   leaves   := block*
 *   block    := f32 centroid[D]                    of the leaf, rotated; D is the dimension rounded up to 64
 *               pack[ceil(rows / 32)]              of 32 rows, those that are missing at the end zeros
 *               u32 rank[rows]
 *               u32 idBytes                        inflated
 *               deflated (u16 length[rows] ids)    RFC 1951, raw; ids in UTF-8, in row order
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

/** Where the parts of a block lie. */
interface BlockPlaces {
  readonly ranks: number;
  readonly idBytes: number;
  readonly ids: number;
}

function placesOf(rows: number, dimension: number): BlockPlaces {
  const lanes = leafDimension(dimension);
  const ranks = 4 * lanes + Math.ceil(rows / PACK_ROWS) * (4 * lanes + 8 * PACK_ROWS);
  const idBytes = ranks + 4 * rows;
  return { ranks, idBytes, ids: idBytes + 4 };
}

/** Bytes of a block up to its ranks: centroid and packs, as a scan wants them in memory. */
export function scannedBytes(rows: number, dimension: number): number {
  return placesOf(rows, dimension).ranks;
}

/** Bytes that a block may have. */
export function blockBytesRange(
  rows: number,
  dimension: number,
): { readonly least: number; readonly most: number } {
  const { ids } = placesOf(rows, dimension);
  // Deflate adds five bytes to each stored piece at most.
  return { least: ids + 1, most: ids + rows * (2 + limits.idBytes) + 1_024 };
}

/** A leaf as it is written. */
export interface LeafContent {
  /** Centroid and packs one behind the other: `scannedBytes`. */
  readonly scanned: Uint8Array;
  readonly ranks: Uint32Array;
  readonly ids: readonly string[];
}

export function encodeLeafBlock(
  { scanned, ranks, ids }: LeafContent,
  dimension: number,
  deflate: Deflate,
): Uint8Array<ArrayBuffer> {
  const rows = ids.length;
  const places = placesOf(rows, dimension);
  assertInternal(scanned.length === places.ranks && ranks.length === rows, () => `a leaf of ${rows} rows`);
  const texts = ids.map(utf8Encode);
  const inflated = new Uint8Array(texts.reduce((sum, { length }) => sum + 2 + length, 0));
  const view = new DataView(inflated.buffer);
  let end = 2 * rows;
  texts.forEach((text, i) => {
    view.setUint16(2 * i, text.length, true);
    inflated.set(text, end);
    end += text.length;
  });
  const deflated = deflate.deflate(inflated);
  const block = new Uint8Array(places.ids + deflated.length);
  block.set(scanned);
  block.set(new Uint8Array(ranks.buffer, ranks.byteOffset, ranks.byteLength), places.ranks);
  new DataView(block.buffer).setUint32(places.idBytes, inflated.length, true);
  block.set(deflated, places.ids);
  return block;
}

/** One leaf as it is read. Its bytes were checked; what they mean was not. */
export class LeafBlock {
  readonly leaf: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly #bytes: Uint8Array;
  readonly #places: BlockPlaces;
  readonly #wrong: Wrong;

  /** Requires: as many bytes as a block of so many rows may have. */
  constructor(
    bytes: Uint8Array,
    place: {
      readonly leaf: number;
      readonly firstRow: number;
      readonly rows: number;
      readonly dimension: number;
    },
    wrong: Wrong,
  ) {
    this.leaf = place.leaf;
    this.firstRow = place.firstRow;
    this.rows = place.rows;
    this.#bytes = bytes;
    this.#places = placesOf(place.rows, place.dimension);
    this.#wrong = wrong;
  }

  /** Centroid and packs. */
  get scanned(): Uint8Array {
    return this.#bytes.subarray(0, this.#places.ranks);
  }

  /** Of row `firstRow + i` of a segment of so many rows. Throws `corrupt`. */
  rank(i: number, segmentRows: number): number {
    const at = this.#places.ranks + 4 * i;
    const rank = this.#word(at);
    if (rank >= segmentRows) throw this.#wrong(at, `a rank below ${segmentRows}`, `${rank}`);
    return rank;
  }

  /** All ids as bytes, in row order. Throws `corrupt`. */
  idBytes(deflate: Deflate): readonly Uint8Array[] {
    const { idBytes: at, ids } = this.#places;
    const length = this.#word(at);
    const most = this.rows * (2 + limits.idBytes);
    if (length < 3 * this.rows || length > most) throw this.#wrong(at, 'the length of ids', `${length}`);
    const inflated = deflate.tryInflate(this.#bytes.subarray(ids), length);
    if (inflated === undefined) throw this.#wrong(ids, `${length} bytes of deflated ids`, 'something else');
    const found: Uint8Array[] = [];
    let start = 2 * this.rows;
    for (let i = 0; i < this.rows; i++) {
      const bytes = inflated[2 * i]! + 256 * inflated[2 * i + 1]!;
      if (bytes < 1 || bytes > limits.idBytes)
        throw this.#wrong(ids, `an id of 1 to ${limits.idBytes} bytes`, `${bytes}`);
      found.push(inflated.subarray(start, start + bytes));
      start += bytes;
    }
    if (start !== length) throw this.#wrong(ids, `${length} bytes of ids`, `${start}`);
    return found;
  }

  /** Of row `firstRow + i`. Throws `corrupt`. */
  textOf(id: Uint8Array): string {
    try {
      return utf8Decode(id);
    } catch {
      throw this.#wrong(this.#places.ids, 'ids in UTF-8', 'other bytes');
    }
  }

  #word(at: number): number {
    const b = this.#bytes;
    return b[at]! + b[at + 1]! * 0x100 + b[at + 2]! * 0x1_0000 + b[at + 3]! * 0x100_0000;
  }
}
