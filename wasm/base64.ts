/**
 * Base64 of RFC 4648, standard alphabet, strict: no white space, no foreign byte, and no bits set in the part of the
 * last sextet that is thrown away (so that one sequence of bytes has one spelling). Padding may be there or not.
 *
 * 32 characters at a time by Mula's nibble look-ups: two tables whose entries have a bit in common exactly for bytes
 * outside the alphabet, a third with the distance from character to sextet.
 */
import { lookUp } from './relaxed';

// @ts-ignore: decorator
@inline
function sextet(char: u32): u32 {
  if (char - 0x41 < 26) return char - 0x41;
  if (char - 0x61 < 26) return char - 0x61 + 26;
  if (char - 0x30 < 10) return char - 0x30 + 52;
  if (char == 0x2b) return 62;
  if (char == 0x2f) return 63;
  return 0xff;
}

/**
 * Decodes whole blocks of 32 characters and returns how many characters that were. Stops before a block with a foreign
 * character, and early enough that the 4 bytes stored too many lie where the next characters' bytes will be.
 */
function decodeBlocks(source: usize, length: u32, target: usize): u32 {
  // Zero, since no text is that long, but V8 cannot know: else it makes every constant anew for every use.
  const zero = i32x4.splat(length >> 31);
  const lowClass = v128.or(
    zero,
    i8x16(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a),
  );
  const highClass = v128.or(
    zero,
    i8x16(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10),
  );
  const shift = v128.or(zero, i8x16(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
  const order = v128.or(zero, i8x16(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  const nibble = v128.or(zero, i8x16.splat(0x0f));
  const slash = v128.or(zero, i8x16.splat(0x2f));
  const evenSextets = v128.or(zero, i16x8.splat(0x3f));
  const evenPairs = v128.or(zero, i32x4.splat(0xfff));
  let done: u32 = 0;
  while (done + 40 <= length) {
    const a = v128.load(source + done);
    const b = v128.load(source + done, 16);
    const aHigh = i8x16.shr_u(a, 4);
    const bHigh = i8x16.shr_u(b, 4);
    const aForeign = v128.and(
      lookUp(lowClass, v128.and(a, nibble)),
      lookUp(highClass, aHigh),
    );
    const bForeign = v128.and(
      lookUp(lowClass, v128.and(b, nibble)),
      lookUp(highClass, bHigh),
    );
    if (v128.any_true(v128.or(aForeign, bForeign))) break;
    const aSextets = i8x16.add(a, lookUp(shift, i8x16.add(aHigh, i8x16.eq(a, slash))));
    const bSextets = i8x16.add(b, lookUp(shift, i8x16.add(bHigh, i8x16.eq(b, slash))));
    v128.store(target, lookUp(join(aSextets, evenSextets, evenPairs), order));
    v128.store(target, lookUp(join(bSextets, evenSextets, evenPairs), order), 12);
    target += 24;
    done += 32;
  }
  return done;
}

/** 00aaaaaa 00bbbbbb -> aaaaaabbbbbb in 16 bits, then two of those -> 24 bits in 32. */
// @ts-ignore: decorator
@inline
function join(sextets: v128, evenSextets: v128, evenPairs: v128): v128 {
  const pairs = v128.or(i16x8.shl(v128.and(sextets, evenSextets), 6), i16x8.shr_u(sextets, 8));
  return v128.or(i32x4.shl(v128.and(pairs, evenPairs), 12), i32x4.shr_u(pairs, 16));
}

/**
 * Decodes `length` characters at `source` to `target` and returns the number of bytes, or -1 - (offset of the first
 * byte that is refused). `last` = 0 says that more follows: then there is no padding and `length` must be a multiple
 * of 4. Requires: `target` does not overlap `source`. A last quartet with one character is refused at that character.
 */
export function base64Decode(source: usize, length: u32, target: usize, last: u32): i32 {
  let end = source + <usize>length;
  if (last != 0 && length != 0 && (length & 3) == 0 && load<u8>(end - 1) == 0x3d) {
    end -= load<u8>(end - 2) == 0x3d ? 2 : 1;
  }
  const blocks = decodeBlocks(source, <u32>(end - source), target);
  let at = source + <usize>blocks;
  let out = target + <usize>((blocks >> 2) * 3);
  let bits: u32 = 0;
  let held: u32 = 0;
  for (; at < end; at++) {
    const value = sextet(<u32>load<u8>(at));
    if (value == 0xff) return -1 - <i32>(at - source);
    bits = (bits << 6) | value;
    if (++held == 4) {
      store<u8>(out, bits >> 16);
      store<u8>(out, bits >> 8, 1);
      store<u8>(out, bits, 2);
      out += 3;
      bits = 0;
      held = 0;
    }
  }
  if (held == 0) return <i32>(out - target);
  const lastOffset = <i32>(end - source) - 1;
  if (held == 1 || last == 0) return -1 - lastOffset;
  if (held == 2) {
    if ((bits & 0x0f) != 0) return -1 - lastOffset;
    store<u8>(out, bits >> 4);
    return <i32>(out - target) + 1;
  }
  if ((bits & 0x03) != 0) return -1 - lastOffset;
  store<u8>(out, bits >> 10);
  store<u8>(out, bits >> 2, 1);
  return <i32>(out - target) + 2;
}
