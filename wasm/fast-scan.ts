/**
 * Leaves scanned 32 rows at a time (FastScan, André et al. 2017; Gao & Long 2024): the 1-bit codes of a block lie dimension by
 * dimension, four of these and two rows to a byte, and a shuffle looks up 16 sums of four query dimensions at once.
 *
 * A block: padded / 4 groups of 16 bytes, whose low nibbles are of the rows 0 to 15 and the high ones of 16 to 31; then
 * f32 add[32], f32 rescale[32] (rabitq.ts). Rows that are missing are zeros.
 */
import { padded, querySum, queryUnit, shareWeight, signedAt } from './rabitq-state';
import { lookUp } from './relaxed';

const BLOCK_ROWS: usize = 32;
/** A sum of four dimensions of a query of 4 bits is from -28 to 28; in a table it is above 0. */
const BIAS: i32 = 28;
/** Groups whose sums stay in u8 together, and how many of those stay in u16. */
const GROUPS_U8: usize = 4;
const GROUPS_U16: usize = 1024;

/** Packs the 1-bit codes and terms of `count` (1 to 32) records, one every `stride` bytes. */
export function packRows32(records: usize, stride: u32, count: u32, dimensions: u32, out: usize): void {
  const groups = <usize>dimensions >> 2;
  const terms = out + (groups << 4);
  memory.fill(out, 0, (groups << 4) + (BLOCK_ROWS << 3));
  for (let row: usize = 0; row < <usize>count; row++) {
    const record = records + row * <usize>stride;
    const lane = out + (row & 15);
    const shift = (row >> 4) << 2;
    for (let group: usize = 0; group < groups; group += 2) {
      const byte = <u32>load<u8>(record + (group >> 1));
      const at = lane + (group << 4);
      store<u8>(at, <u32>load<u8>(at) | ((byte & 15) << <u32>shift));
      store<u8>(at, <u32>load<u8>(at, 16) | ((byte >> 4) << <u32>shift), 16);
    }
    const own = record + (groups >> 1);
    store<f32>(terms + (row << 2), load<f32>(own));
    store<f32>(terms + ((row + BLOCK_ROWS) << 2), load<f32>(own, 4));
  }
}

/** Writes the sums of every four dimensions of the prepared query: 16 bytes a group. Requires: a query of 4 bits. */
export function makeLookUp(out: usize): void {
  const signed = signedAt();
  const bias = i8x16.splat(<i8>BIAS);
  const m0 = i8x16(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1);
  const m1 = i8x16(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1);
  const m2 = i8x16(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1);
  const m3 = i8x16(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1);
  for (let at = signed, end = signed + <usize>padded(); at < end; at += 4, out += 16) {
    const low = i8x16.add(v128.and(i8x16.splat(load<i8>(at)), m0), v128.and(i8x16.splat(load<i8>(at, 1)), m1));
    const high = i8x16.add(v128.and(i8x16.splat(load<i8>(at, 2)), m2), v128.and(i8x16.splat(load<i8>(at, 3)), m3));
    v128.store(out, i8x16.add(bias, i8x16.add(low, high)));
  }
}

// @ts-ignore: decorator
@inline
function putEstimates(sums: v128, constants: v128, unit: v128, weight: v128, share: v128, terms: usize, out: usize): void {
  const inner = f32x4.mul(unit, f32x4.sub(f32x4.convert_i32x4_s(sums), constants));
  const own = f32x4.mul(v128.load(terms), weight);
  const estimate = f32x4.add(f32x4.mul(v128.load(terms + (BLOCK_ROWS << 2)), inner), own);
  v128.store(out, f32x4.add(estimate, share));
}

/** Adds u16 to the i32 that are there. */
// @ts-ignore: decorator
@inline
function addWidened(sums: v128, at: usize): void {
  v128.store(at, i32x4.add(v128.load(at), i32x4.extend_low_i16x8_u(sums)));
  v128.store(at, i32x4.add(v128.load(at, 16), i32x4.extend_high_i16x8_u(sums)), 16);
}

