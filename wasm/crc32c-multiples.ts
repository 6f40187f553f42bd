/**
 * CRC-32C of long inputs without its tables: a remainder stays what it is when a multiple of the polynomial is added, and some
 * multiples have few terms. Added where its first term meets the byte that leads, such a multiple takes that byte
 * away and changes one place further on for each of its other terms. Over vectors that is a few XORs for 16 bytes, until what is left is as
 * long as the multiple (the idea: K. Russell, "Chorba", 2024). With y = x^8, so that no bit is shifted:
 *
 *   y^5321 + y^3574 + y^2491 + 1
 *   y^293 + y^207 + y^130 + y^71 + y^67 + 1
 *
 * Both were found by search; squared three times, a multiple in x is one in x^8. Of those with four terms the shortest has
 * 5,275; this one's places are so far apart that no load meets a store that is still under way.
 */
import { CRC_REST, CRC_TAKEN } from './layout';

const LONG: usize = 5_321;
const SHORT: usize = 293;
/** What is left by the first multiple, where it pays. */
const LONG_REST: usize = CRC_REST + 512;
const LONG_LEAST: usize = 12_288;

/** What those taken away before change at a place, of which `at` is among what was taken away. */
// @ts-ignore: decorator
@inline
function changesOf(at: usize, isLong: bool): v128 {
  if (isLong) {
    const near = v128.xor(v128.load(at - (LONG - 3_574)), v128.load(at - (LONG - 2_491)));
    return v128.xor(near, v128.load(at - LONG));
  }
  const near = v128.xor(v128.load(at - (SHORT - 207)), v128.load(at - (SHORT - 130)));
  const far = v128.xor(v128.load(at - (SHORT - 71)), v128.load(at - (SHORT - 67)));
  return v128.xor(v128.xor(near, far), v128.load(at - SHORT));
}

/** Leaves at `rest` what is left, and returns its length, a multiple of 16. Requires: so is `length`, and longer than the multiple. */
// @ts-ignore: decorator
@inline
function takeAway(crc: u32, bytes: usize, length: usize, isLong: bool, rest: usize): usize {
  const multiple = isLong ? LONG : SHORT;
  const away = (length - multiple) & ~15;
  let at = bytes;
  let taken = CRC_TAKEN;
  v128.store(taken, v128.xor(v128.load(at), i32x4.replace_lane(i32x4.splat(0), 0, crc)));
  const end = bytes + away;
  for (at += 16, taken += 16; at < end; at += 16, taken += 16) {
    v128.store(taken, v128.xor(v128.load(at), changesOf(taken, isLong)));
  }
  // Of what is left nothing is taken away.
  memory.fill(taken, 0, multiple);
  const last = bytes + length;
  for (let left = rest; at < last; at += 16, taken += 16, left += 16) {
    v128.store(left, v128.xor(v128.load(at), changesOf(taken, isLong)));
  }
  return length - away;
}

/**
 * Leaves at CRC_REST what has the same remainder, from 0 on, as the input has from `crc` on (not inverted), and returns its
 * length, 304. Requires: `length` is a multiple of 16, at least 512 and at most 16,384; zeros before CRC_TAKEN.
 */
export function shorten(crc: u32, bytes: usize, length: usize): usize {
  if (length < LONG_LEAST) return takeAway(crc, bytes, length, false, CRC_REST);
  const left = takeAway(crc, bytes, length, true, LONG_REST);
  return takeAway(0, LONG_REST, left, false, CRC_REST);
}
