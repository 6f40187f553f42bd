/** Strategy: bits counted one by one against the count by words, for every length and place of a view in its buffer. */
import { expect, test } from 'vitest';
import { countBits, hasBit, rowsOfBitmap, sliceBits } from '../../core/base/bitmap.js';
import { numberSource } from '../kernel/number-source.js';

const next = numberSource(3);
const buffer = Uint8Array.from({ length: 96 }, () => Math.floor((next() + 1) * 128)).buffer;

test.each([0, 1, 2, 3, 4, 7])('bits of any number of bytes, %i into a buffer', (offset) => {
  for (let length = 0; length <= 70; length++) {
    const bits = new Uint8Array(buffer, offset, length);
    const rows = Array.from({ length: 8 * length }, (_, row) => row).filter((row) => hasBit(bits, row));
    expect(countBits(bits)).toBe(rows.length);
    expect([...rowsOfBitmap(bits, 8 * length)]).toEqual(rows);
    const part = rows.filter((row) => row >= 3 && row < 3 + 4 * length).map((row) => row - 3);
    if (length > 1) expect([...rowsOfBitmap(sliceBits(bits, 3, 4 * length), 4 * length)]).toEqual(part);
  }
});

test('all bits of a word', () => {
  expect(countBits(new Uint8Array(12).fill(0xff))).toBe(96);
  expect(countBits(Uint8Array.of(0, 0, 0, 0x80, 1))).toBe(2);
});
