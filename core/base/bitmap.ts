/**
 * Bitmaps over rows, least significant bit first, as the kernels read them. Bits behind the last row are 0.
 */

export function bitmapBytes(rows: number): number {
  return Math.ceil(rows / 8);
}

/** Of one that a kernel reads in whole words of 64 bits. */
export function wordBitmapBytes(rows: number): number {
  return Math.ceil(rows / 64) * 8;
}

/** Every row set. */
export function fullBitmap(rows: number): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(rows)).fill(0xff);
  if (rows % 8 !== 0) bits[bits.length - 1] = (1 << (rows % 8)) - 1;
  return bits;
}

export function hasBit(bits: Uint8Array, row: number): boolean {
  return (bits[row >> 3]! & (1 << (row & 7))) !== 0;
}

export function setBit(bits: Uint8Array, row: number): void {
  bits[row >> 3]! |= 1 << (row & 7);
}

export function clearBit(bits: Uint8Array, row: number): void {
  bits[row >> 3]! &= ~(1 << (row & 7));
}

export function countBits(bits: Uint8Array): number {
  // By words, where the bytes lie so: eight times as fast.
  const words = bits.byteOffset % 4 === 0 ? bits.length >> 2 : 0;
  let count = 0;
  if (words > 0) {
    for (const word of new Uint32Array(bits.buffer, bits.byteOffset, words)) count += countWord(word);
  }
  for (let i = 4 * words; i < bits.length; i++) count += countWord(bits[i]!);
  return count;
}

function countWord(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** `count` bits from `first` on as a bitmap of their own. */
export function sliceBits(bits: Uint8Array, first: number, count: number): Uint8Array {
  const out = new Uint8Array(bitmapBytes(count));
  const shift = first & 7;
  const start = first >> 3;
  for (let i = 0; i < out.length; i++) {
    out[i] = (bits[start + i]! >> shift) | (shift === 0 ? 0 : (bits[start + i + 1] ?? 0) << (8 - shift));
  }
  if (count % 8 !== 0 && out.length > 0) out[out.length - 1]! &= (1 << (count % 8)) - 1;
  return out;
}

/** The rows whose bits are set, ascending. Undefined stands for every one of `rows`. */
export function rowsOfBitmap(bits: Uint8Array | undefined, rows: number): Uint32Array<ArrayBuffer> {
  if (bits === undefined) return Uint32Array.from({ length: rows }, (_, row) => row);
  const out = new Uint32Array(countBits(bits));
  let at = 0;
  for (let i = 0; i < bits.length; i++) {
    for (let byte = bits[i]!; byte !== 0; byte &= byte - 1) {
      out[at++] = i * 8 + (31 - Math.clz32(byte & -byte));
    }
  }
  return out;
}
