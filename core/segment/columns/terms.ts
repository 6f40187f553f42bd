/**
 * Terms: the distinct values of a column, numbered from 1 in their order. What is no scalar and has no scalar in it (an
 * object, an empty array) is a term too, so that a row has a term of a path exactly where the path is there.
 *
 *   1 other · 2 null · 3 false · 4 true      each there or not
 *   5 numbers                                ascending; -0 is 0
 *   6 instants                               strings that are instants, by time, then by their bytes
 *   7 texts                                  other strings by their UTF-8 bytes
 *   8 opaque                                 all strings without a UTF-8 form (lone surrogates), as one term
 *
 * A text of more than 40 bytes is cut to its first 24 and a hash of the whole. It stands where its 24 bytes would, behind
 * a text that is just these, and among those with the same bytes by the hash. So an order or a prefix that the 24 bytes
 * decide is sure, and anything else of it only the document tells.
 */
import { hashId } from '../id-hash.js';

export const TERM_BYTES_MAX = 40;
export const CUT_BYTES = 24;
export const HASH_BYTES = 8;

/** Bits of `singles`: the terms of which there is one or none, in their order. */
export const OTHER = 1;
export const NULL = 2;
export const FALSE = 4;
export const TRUE = 8;
export const OPAQUE = 16;
export const SINGLES: readonly number[] = [OTHER, NULL, FALSE, TRUE, OPAQUE];

export interface TermCounts {
  readonly singles: number;
  readonly numbers: number;
  readonly instants: number;
  readonly texts: number;
}

/** Which ordinals the terms of each class have. */
export class TermOrder {
  readonly terms: number;
  readonly numbersFrom: number;
  readonly instantsFrom: number;
  readonly textsFrom: number;
  readonly #singles: number;

  constructor({ singles, numbers, instants, texts }: TermCounts) {
    this.#singles = singles;
    this.numbersFrom = 1 + bitsOf(singles & (OTHER | NULL | FALSE | TRUE));
    this.instantsFrom = this.numbersFrom + numbers;
    this.textsFrom = this.instantsFrom + instants;
    this.terms = this.textsFrom + texts - 1 + ((singles & OPAQUE) === 0 ? 0 : 1);
  }

  /** 0 where there is no such term. */
  ordinalOf(single: number): number {
    if ((this.#singles & single) === 0) return 0;
    return single === OPAQUE ? this.terms : 1 + bitsOf(this.#singles & (single - 1));
  }
}

/** Of at most 8. */
function bitsOf(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The number of bytes of an ordinal. */
export function ordinalWidth(terms: number): 1 | 2 | 4 {
  if (terms <= 0xff) return 1;
  return terms <= 0xffff ? 2 : 4;
}

/** UTF-8 bytes of a text, -1 where it has no such form. */
export function tryUtf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit >= 0xe000) bytes += 2;
    else {
      const next = unit < 0xdc00 ? text.charCodeAt(i + 1) : 0;
      if (!(next >= 0xdc00 && next < 0xe000)) return -1;
      // Two units, four bytes.
      bytes += 2;
      i++;
    }
  }
  return bytes;
}

/** A character for each of a few bytes: an order of such texts is one of bytes. */
export function latinOf(bytes: Uint8Array): string {
  // oxlint-disable-next-line prefer-spread -- twice as fast
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Of a whole text, as its term keeps it. */
export function termHash(bytes: Uint8Array): Uint8Array {
  const words = new Uint32Array(2);
  hashId(bytes, words, 0);
  return new Uint8Array(words.buffer);
}
