/**
 * Small whole numbers of Parquet, levels and indexes into dictionaries: runs of one number, and numbers packed by bits.
 *
 *   runs = { varint of 2n, one number in whole bytes: n times | varint of 2n + 1, 8n numbers of `width` bits }
 *
 * A run that says more than is wanted is cut off: nothing is ever done by the length of a run alone.
 */

export interface WantedRuns {
  /** Bits of a number, 0 to 32. */
  readonly width: number;
  readonly count: number;
}

/** Undefined where the bytes end before, or are none. */
export function tryReadRuns(bytes: Uint8Array, { width, count }: WantedRuns): Uint32Array | undefined {
  if (width > 32) return undefined;
  const out = new Uint32Array(count);
  if (width === 0) return out;
  let at = 0;
  let done = 0;
  while (done < count) {
    let header = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 28) return undefined;
      header += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
    }
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      const size = Math.ceil(width / 8);
      if (at + size > bytes.length) return undefined;
      const end = Math.min(count, done + length);
      out.fill(numberAt(bytes, { at, size }), done, end);
      at += size;
      done = end;
    } else {
      const wanted = Math.min(count - done, 8 * length);
      if (8 * (bytes.length - at) < wanted * width) return undefined;
      unpack(bytes.subarray(at), width, out.subarray(done, done + wanted));
      done += wanted;
      at += length * width;
    }
  }
  return out;
}

function numberAt(bytes: Uint8Array, { at, size }: { readonly at: number; readonly size: number }): number {
  let number = 0;
  for (let i = size - 1; i >= 0; i--) number = number * 256 + bytes[at + i]!;
  return number;
}

function unpack(bytes: Uint8Array, width: number, out: Uint32Array): void {
  let bit = 0;
  for (let i = 0; i < out.length; i++) {
    let number = 0;
    for (let taken = 0; taken < width;) {
      const here = Math.min(width - taken, 8 - (bit & 7));
      const part = (bytes[bit >> 3]! >> (bit & 7)) & ((1 << here) - 1);
      number += part * 2 ** taken;
      taken += here;
      bit += here;
    }
    out[i] = number;
  }
}