/** Adds the sums of 16 rows. `pairs`: u16 sums of what lies in two bytes, the odd row's above; `odd`: those of odd rows alone. */
// @ts-ignore: decorator
@inline
function addPairs(pairs: v128, odd: v128, at: usize): void {
  // What the odd rows have added above, and lost there, is taken away again: what is left is below 65,536.
  const even = i16x8.sub(pairs, i16x8.shl(odd, 8));
  addWidened(v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), at);
  addWidened(v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), at + 32);
}

/** What is above the lower four bits. A shift of bytes would make a mask of its own each time. */
// @ts-ignore: decorator
@inline
function highNibbles(bytes: v128, nibble: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), nibble);
}

/**
 * Writes the estimated distances of `blockCount` blocks of rows of one leaf to `out`: f32[32] each, to the bit those of
 * `measureRabitq`. `share`: of the leaf. Requires: it is what `centroidShare` answered last, which left the weight.
 */
export function scanLeaf(blocks: usize, blockCount: u32, tables: usize, share: f32, out: usize): void {
  const groups = <usize>padded() >> 2;
  const blockBytes = (groups << 4) + (BLOCK_ROWS << 3);
  const nibble = i8x16.splat(15);
  const unit = f32x4.splat(queryUnit());
  const weights = f32x4.splat(shareWeight());
  const shares = f32x4.splat(share);
  const middle: f32 = 0.5 * querySum();
  const biased = f32x4.splat(middle);
  const bias = i32x4.splat(BIAS * <i32>groups);
  for (let i: usize = 0; i < <usize>blockCount; i++) {
    const block = blocks + i * blockBytes;
    const target = out + i * (BLOCK_ROWS << 2);
    memory.fill(target, 0, BLOCK_ROWS << 2);
    for (let first: usize = 0; first < groups; first += GROUPS_U16) {
      const last = min<usize>(groups, first + GROUPS_U16);
      let lowPairs = i16x8.splat(0);
      let lowOdd = lowPairs;
      let highPairs = lowPairs;
      let highOdd = lowPairs;
      for (let group = first; group < last; group += GROUPS_U8) {
        const at = block + (group << 4);
        const table = tables + (group << 4);
        const c0 = v128.load(at);
        const c1 = v128.load(at, 16);
        const c2 = v128.load(at, 32);
        const c3 = v128.load(at, 48);
        const t0 = v128.load(table);
        const t1 = v128.load(table, 16);
        const t2 = v128.load(table, 32);
        const t3 = v128.load(table, 48);
        const low = i8x16.add(
          i8x16.add(lookUp(t0, v128.and(c0, nibble)), lookUp(t1, v128.and(c1, nibble))),
          i8x16.add(lookUp(t2, v128.and(c2, nibble)), lookUp(t3, v128.and(c3, nibble))),
        );
        const high = i8x16.add(
          i8x16.add(lookUp(t0, highNibbles(c0, nibble)), lookUp(t1, highNibbles(c1, nibble))),
          i8x16.add(lookUp(t2, highNibbles(c2, nibble)), lookUp(t3, highNibbles(c3, nibble))),
        );
        // Three instructions where two halves, each widened and added, take five.
        lowPairs = i16x8.add(lowPairs, low);
        lowOdd = i16x8.add(lowOdd, i16x8.shr_u(low, 8));
        highPairs = i16x8.add(highPairs, high);
        highOdd = i16x8.add(highOdd, i16x8.shr_u(high, 8));
      }
      addPairs(lowPairs, lowOdd, target);
      addPairs(highPairs, highOdd, target + 64);
    }
    const terms = block + (groups << 4);
    for (let row: usize = 0; row < BLOCK_ROWS << 2; row += 16) {
      putEstimates(i32x4.sub(v128.load(target + row), bias), biased, unit, weights, shares, terms + row, target + row);
    }
  }
}
