/**
 * Which rows of a segment expire, and when. Most segments have none, and where rows do expire a view wants them by time.
 *
 *   expiries := f64 ms[count]       milliseconds since 1970, ascending
 *               u32 row[count]      each once
 */
import { isDateMs } from '../base/dates.js';
import { assertInternal } from '../base/errors.js';
import type { Wrong } from './id-blocks.js';

export interface Expiries {
  readonly rows: Uint32Array;
  /** Of the same places, ascending where they were read. */
  readonly ms: Float64Array;
}

export const NO_EXPIRIES: Expiries = { rows: new Uint32Array(), ms: new Float64Array() };

const BYTES = 12;

export function encodeExpiries({ rows, ms }: Expiries, rowCount: number): Uint8Array<ArrayBuffer> {
  const count = rows.length;
  assertInternal(ms.length === count, `${count} rows with ${ms.length} times`);
  const order = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => ms[a]! - ms[b]! || rows[a]! - rows[b]!,
  );
  const bytes = new Uint8Array(count * BYTES);
  new Float64Array(bytes.buffer, 0, count).set(order.map((i) => ms[i]!));
  new Uint32Array(bytes.buffer, count * 8, count).set(order.map((i) => rows[i]!));
  const fits = rows.every((row) => row < rowCount) && ms.every(isDateMs);
  assertInternal(fits && new Set(rows).size === count, `expiries of ${count} rows of ${rowCount}`);
  return bytes;
}

/** Views of `bytes`. Requires: those lie at a multiple of 8. */
export function decodeExpiries(bytes: Uint8Array, rowCount: number, wrong: Wrong): Expiries {
  const count = bytes.length / BYTES;
  if (!Number.isInteger(count) || count > rowCount)
    throw wrong(0, `expiries of ${rowCount} rows`, `${bytes.length} bytes`);
  const ms = new Float64Array(bytes.buffer, bytes.byteOffset, count);
  const rows = new Uint32Array(bytes.buffer, bytes.byteOffset + count * 8, count);
  const seen = new Uint8Array(Math.ceil(rowCount / 8));
  for (let i = 0; i < count; i++) {
    const time = ms[i]!;
    if (!(isDateMs(time) && (i === 0 || time >= ms[i - 1]!)))
      throw wrong(i * 8, 'dates in ascending order', `${time}`);
    const row = rows[i]!;
    const bit = 1 << (row & 7);
    if (row >= rowCount || (seen[row >> 3]! & bit) !== 0)
      throw wrong(count * 8 + i * 4, `a row of ${rowCount}, once`, `${row}`);
    seen[row >> 3]! |= bit;
  }
  return { rows, ms };
}
