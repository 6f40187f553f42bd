/** Scalar twin of wasm/masks.ts, over arrays of ordinals instead of widths. Masks are bitmaps of ceil(count / 8) bytes. */
import { bitmapBytes, hasBit, setBit } from '../../base/bitmap.js';

function maskOf(count: number, test: (i: number) => boolean): Uint8Array {
  const out = new Uint8Array(bitmapBytes(count));
  for (let i = 0; i < count; i++) if (test(i)) setBit(out, i);
  return out;
}

export function maskRangeScalar(ordinals: ArrayLike<number>, from: number, span: number): Uint8Array {
  return maskOf(ordinals.length, (i) => ordinals[i]! >= from && ordinals[i]! < from + span);
}

/** `set`: a bitmap of `size` bits, of which the first stands for ordinal `base`. */
export function maskSetScalar(
  ordinals: ArrayLike<number>,
  set: Uint8Array,
  { base, size }: { readonly base: number; readonly size: number },
): Uint8Array {
  return maskOf(ordinals.length, (i) => {
    const at = ordinals[i]! - base;
    return at >= 0 && at < size && hasBit(set, at);
  });
}

/** `entries`: the mask of `count` entries from number `base` on. */
export function maskOwnersScalar(
  starts: ArrayLike<number>,
  entries: Uint8Array,
  { base, count }: { readonly base: number; readonly count: number },
): Uint8Array {
  return maskOf(starts.length - 1, (row) => {
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++)
      if (entry >= base && entry < base + count && hasBit(entries, entry - base)) return true;
    return false;
  });
}

/** Undefined where a listed row is none of the `rows` from `first` on. */
export function maskListedScalar(
  list: ArrayLike<number>,
  places: Uint8Array,
  { first, rows }: { readonly first: number; readonly rows: number },
): Uint8Array | undefined {
  const out = new Uint8Array(bitmapBytes(rows));
  for (let place = 0; place < list.length; place++) {
    if (!hasBit(places, place)) continue;
    const row = list[place]! - first;
    if (row < 0 || row >= rows) return undefined;
    setBit(out, row);
  }
  return out;
}

export function maskAndScalar(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte & b[i]!);
}

export function maskOrScalar(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte | b[i]!);
}

export function maskAndNotScalar(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte & ~b[i]!);
}

export function maskNotScalar(a: Uint8Array, count: number): Uint8Array {
  return maskOf(count, (i) => !hasBit(a, i));
}

export function maskCountScalar(a: Uint8Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) if (hasBit(a, i)) sum++;
  return sum;
}
