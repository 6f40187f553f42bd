/**
 * What became of a segment's rows since it was made: an object of its own, replaced by a newer one.
 *
 *   body      := u32 rows, u32 deadRows, u32 hiddenRows, u32 zero                                         16 bytes
 *                u8  dead[ceil(rows / 8)]        bit r % 8 of byte r / 8 is row r; zeros to a multiple of 8
 *                u8  hidden[ceil(rows / 8)]      the same; no row is both
 *                f64 hiddenSeq[hiddenRows]       in row order: the commit that hid the row
 *                f64 hiddenMs[hiddenRows]        and its label, from which the days of a soft delete count
 *
 * Dead rows are gone and are dropped at a merge. Hidden rows are soft-deleted: kept, and shown on demand.
 */
import { alignUp } from '../base/bytes.js';
import { assertInternal, corrupt } from '../base/errors.js';
import type { Digests } from '../base/ports.js';
import { newObject, objectBytes, openSealed, seal } from '../base/sealed-object.js';

export interface Deletions {
  /** Of the segment. */
  readonly rows: number;
  /** Bitmaps of ceil(rows / 8) bytes. */
  readonly dead: Uint8Array;
  readonly hidden: Uint8Array;
  /** The rows of `hidden`, ascending; the next two are in their order. */
  readonly hiddenRows: Uint32Array;
  readonly hiddenSeqs: Float64Array;
  readonly hiddenMs: Float64Array;
}

const HEADER_BYTES = 16;
/** Of the envelope: where a body begins in its object. */
const BODY_OFFSET = 64;

/** Of the object of deletions, by the rows of the segment and those that are hidden. */
export function deletionsBytes(rows: number, hiddenRows: number): number {
  return objectBytes(HEADER_BYTES + 2 * alignUp(Math.ceil(rows / 8), 8) + 16 * hiddenRows);
}

/** Requires: the parts agree with each other, as the interface says. */
export function encodeDeletions(
  digests: Digests,
  key: string,
  deletions: Deletions,
): Uint8Array<ArrayBuffer> {
  const { rows, dead, hidden, hiddenRows, hiddenSeqs, hiddenMs } = deletions;
  const bitmapBytes = Math.ceil(rows / 8);
  assertInternal(
    dead.length === bitmapBytes && hidden.length === bitmapBytes,
    `bitmaps of ${dead.length} and ${hidden.length} bytes for ${rows} rows`,
  );
  const problem = problemOf(rows, dead, hidden);
  assertInternal(problem === undefined, `deletions: ${problem}`);
  const listed = rowsOf(hidden);
  assertInternal(
    listed.length === hiddenRows.length && listed.every((row, i) => row === hiddenRows[i]),
    'hidden rows are not those of their bitmap',
  );
  assertInternal(
    hiddenSeqs.length === listed.length && hiddenMs.length === listed.length,
    `${listed.length} hidden rows have ${hiddenSeqs.length} sequences and ${hiddenMs.length} times`,
  );
  assertInternal(
    hiddenSeqs.every((seq) => Number.isSafeInteger(seq) && seq >= 0) && hiddenMs.every(Number.isFinite),
    'a hidden row without sequence or time',
  );
  const padded = alignUp(bitmapBytes, 8);
  const seqs = HEADER_BYTES + 2 * padded;
  const object = newObject(seqs + 16 * listed.length);
  const { body } = object;
  new Uint32Array(body.buffer, body.byteOffset, 3).set([rows, bitsIn(dead), listed.length]);
  body.set(dead, HEADER_BYTES);
  body.set(hidden, HEADER_BYTES + padded);
  new Float64Array(body.buffer, body.byteOffset + seqs, listed.length).set(hiddenSeqs);
  new Float64Array(body.buffer, body.byteOffset + seqs + 8 * listed.length, listed.length).set(hiddenMs);
  return seal(digests, { kind: 'DEL', key }, object);
}

/** Checks every byte; `rows` is what the segment has. Views of `bytes` where those are aligned. Throws `corrupt`. */
export function openDeletions(digests: Digests, key: string, bytes: Uint8Array, rows: number): Deletions {
  const sealed = openSealed(digests, { kind: 'DEL', key }, bytes);
  const must = (condition: boolean, at: number, expected: string, found: number | string): void => {
    if (!condition) throw corrupt({ key, offset: BODY_OFFSET + at, expected, found: String(found) });
  };
  must(sealed.length >= HEADER_BYTES, 0, 'deletions', `${sealed.length} bytes`);
  const body = sealed.byteOffset % 8 === 0 ? sealed : sealed.slice();
  const header = new Uint32Array(body.buffer, body.byteOffset, 4);
  must(header[0] === rows, 0, `${rows} rows`, header[0]!);
  const bitmapBytes = Math.ceil(rows / 8);
  const padded = alignUp(bitmapBytes, 8);
  const count = header[2]!;
  const seqs = HEADER_BYTES + 2 * padded;
  must(body.length === seqs + 16 * count, 8, `${seqs + 16 * count} bytes of deletions`, body.length);
  must(header[3] === 0, 12, 'zero', header[3]!);
  const dead = body.subarray(HEADER_BYTES, HEADER_BYTES + bitmapBytes);
  const hidden = body.subarray(HEADER_BYTES + padded, HEADER_BYTES + padded + bitmapBytes);
  const problem = problemOf(rows, dead, hidden);
  must(problem === undefined, HEADER_BYTES, 'bitmaps of its rows', problem ?? '');
  must(bitsIn(dead) === header[1], 4, `${bitsIn(dead)} dead rows as the bitmap says`, header[1]!);
  must(bitsIn(hidden) === count, 8, `${bitsIn(hidden)} hidden rows as the bitmap says`, count);
  const hiddenSeqs = new Float64Array(body.buffer, body.byteOffset + seqs, count);
  const hiddenMs = new Float64Array(body.buffer, body.byteOffset + seqs + 8 * count, count);
  for (let i = 0; i < count; i++) {
    const seq = hiddenSeqs[i]!;
    must(Number.isSafeInteger(seq) && seq >= 0, seqs + 8 * i, 'a sequence', seq);
    must(Number.isFinite(hiddenMs[i]), seqs + 8 * (count + i), 'a time', hiddenMs[i]!);
  }
  return { rows, dead, hidden, hiddenRows: rowsOf(hidden), hiddenSeqs, hiddenMs };
}

function problemOf(rows: number, dead: Uint8Array, hidden: Uint8Array): string | undefined {
  const past = rows % 8 === 0 ? 0 : 0xff << (rows % 8);
  if ((((dead.at(-1) ?? 0) | (hidden.at(-1) ?? 0)) & past & 0xff) !== 0) return `a bit past row ${rows - 1}`;
  const both = dead.findIndex((byte, i) => (byte & hidden[i]!) !== 0);
  return both < 0 ? undefined : `a row near ${8 * both} that is dead and hidden`;
}

function bitsIn(bitmap: Uint8Array): number {
  let bits = 0;
  for (const byte of bitmap) for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}

function rowsOf(bitmap: Uint8Array): Uint32Array {
  const rows = new Uint32Array(bitsIn(bitmap));
  let found = 0;
  bitmap.forEach((byte, i) => {
    for (let rest = byte; rest !== 0; rest &= rest - 1)
      rows[found++] = 8 * i + (31 - Math.clz32(rest & -rest));
  });
  return rows;
}
