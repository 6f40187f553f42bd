/**
 * The values of one path as they come, row by row: each as the number that its term had when it was first seen. Takes
 * two to four bytes per value, and each distinct value once.
 */
import { GrowingBytes } from './growing-bytes.js';
import {
  CUT_BYTES,
  FALSE,
  latinOf,
  NULL,
  OPAQUE,
  TERM_BYTES_MAX,
  TRUE,
  termHash,
  tryUtf8Length,
} from './terms.js';

/** About what a map takes for an entry besides the bytes of its key. */
const TERM_BYTES = 64;
const encoder = new TextEncoder();

export type StreamScalar = string | number | boolean | null;

/** Hands the values of a stream out again. */
export interface StreamEntry {
  row: number;
  /** Of the term, in the order of first appearance. */
  id: number;
}

export class ColumnStream {
  /** Rows with a value, and values; of a row each value counts once. */
  rows = 0;
  entries = 0;
  terms = 0;
  /** Ids of terms. A cut text by its 24 bytes and 8 of its hash, one character each. */
  readonly singles: Map<number, number> = new Map();
  readonly numbers: Map<number, number> = new Map();
  readonly texts: Map<string, number> = new Map();
  readonly cuts: Map<string, number> = new Map();
  readonly #values = new GrowingBytes(64);
  #termBytes = 0;
  #lastRow = -1;
  #lastId = -1;
  /** Ids of a row with more than one. */
  readonly #inRow = new Set<number>();

  /** Of memory, about. */
  get bytes(): number {
    return this.#values.room + this.#termBytes;
  }

  /** Whether the last value is of this row. */
  endsAt(row: number): boolean {
    return row === this.#lastRow;
  }

  addSingle(row: number, single: number): void {
    this.#add(row, this.singles.get(single) ?? this.#newTerm(this.singles, single, 0));
  }

  add(row: number, value: StreamScalar): void {
    if (typeof value === 'string') this.#addText(row, value);
    else if (typeof value === 'number')
      this.#add(row, this.numbers.get(value) ?? this.#newTerm(this.numbers, value, 0));
    else this.addSingle(row, value === null ? NULL : value ? TRUE : FALSE);
  }

  /** In the order in which they came. The entry is the same one each time. */
  *values(): Generator<StreamEntry> {
    const { bytes } = this.#values;
    const entry = { row: -1, id: 0 };
    let at = 0;
    const varint = (): number => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++]!;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value >>> 0;
      }
    };
    while (at < bytes.length) {
      entry.row += varint();
      entry.id = varint();
      yield entry;
    }
  }

  #addText(row: number, text: string): void {
    if (text.length <= TERM_BYTES_MAX) {
      const known = this.texts.get(text);
      if (known !== undefined) {
        this.#add(row, known);
        return;
      }
    }
    const bytes = tryEncode(text);
    if (bytes === undefined) this.addSingle(row, OPAQUE);
    else if (bytes.length <= TERM_BYTES_MAX) this.#add(row, this.#newTerm(this.texts, text, text.length));
    else {
      const key = cutKey(bytes);
      this.#add(row, this.cuts.get(key) ?? this.#newTerm(this.cuts, key, key.length));
    }
  }

  #newTerm<K>(ids: Map<K, number>, key: K, bytes: number): number {
    ids.set(key, this.terms);
    this.#termBytes += TERM_BYTES + 2 * bytes;
    return this.terms++;
  }

  #add(row: number, id: number): void {
    if (row !== this.#lastRow) {
      this.rows++;
      if (this.#inRow.size > 0) this.#inRow.clear();
    } else {
      if (id === this.#lastId || this.#inRow.has(id)) return;
      this.#inRow.add(this.#lastId).add(id);
    }
    this.#values.varint(row - this.#lastRow);
    this.#values.varint(id);
    this.entries++;
    this.#lastRow = row;
    this.#lastId = id;
  }
}

let room = new Uint8Array(4_096);

/** Good until the next call. Undefined where the text has no UTF-8 form. */
function tryEncode(text: string): Uint8Array | undefined {
  if (text.length * 3 > room.length) room = new Uint8Array(text.length * 6);
  const { written } = encoder.encodeInto(text, room);
  // As many bytes as units: all of it is ASCII.
  if (written !== text.length && tryUtf8Length(text) < 0) return undefined;
  return room.subarray(0, written);
}

function cutKey(bytes: Uint8Array): string {
  const head = latinOf(bytes.subarray(0, CUT_BYTES));
  return head + latinOf(termHash(bytes));
}
