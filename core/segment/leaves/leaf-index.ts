/**
 * Where the blocks of leaves lie, and as much of their centroids as it takes to know which ones a query is near: codes of a few bits
 * per dimension, relative to the mean of all.
 *
 *   leafIndex := u32 bits, f32 factor, zero[8]     of a code per dimension: 1, 2 or 4; what vectors were multiplied with
 *                f32 mean[D]                       of the centroids, rotated
 *                u32 blockBytes[leaves]
 *                u32 guests[leaves]                how many rows of others each has
 *                record[leaves]
 *   record    := u8 code[bits D / 8], f32 add, f32 rescale
 */
import { alignUp } from '../../base/bytes.js';
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { ByteRange } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import { blockBytesRange, leafDimension } from './leaf-blocks.js';
import type { LeafPlace } from './leaf-blocks.js';

const HEADER_BYTES = 16;
const BITS: readonly number[] = [1, 2, 4];

/**
 * Where a block begins behind one that ends there, from the start of the section, which is one of a page: at once, or with the next page
 * where it would else lie in one more than it must. Pages are read whole.
 */
export function blockStart(end: number, length: number): number {
  const pagesFrom = (start: number): number =>
    Math.ceil((start + length) / limits.pageBytes) - Math.floor(start / limits.pageBytes);
  return pagesFrom(end) > pagesFrom(0) ? alignUp(end, limits.pageBytes) : end;
}

/** The centroids of leaves, as they are compared with a query. */
export interface CodedCentroids {
  /** Of a code, per dimension: 1, 2 or 4. */
  readonly bits: number;
  /** What vectors are multiplied with before all else, so that no distance is out of range. */
  readonly factor: number;
  /** Of all of them, rotated. */
  readonly mean: Float32Array;
  /** Codes and terms, one record behind the other. */
  readonly records: Uint8Array;
}

/** Bytes of the record of a centroid. */
export function recordBytes(bits: number, dimension: number): number {
  return (bits * leafDimension(dimension)) / 8 + 8;
}

/** Of each leaf, in their order. */
export interface WrittenBlocks {
  readonly blockBytes: Uint32Array;
  readonly guests: Uint32Array;
}

/** Before the records. */
function fixedBytes(leaves: number, lanes: number): number {
  return HEADER_BYTES + 4 * lanes + 8 * leaves;
}

export function encodeLeafIndex(
  { bits, factor, mean, records }: CodedCentroids,
  { blockBytes, guests }: WrittenBlocks,
): Uint8Array<ArrayBuffer> {
  const leaves = blockBytes.length;
  const wanted = leaves * recordBytes(bits, mean.length);
  assertInternal(records.length === wanted, () => `${records.length} bytes of ${leaves} centroids`);
  const fixed = fixedBytes(leaves, mean.length);
  const bytes = new Uint8Array(fixed + records.length);
  const words = new Uint32Array(bytes.buffer, 0, fixed / 4);
  const floats = new Float32Array(bytes.buffer, 0, fixed / 4);
  words[0] = bits;
  floats[1] = factor;
  floats.set(mean, HEADER_BYTES / 4);
  words.set(blockBytes, HEADER_BYTES / 4 + mean.length);
  words.set(guests, HEADER_BYTES / 4 + mean.length + leaves);
  bytes.set(records, fixed);
  return bytes;
}

export interface LeafFacts {
  readonly rows: number;
  readonly dimension: number;
  readonly leafStarts: Uint32Array;
  /** Of the section of blocks. */
  readonly blocksBytes: number;
}

export class LeafIndex {
  readonly leaves: number;
  readonly centroids: CodedCentroids;
  readonly #facts: LeafFacts;
  readonly #blockBytes: Uint32Array;
  readonly #guests: Uint32Array;
  /** Start of each block in the section. */
  readonly #offsets: Float64Array;

  /** Requires: `bytes` at a multiple of 4 in their buffer. Throws `corrupt`, by `wrong`. */
  constructor(bytes: Uint8Array, facts: LeafFacts, wrong: Wrong) {
    const leaves = facts.leafStarts.length;
    const lanes = leafDimension(facts.dimension);
    const fixed = fixedBytes(leaves, lanes);
    if (leaves < 1 || bytes.length < fixed) throw wrong(0, `${leaves} leaves`, `${bytes.length} bytes`);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, fixed / 4);
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset, HEADER_BYTES / 4 + lanes);
    const bits = words[0]!;
    const factor = floats[1]!;
    if (!BITS.includes(bits)) throw wrong(0, `centroids of ${BITS.join(', ')} bits`, `${bits}`);
    if (!(factor > 0 && factor < Infinity)) throw wrong(4, 'a factor', `${factor}`);
    const wanted = fixed + leaves * recordBytes(bits, facts.dimension);
    if (bytes.length !== wanted) throw wrong(0, `${wanted} bytes of ${leaves} leaves`, `${bytes.length}`);
    this.leaves = leaves;
    this.centroids = {
      ...{ bits, factor },
      mean: floats.subarray(HEADER_BYTES / 4),
      records: bytes.subarray(fixed),
    };
    this.#facts = facts;
    const ofBlocks = HEADER_BYTES / 4 + lanes;
    this.#blockBytes = words.subarray(ofBlocks, ofBlocks + leaves);
    this.#guests = words.subarray(ofBlocks + leaves);
    this.#offsets = this.#offsetsOf((leaf, expected, found) => wrong(4 * (ofBlocks + leaf), expected, found));
  }

  firstRow(leaf: number): number {
    return this.#facts.leafStarts[leaf]!;
  }

  /** Its own rows. */
  rowsIn(leaf: number): number {
    const { leafStarts, rows } = this.#facts;
    return (leafStarts[leaf + 1] ?? rows) - leafStarts[leaf]!;
  }

  place(leaf: number): LeafPlace {
    const { dimension, rows: segmentRows } = this.#facts;
    const [firstRow, rows, guests] = [this.firstRow(leaf), this.rowsIn(leaf), this.#guests[leaf]!];
    return { leaf, firstRow, rows, guests, dimension, segmentRows };
  }

  /** Of a block, from the start of the section. */
  range(leaf: number): ByteRange {
    return { offset: this.#offsets[leaf]!, length: this.#blockBytes[leaf]! };
  }

  #offsetsOf(wrong: Wrong): Float64Array {
    const { dimension, blocksBytes } = this.#facts;
    const offsets = new Float64Array(this.leaves);
    let end = 0;
    this.#blockBytes.forEach((length, leaf) => {
      const size = { firstRow: this.firstRow(leaf), rows: this.rowsIn(leaf), guests: this.#guests[leaf]! };
      const rows = size.rows + size.guests;
      if (rows > limits.leafRows) throw wrong(leaf, `a leaf of at most ${limits.leafRows} rows`, `${rows}`);
      const { least, most } = blockBytesRange(size, dimension);
      if (length < least || length > most)
        throw wrong(leaf, `${least} to ${most} bytes of a leaf`, `${length}`);
      const start = blockStart(end, length);
      offsets[leaf] = start;
      end = start + length;
    });
    if (end !== blocksBytes) throw wrong(0, `${blocksBytes} bytes of leaves`, `${end}`);
    return offsets;
  }
}
