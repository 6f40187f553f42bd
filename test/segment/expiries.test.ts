/** The list of rows that expire: what was encoded comes back by time, and what no writer makes is corrupt. */
import { describe, expect, test } from 'vitest';
import { corrupt } from '../../core/base/errors.js';
import { decodeExpiries, encodeExpiries } from '../../core/segment/expiries.js';

const decode = (bytes: Uint8Array, rows: number): ReturnType<typeof decodeExpiries> =>
  decodeExpiries(bytes, rows, (offset, expected, found) => corrupt({ key: 'k', offset, expected, found }));

function listOf(ms: readonly number[], rows: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(12 * ms.length);
  new Float64Array(bytes.buffer, 0, ms.length).set(ms);
  new Uint32Array(bytes.buffer, 8 * ms.length).set(rows);
  return bytes;
}

describe('expiries', () => {
  test('come back in the order of time', () => {
    const encoded = encodeExpiries({ rows: Uint32Array.of(0, 1, 4), ms: Float64Array.of(30, 10, 20) }, 5);
    const { rows, ms } = decode(encoded, 5);
    expect([[...ms], [...rows]]).toEqual([
      [10, 20, 30],
      [1, 4, 0],
    ]);
  });

  test.each([
    ['times out of order', [2, 1], [0, 1]],
    ['no number', [Number.NaN, 1], [0, 1]],
    ['a time without end', [1, Infinity], [0, 1]],
    ['a time that no date is', [1, 8.65e15], [0, 1]],
    ['a row twice', [1, 2], [1, 1]],
    ['a row past the end', [1, 2], [0, 2]],
  ])('are corrupt with %s', (_, ms, rows) => {
    expect(() => decode(listOf(ms, rows), 2)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([1, 11, 13, 36])('are corrupt in %i bytes', (length) => {
    expect(() => decode(new Uint8Array(length), 2)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
