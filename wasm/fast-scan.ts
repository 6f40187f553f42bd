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

/** The sums of 16 rows, in u16, as i32 above those that are there. */
// @ts-ignore: decorator
@inline
function widen(sums: v128, at: usize): void {
  v128.store(at, i32x4.add(v128.load(at), i32x4.extend_low_i16x8_u(sums)));
  v128.store(at, i32x4.add(v128.load(at, 16), i32x4.extend_high_i16x8_u(sums)), 16);
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
      let s0 = i16x8.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
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
          i8x16.add(lookUp(t0, i8x16.shr_u(c0, 4)), lookUp(t1, i8x16.shr_u(c1, 4))),
          i8x16.add(lookUp(t2, i8x16.shr_u(c2, 4)), lookUp(t3, i8x16.shr_u(c3, 4))),
        );
        s0 = i16x8.add(s0, i16x8.extend_low_i8x16_u(low));
        s1 = i16x8.add(s1, i16x8.extend_high_i8x16_u(low));
        s2 = i16x8.add(s2, i16x8.extend_low_i8x16_u(high));
        s3 = i16x8.add(s3, i16x8.extend_high_i8x16_u(high));
      }
      widen(s0, target);
      widen(s1, target + 32);
      widen(s2, target + 64);
      widen(s3, target + 96);
    }
    const terms = block + (groups << 4);
    for (let row: usize = 0; row < BLOCK_ROWS << 2; row += 16) {
      putEstimates(i32x4.sub(v128.load(target + row), bias), biased, unit, weights, shares, terms + row, target + row);
    }
  }
}
