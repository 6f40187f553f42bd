/**
 * Masks of rows: bitmaps, least significant bit first, made by tests of ordinals and joined with each other.
 *
 * A mask of n bits has room for n rounded up to 128, and its bits from n up to the next multiple of 64 are 0. What is
 * tested is readable in whole groups of 64 ordinals; what lies behind the last one does not matter. Pointers need no
 * alignment.
 */

// @ts-ignore: decorator
@inline
function putWord(out: usize, first: u32, count: u32, word: u64): void {
  const rest = count - first;
  store<u64>(out + (first >> 3), rest < 64 ? word & (((<u64>1) << rest) - 1) : word);
}

// @ts-ignore: decorator
@inline
function within8(at: usize, low: v128, last: v128): u64 {
  return <u64>i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(at), low), last));
}

// @ts-ignore: decorator
@inline
function within16(at: usize, low: v128, last: v128): u64 {
  const a = i16x8.le_u(i16x8.sub(v128.load(at), low), last);
  const b = i16x8.le_u(i16x8.sub(v128.load(at, 16), low), last);
  return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(a, b));
}

// @ts-ignore: decorator
@inline
function within32(at: usize, low: v128, last: v128): u64 {
  const a = i32x4.le_u(i32x4.sub(v128.load(at), low), last);
  const b = i32x4.le_u(i32x4.sub(v128.load(at, 16), low), last);
  const c = i32x4.le_u(i32x4.sub(v128.load(at, 32), low), last);
  const d = i32x4.le_u(i32x4.sub(v128.load(at, 48), low), last);
  return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** The ordinals of 1, 2 or 4 bytes from `from` up to `from + span - 1`. Requires: span > 0; the last one has the width. */
export function maskRange(ordinals: usize, width: u32, count: u32, from: u32, span: u32, out: usize): void {
  if (width == 1) {
    const low = i8x16.splat(<i8>from);
    const last = i8x16.splat(<i8>(span - 1));
    for (let i: u32 = 0; i < count; i += 64) {
      const at = ordinals + <usize>i;
      const a = within8(at, low, last) | (within8(at + 16, low, last) << 16);
      putWord(out, i, count, a | (within8(at + 32, low, last) << 32) | (within8(at + 48, low, last) << 48));
    }
  } else if (width == 2) {
    const low = i16x8.splat(<i16>from);
    const last = i16x8.splat(<i16>(span - 1));
    for (let i: u32 = 0; i < count; i += 64) {
      const at = ordinals + (<usize>i << 1);
      const a = within16(at, low, last) | (within16(at + 32, low, last) << 16);
      putWord(out, i, count, a | (within16(at + 64, low, last) << 32) | (within16(at + 96, low, last) << 48));
    }
  } else {
    const low = i32x4.splat(<i32>from);
    const last = i32x4.splat(<i32>(span - 1));
    for (let i: u32 = 0; i < count; i += 64) {
      const at = ordinals + (<usize>i << 2);
      const a = within32(at, low, last) | (within32(at + 64, low, last) << 16);
      putWord(out, i, count, a | (within32(at + 128, low, last) << 32) | (within32(at + 192, low, last) << 48));
    }
  }
}

/** A byte of a set of 256: which bit of it each ordinal is, by two look-ups of 16 bytes. */
// @ts-ignore: decorator
@inline
function among8(at: usize, low: v128, high: v128, bits: v128): u64 {
  const ordinals = v128.load(at);
  const byte = i8x16.shr_u(ordinals, 3);
  // A look-up beyond 15 gives 0, so that each half of the set answers for its own ordinals.
  const held = v128.or(i8x16.swizzle(low, byte), i8x16.swizzle(high, i8x16.sub(byte, i8x16.splat(16))));
  const bit = i8x16.swizzle(bits, v128.and(ordinals, i8x16.splat(7)));
  return <u64>i8x16.bitmask(i8x16.eq(v128.and(held, bit), bit));
}

function maskSet8(ordinals: usize, count: u32, set: usize, out: usize): void {
  const low = v128.load(set);
  const high = v128.load(set, 16);
  const bits = i64x2.splat(0x8040201008040201);
  for (let i: u32 = 0; i < count; i += 64) {
    const at = ordinals + <usize>i;
    const a = among8(at, low, high, bits) | (among8(at + 16, low, high, bits) << 16);
    putWord(out, i, count, a | (among8(at + 32, low, high, bits) << 32) | (among8(at + 48, low, high, bits) << 48));
  }
}

// @ts-ignore: decorator
@inline
function among(set: usize, at: u32, size: u32): u64 {
  return at < size ? <u64>((<u32>load<u8>(set + (at >> 3)) >> (at & 7)) & 1) : 0;
}

/**
 * The ordinals whose bit is set in a bitmap of `size` bits, of which the first stands for ordinal `base`. Of a width of
 * 1 the bitmap is of all 256 from 0.
 */
export function maskSet(
  ordinals: usize,
  width: u32,
  count: u32,
  set: usize,
  base: u32,
  size: u32,
  out: usize,
): void {
  if (width == 1) {
    maskSet8(ordinals, count, set, out);
    return;
  }
  for (let i: u32 = 0; i < count; i += 64) {
    const end = min(count - i, 64);
    let word: u64 = 0;
    if (width == 2) {
      const at = ordinals + (<usize>i << 1);
      for (let k: u32 = 0; k < end; k++) word |= among(set, <u32>load<u16>(at + (<usize>k << 1)) - base, size) << k;
    } else {
      const at = ordinals + (<usize>i << 2);
      for (let k: u32 = 0; k < end; k++) word |= among(set, load<u32>(at + (<usize>k << 2)) - base, size) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

// @ts-ignore: decorator
@inline
function setBit(mask: usize, bit: u32): void {
  const at = mask + (bit >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) | ((<u32>1) << (bit & 7))));
}

/**
 * Adds the rows of which some entry is set. Row r has the entries from starts[r] (u32) up to starts[r + 1]; `entries` is
 * the mask of `count` of them, the first of which is number `base`.
 */
export function maskOwners(starts: usize, rows: u32, entries: usize, base: u32, count: u32, out: usize): void {
  let row: u32 = 0;
  for (let i: u32 = 0; i < count; i += 64) {
    let word = load<u64>(entries + (i >> 3));
    while (word != 0) {
      const entry = base + i + <u32>ctz(word);
      word &= word - 1;
      while (row < rows && load<u32>(starts + (<usize>row << 2), 4) <= entry) row++;
      if (row == rows) return;
      setBit(out, row);
    }
  }
}

/**
 * Adds the rows that are listed (u32) at the set places of a mask. Answers -1, or the place whose row is not one of the
 * `rows` from `first` on: then nothing behind it is added.
 */
export function maskListed(list: usize, places: usize, count: u32, first: u32, rows: u32, out: usize): i32 {
  for (let i: u32 = 0; i < count; i += 64) {
    let word = load<u64>(places + (i >> 3));
    while (word != 0) {
      const place = i + <u32>ctz(word);
      word &= word - 1;
      const row = load<u32>(list + (<usize>place << 2)) - first;
      if (row >= rows) return <i32>place;
      setBit(out, row);
    }
  }
  return -1;
}

export function maskAnd(target: usize, other: usize, count: u32): void {
  for (let at: usize = 0; at < <usize>count; at += 128, target += 16, other += 16) {
    v128.store(target, v128.and(v128.load(target), v128.load(other)));
  }
}

export function maskOr(target: usize, other: usize, count: u32): void {
  for (let at: usize = 0; at < <usize>count; at += 128, target += 16, other += 16) {
    v128.store(target, v128.or(v128.load(target), v128.load(other)));
  }
}

export function maskAndNot(target: usize, other: usize, count: u32): void {
  for (let at: usize = 0; at < <usize>count; at += 128, target += 16, other += 16) {
    v128.store(target, v128.andnot(v128.load(target), v128.load(other)));
  }
}

export function maskNot(target: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 64) putWord(target, i, count, ~load<u64>(target + (i >> 3)));
}

/** How many bits are set. */
export function maskCount(mask: usize, count: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i += 64) sum += <u32>popcnt(load<u64>(mask + (i >> 3)));
  return sum;
}
