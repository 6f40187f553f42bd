/**
 * Masks of up to 16,384 rows at once, in the kernel's scratch memory: numbered bitmaps, tests of ordinals that write one,
 * and their algebra. A whole segment is a loop over such parts, so that no segment of any size asks for memory here.
 *
 * The memory is anybody's between two calls of the engine: whoever starts writes what it reads, and awaits nothing meanwhile.
 *
 *   masks      40 bitmaps of 2 KiB
 *   ordinals   64 KiB: what is tested, and lists of rows
 *   starts     u32[16,385]: first entries of rows
 *   set        32 KiB: a bitmap of ordinals
 */
import { assertInternal } from '../base/errors.js';
import type { Arena } from './arena.js';
import { PAYLOAD_OFFSET } from './layout.js';

/** Rows of one mask, and ordinals that are tested at once. */
export const MASK_ROWS = 16_384;
/** Ordinals of one set. */
export const MASK_SET_SIZE = 262_144;
export const MASK_COUNT = 40;

const MASK_BYTES: number = MASK_ROWS / 8;
const ORDINALS: number = PAYLOAD_OFFSET + MASK_COUNT * MASK_BYTES;
const STARTS: number = ORDINALS + 4 * MASK_ROWS;
const SET: number = STARTS + 4 * (MASK_ROWS + 16);

export type OrdinalWidth = 1 | 2 | 4;

/** Ordinals that lie in `ordinals`. */
export interface TestedOrdinals {
  readonly width: OrdinalWidth;
  readonly count: number;
  /** The bit that the first one has in the mask: a multiple of 64. */
  readonly at: number;
}

/** A bitmap of ordinals; its first bit stands for `base`. Of a width of 1 it has 256 bits from 0. */
export interface OrdinalSet {
  readonly base: number;
  readonly size: number;
  readonly bits: Uint8Array;
}

export class RowMasks {
  /** Room for `MASK_ROWS` ordinals of any width, or as many rows (u32): little-endian. */
  readonly ordinals: Uint8Array;
  /** Room for the first entries (u32) of `MASK_ROWS` rows, and the end. */
  readonly starts: Uint8Array;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.ordinals = arena.u8.subarray(ORDINALS, STARTS);
    this.starts = arena.u8.subarray(STARTS, SET);
  }

  clear(mask: number): void {
    const at = addressOf(mask);
    this.#arena.u8.fill(0, at, at + MASK_BYTES);
  }

  fill(mask: number, rows: number): void {
    this.clear(mask);
    this.not(mask, rows);
  }

  copy(target: number, source: number): void {
    const from = addressOf(source);
    this.#arena.u8.copyWithin(addressOf(target), from, from + MASK_BYTES);
  }

  and(target: number, other: number, rows: number): void {
    this.#arena.exports.maskAnd(addressOf(target), addressOf(other), rows);
  }

  or(target: number, other: number, rows: number): void {
    this.#arena.exports.maskOr(addressOf(target), addressOf(other), rows);
  }

  andNot(target: number, other: number, rows: number): void {
    this.#arena.exports.maskAndNot(addressOf(target), addressOf(other), rows);
  }

  not(mask: number, rows: number): void {
    this.#arena.exports.maskNot(addressOf(mask), rows);
  }

  count(mask: number, rows: number): number {
    return this.#arena.exports.maskCount(addressOf(mask), rows);
  }

  /** Which ordinals are from `from` up to, without, `to`. Requires: from < to, and to - 1 has the width. */
  range(mask: number, { width, count, at }: TestedOrdinals, from: number, to: number): void {
    this.#arena.exports.maskRange(ORDINALS, width, count, from, to - from, addressOf(mask) + at / 8);
  }

  /** Which ordinals are in the set. Requires: at most `MASK_SET_SIZE` bits. */
  set(mask: number, { width, count, at }: TestedOrdinals, { base, size, bits }: OrdinalSet): void {
    assertInternal(size <= MASK_SET_SIZE, () => `a set of ${size} ordinals`);
    this.#arena.u8.set(bits, SET);
    this.#arena.exports.maskSet(ORDINALS, width, count, SET, base, size, addressOf(mask) + at / 8);
  }

  /**
   * Adds the `rows` of `starts`, of which the first has bit `at`, that have an entry of those set in mask `entries`, which are
   * `count` from number `base` on. Requires: `at` is a multiple of 64.
   */
  addOwners(
    mask: number,
    { at, rows }: { readonly at: number; readonly rows: number },
    entries: number,
    { base, count }: { readonly base: number; readonly count: number },
  ): void {
    this.#arena.exports.maskOwners(STARTS, rows, addressOf(entries), base, count, addressOf(mask) + at / 8);
  }

  /** Adds the rows listed in `ordinals` at the places set in `places`. False: one is none of `rows` from `first` on. */
  tryAddListed(
    mask: number,
    { places, count }: { readonly places: number; readonly count: number },
    { first, rows }: { readonly first: number; readonly rows: number },
  ): boolean {
    const { exports } = this.#arena;
    return exports.maskListed(ORDINALS, addressOf(places), count, first, rows, addressOf(mask)) < 0;
  }

  /** Copies the bytes of a mask to `at` in `target`. */
  read(mask: number, rows: number, target: Uint8Array, at: number): void {
    const from = addressOf(mask);
    target.set(this.#arena.u8.subarray(from, from + Math.ceil(rows / 8)), at);
  }
}

function addressOf(mask: number): number {
  assertInternal(mask < MASK_COUNT, () => `mask ${mask} of ${MASK_COUNT}`);
  return PAYLOAD_OFFSET + mask * MASK_BYTES;
}
