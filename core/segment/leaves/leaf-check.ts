/**
 * Whether what leaves say of their rows is what the other sections say: each row has its rank, and the id of that rank, in its own leaf
 * and where it is a guest, and its pages have their checksums. Memory: 12 bytes per row.
 */
import type { Deflate } from '../../base/ports.js';
import { hashId } from '../id-hash.js';
import type { Wrong } from '../id-blocks.js';
import { LeafBlock } from './leaf-blocks.js';
import type { LeafIndex } from './leaf-index.js';

/** Of a row that is nobody's guest. */
const NO_RANK = 0xffff_ffff;

export class LeafCheck {
  readonly #index: LeafIndex;
  readonly #pageChecksums: Uint32Array;
  /** Of each rank: half of the hash of its id. */
  readonly #hashOf: Uint32Array;
  readonly #rankOfRow: Uint32Array;
  /** As the leaf says of which the row is a guest. */
  readonly #rankOfGuest: Uint32Array;
  readonly #hash = new Uint32Array(2);
  readonly #sums = new Map<number, number>();
  #sound = 0;
  #idsKnown = true;

  constructor(index: LeafIndex, rows: number, pageChecksums: Uint32Array) {
    this.#index = index;
    this.#pageChecksums = pageChecksums;
    this.#hashOf = new Uint32Array(rows);
    this.#rankOfRow = new Uint32Array(rows);
    this.#rankOfGuest = new Uint32Array(rows).fill(NO_RANK);
  }

  /** An id as the section of ids has it. */
  addId(rank: number, id: Uint8Array): void {
    hashId(id, this.#hash, 0);
    this.#hashOf[rank] = this.#hash[0]!;
  }

  /** The section of ids cannot be trusted: leaves are not held against it. */
  withoutIds(): void {
    this.#idsKnown = false;
  }

  /** Throws by `wrong`. */
  take(
    leaf: number,
    bytes: Uint8Array,
    { deflate, wrong }: { readonly deflate: Deflate; readonly wrong: Wrong },
  ): void {
    const block = new LeafBlock(bytes, this.#index.place(leaf), wrong);
    const { scanned } = block;
    const lanes = this.#index.centroids.mean.length;
    mustBeNumbers(scanned.subarray(0, 4 * lanes), wrong);
    const packs = scanned.subarray(4 * lanes);
    for (let at = 4 * lanes; at < packs.length; at += 4 * lanes + 256)
      mustBeNumbers(packs.subarray(at, at + 256), wrong);
    block.idBytes(deflate).forEach((id, i) => {
      this.#mustMatchPages(block, i, wrong);
      const rank = block.rank(i, this.#rankOfRow.length);
      const row = block.rowAt(i);
      const ranks = i < block.rows ? this.#rankOfRow : this.#rankOfGuest;
      if (i >= block.rows && ranks[row] !== NO_RANK)
        throw wrong(0, `row ${row} as a guest of one leaf`, 'two');
      ranks[row] = rank;
      hashId(id, this.#hash, 0);
      if (this.#idsKnown && this.#hash[0] !== this.#hashOf[rank])
        throw wrong(0, `the id of rank ${rank} in row ${row}`, 'another');
    });
    this.#sound++;
  }

  #mustMatchPages(block: LeafBlock, i: number, wrong: Wrong): void {
    this.#sums.clear();
    block.addSums(i, this.#sums);
    for (const [page, sum] of this.#sums) {
      const found = this.#pageChecksums[page]!;
      if (sum !== found)
        throw wrong(0, `the checksum ${found.toString(16)} of page ${page}`, sum.toString(16));
    }
  }

  /** Says nothing where a leaf was not sound. Throws by `wrong`. */
  mustAgree(rowOfRank: Uint32Array, wrong: Wrong): void {
    if (this.#sound < this.#index.leaves) return;
    rowOfRank.forEach((row, rank) => {
      const found = this.#rankOfRow[row]!;
      if (found !== rank) throw wrong(0, `row ${row} with rank ${rank} in its leaf`, `${found}`);
      const asGuest = this.#rankOfGuest[row]!;
      if (asGuest !== NO_RANK && asGuest !== rank)
        throw wrong(0, `row ${row} with rank ${rank} as a guest`, `${asGuest}`);
    });
  }
}

function mustBeNumbers(bytes: Uint8Array, wrong: Wrong): void {
  const numbers = new Float32Array(bytes.slice().buffer);
  if (!numbers.every(Number.isFinite)) throw wrong(0, 'numbers', 'what is none');
}
