/**
 * Where the blocks of leaves lie, and as much of their centroids as it takes to know which ones a query is near: codes of a few bits
 * per dimension, relative to the mean of all.
 *
 *   leafIndex := u32 bits, zero[12]                1 to 4
 *                f32 mean[D]                       of the centroids, rotated
 *                f32 term[leaves][2]               add and rescale of each centroid
 *                u32 blockBytes[leaves]
 *                u8  code[leaves][bits D / 8]      planes of bits, the most significant first
 */
import { assertInternal } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { ByteRange } from '../../store/index.js';
import type { Wrong } from '../id-blocks.js';
import { blockBytesRange, leafDimension } from './leaf-blocks.js';

const HEADER_BYTES = 16;
const BITS_MAX = 4;

/** The centroids of leaves, as they are compared with a query. */
export interface CodedCentroids {
  readonly bits: number;
  readonly mean: Float32Array;
  /** Add and rescale of each. */
  readonly terms: Float32Array;
  readonly codes: Uint8Array;
}

export function encodeLeafIndex(
  { bits, mean, terms, codes }: CodedCentroids,
  blockBytes: Uint32Array,
): Uint8Array<ArrayBuffer> {
  const leaves = blockBytes.length;
  assertInternal(terms.length === 2 * leaves, () => `terms of ${terms.length / 2} centroids`);
  assertInternal(codes.length === (leaves * bits * mean.length) / 8, () => `${codes.length} bytes of codes`);
  const bytes = new Uint8Array(HEADER_BYTES + 4 * mean.length + 12 * leaves + codes.length);
  const words = new Uint32Array(bytes.buffer, 0, (HEADER_BYTES + 4 * mean.length + 12 * leaves) / 4);
  const floats = new Float32Array(bytes.buffer, 0, words.length);
  words[0] = bits;
  floats.set(mean, HEADER_BYTES / 4);
  floats.set(terms, HEADER_BYTES / 4 + mean.length);
  words.set(blockBytes, HEADER_BYTES / 4 + mean.length + 2 * leaves);
  bytes.set(codes, 4 * words.length);
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
  /** Start of each block in the section, and its end. */
  readonly #offsets: Float64Array;

  /** Requires: `bytes` at a multiple of 4 in their buffer. Throws `corrupt`, by `wrong`. */
  constructor(bytes: Uint8Array, facts: LeafFacts, wrong: Wrong) {
    const leaves = facts.leafStarts.length;
    const lanes = leafDimension(facts.dimension);
    const fixed = HEADER_BYTES + 4 * lanes + 12 * leaves;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
    const bits = words[0] ?? 0;
    if (bits < 1 || bits > BITS_MAX) throw wrong(0, `centroids of 1 to ${BITS_MAX} bits`, `${bits}`);
    const wanted = fixed + (leaves * bits * lanes) / 8;
    if (leaves < 1 || bytes.length !== wanted)
      throw wrong(0, `${wanted} bytes of ${leaves} leaves`, `${bytes.length}`);
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, lanes + 2 * leaves);
    const bad = floats.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw wrong(HEADER_BYTES + 4 * bad, 'a number', `${floats[bad]}`);
    this.leaves = leaves;
    this.#facts = facts;
    this.#offsets = offsetsOf(words.subarray(fixed / 4 - leaves, fixed / 4), facts, (leaf, expected, found) =>
      wrong(fixed - 4 * (leaves - leaf), expected, found),
    );
    this.centroids = {
      bits,
      mean: floats.subarray(0, lanes),
      terms: floats.subarray(lanes),
      codes: bytes.subarray(fixed),
    };
  }

  firstRow(leaf: number): number {
    return this.#facts.leafStarts[leaf]!;
  }

  rowsIn(leaf: number): number {
    return rowsOf(this.#facts, leaf);
  }

  /** Of a block, from the start of the section. */
  range(leaf: number): ByteRange {
    const offset = this.#offsets[leaf]!;
    return { offset, length: this.#offsets[leaf + 1]! - offset };
  }
}

function rowsOf({ leafStarts, rows }: LeafFacts, leaf: number): number {
  return (leafStarts[leaf + 1] ?? rows) - leafStarts[leaf]!;
}

function offsetsOf(blockBytes: Uint32Array, facts: LeafFacts, wrong: Wrong): Float64Array {
  const offsets = new Float64Array(blockBytes.length + 1);
  blockBytes.forEach((length, leaf) => {
    const rows = rowsOf(facts, leaf);
    if (rows > limits.leafRows) throw wrong(leaf, `a leaf of at most ${limits.leafRows} rows`, `${rows}`);
    const { least, most } = blockBytesRange(rows, facts.dimension);
    if (length < least || length > most)
      throw wrong(leaf, `${least} to ${most} bytes of a leaf`, `${length}`);
    offsets[leaf + 1] = offsets[leaf]! + length;
  });
  const end = offsets[blockBytes.length]!;
  if (end !== facts.blocksBytes) throw wrong(0, `${facts.blocksBytes} bytes of leaves`, `${end}`);
  return offsets;
}
