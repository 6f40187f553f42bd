/**
 * Base64 of RFC 4648, standard alphabet, strict: no white space, no foreign byte, and no bits set in the part of the
 * last sextet that is thrown away (so that one sequence of bytes has one spelling). Padding may be there or not.
 *
 * 16 characters at a time by Mula's nibble look-ups: two tables whose entries have a bit in common exactly for bytes
 * outside the alphabet, a third with the distance from character to sextet.
 */

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

/** Decodes 16 characters to 12 bytes (16 are stored). Returns false, having stored nothing, where one is foreign. */
// @ts-ignore: decorator
@inline
function decode16(source: usize, target: usize): bool {
  const chars = v128.load(source);
  const high = i8x16.shr_u(chars, 4);
  const low = v128.and(chars, i8x16.splat(0x0f));
  const lowClass = i8x16(
    0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a,
  );
  const highClass = i8x16(
    0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
  );
  if (v128.any_true(v128.and(i8x16.swizzle(lowClass, low), i8x16.swizzle(highClass, high)))) return false;
  const shift = i8x16(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const slash = i8x16.eq(chars, i8x16.splat(0x2f));
  const sextets = i8x16.add(chars, i8x16.swizzle(shift, i8x16.add(high, slash)));
  // 00aaaaaa 00bbbbbb -> aaaaaabbbbbb in 16 bits, then two of those -> 24 bits in 32.
  const pairs = v128.or(
    i16x8.shl(v128.and(sextets, i16x8.splat(0x3f)), 6),
    i16x8.shr_u(sextets, 8),
  );
  const quads = v128.or(
    i32x4.shl(v128.and(pairs, i32x4.splat(0xfff)), 12),
    i32x4.shr_u(pairs, 16),
  );
  v128.store(
    target,
    i8x16.shuffle(quads, quads, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 3, 3, 3),
  );
  return true;
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
  let at = source;
  let out = target;
  // 24 and not 16: the 4 bytes stored too many lie where the next characters' bytes will be.
  while (at + 24 <= end) {
    if (!decode16(at, out)) break;
    at += 16;
    out += 12;
  }
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
