/**
 * RaBitQ (Gao & Long, SIGMOD 2024; of several bits, 2025): what is left of a rotated row when the centroid of its leaf is taken
 * away, r = o - c, as a code of one to four bits a dimension, and two terms by which the distance of a query is estimated
 * without bias from the product of code and query.
 *
 * A code x, of 1, 2 or 4 bits, stands for u = x - (2^bits - 1) / 2. A record is the codes, then f32 add and rescale. Codes of one
 * bit lie in the order of the dimensions; of the others every 16 bytes hold 16 dimensions in their lowest bits, the next 16 above:
 *   distance ~ rescale <u, q> + weight add + share
 * L2:  share = |q - c|^2, weight = 1,                add = |r|^2 + 2 |r|^2 <c, u> / <r, u>, rescale = -2 |r|^2 / <r, u>
 * dot: share = -<c, q>,   weight = <c, q> / |c|^2, add = -<r, c> + |r|^2 <c, u> / <r, u>, rescale = -|r|^2 / <r, u>
 *
 * A product <r, q> is estimated as <r, q - w c> + w <r, c> with any w, and is off by |r| |q - w c| times chance. The papers have 1,
 * which is right where queries are as long as rows. But a product orders rows alike by a query of any length, so the estimate has to
 * as well: the w is taken that leaves q - w c shortest, which is as many times longer as the query is.
 *
 * The query is brought to a signed grid, so that the products are of integers and exact in any order of additions.
 */
import { DOT, L2, distance } from './distance';
import { CODES, DOT as DOT_KIND, KIND, STRIDE } from './index-state';
import {
  centroidsAt, codeBits, leafCount, leafOfAt, leafStartsAt, marksAt, padded, planesAt, putQuery, putWeight, querySum, queryUnit,
  rotatedAt, shareWeight, sharesAt, signedAt,
} from './rabitq-state';

/** By bits of a code, in deviations of what is coded: the step of the best even quantizer of normal numbers (Max 1960). */
// @ts-ignore: decorator
@inline
function stepOf(bits: u32): f32 {
  return bits == 2 ? 0.9957 : 0.3352;
}

// @ts-ignore: decorator
@inline
function addLanes(sum: v128): f32 {
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}

/** Squared length of row less centroid. */
function squaredResidual(row: usize, centroid: usize, dimensions: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < dimensions << 2; at += 16) {
    const r = f32x4.sub(v128.load(row + at), v128.load(centroid + at));
    sum = f32x4.add(sum, f32x4.mul(r, r));
  }
  return addLanes(sum);
}

/** Writes bit `shift` of each of eight numbers (two of i32x4) as a byte. */
// @ts-ignore: decorator
@inline
function putPlane(at: usize, low: v128, high: v128, shift: i32): void {
  const up = 31 - shift;
  store<u8>(at, <u8>(i32x4.bitmask(i32x4.shl(low, up)) | (i32x4.bitmask(i32x4.shl(high, up)) << 4)));
}

/** Eight numbers as bytes. */
// @ts-ignore: decorator
@inline
function bytes8(low: v128, high: v128): v128 {
  const words = i16x8.narrow_i32x4_s(low, high);
  return i8x16.narrow_i16x8_s(words, words);
}

/** Writes the codes of the eight dimensions from `d` on. Requires: what is above them in their bytes is still 0. */
// @ts-ignore: decorator
@inline
function putCodes(record: usize, d: usize, bits: u32, low: v128, high: v128): void {
  if (bits == 1) {
    putPlane(record + (d >> 3), low, high, 0);
    return;
  }
  const dimensions = <usize>128 / bits;
  const at = record + (d / dimensions) * 16 + (d & 15);
  const shift = <u64>(((d % dimensions) >> 4) * bits);
  store<u64>(at, load<u64>(at) | (<u64>i64x2.extract_lane(bytes8(low, high), 0) << shift));
}

/** Encodes `count` rotated rows of one leaf as records, one every `stride` bytes. `bits`: 1, 2 or 4. */
export function rabitqEncode(
  rows: usize,
  count: u32,
  dimensions: u32,
  centroid: usize,
  bits: u32,
  isDot: bool,
  out: usize,
  stride: u32,
): void {
  const codeBytes = (<usize>dimensions * bits) >> 3;
  const levels = 1 << bits;
  const half = i32x4.splat(levels >> 1);
  const most = i32x4.splat(levels - 1);
  const none = i32x4.splat(0);
  const middle = f32x4.splat(<f32>(levels - 1) / 2);
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = rows + i * (<usize>dimensions << 2);
    const record = out + i * <usize>stride;
    const squared = squaredResidual(row, centroid, <usize>dimensions);
    const step = bits == 1 ? <f32>1 : stepOf(bits) * sqrt<f32>(squared / <f32>dimensions);
    const inverse = f32x4.splat(step > 0 ? 1 / step : 0);
    let withResidual = f32x4.splat(0);
    let withCentroid = f32x4.splat(0);
    let between = f32x4.splat(0);
    memory.fill(record, 0, codeBytes);
    for (let d: usize = 0; d < <usize>dimensions; d += 8) {
      let low = none;
      let high = none;
      for (let part: usize = 0; part < 2; part++) {
        const at = (d + (part << 2)) << 2;
        const c = v128.load(centroid + at);
        const r = f32x4.sub(v128.load(row + at), c);
        // Where there is one bit, whether it is above 0; a number that is 0 counts as below.
        const place = bits == 1
          ? v128.and(f32x4.gt(r, f32x4.splat(0)), i32x4.splat(1))
          : i32x4.max_s(none, i32x4.min_s(most, i32x4.add(i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.mul(r, inverse))), half)));
        const u = f32x4.sub(f32x4.convert_i32x4_s(place), middle);
        withResidual = f32x4.add(withResidual, f32x4.mul(r, u));
        withCentroid = f32x4.add(withCentroid, f32x4.mul(c, u));
        between = f32x4.add(between, f32x4.mul(r, c));
        if (part == 0) low = place;
        else high = place;
      }
      putCodes(record, d, bits, low, high);
    }
    const product = addLanes(withResidual);
    // Nothing is left where the row is its centroid.
    const factor: f32 = squared > 0 && product > 0 ? squared / product : 0;
    const shift = factor * addLanes(withCentroid);
    const terms = record + codeBytes;
    store<f32>(terms, isDot ? shift - addLanes(between) : squared + 2 * shift);
    store<f32>(terms, isDot ? -factor : -2 * factor, 4);
  }
}

/** Of 1-bit codes the query has 4 bits, of others 8: they are that much nearer to what they stand for. */
const MOST_OF_4: f32 = 7;
const MOST_OF_8: f32 = 127;
const PLANES: u32 = 4;

/** Brings the rotated query to its grid, and forgets what leaves' shares were of the one before. */
export function prepareRabitq(): void {
  const dimensions = <usize>padded();
  const rotated = rotatedAt();
  const signed = signedAt();
  const planes = planesAt();
  const single = codeBits() == 1;
  let largest = f32x4.splat(0);
  for (let at: usize = 0; at < dimensions << 2; at += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(rotated + at)));
  const most = max<f32>(
    max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  const unit: f32 = most > 0 ? most / (single ? MOST_OF_4 : MOST_OF_8) : 1;
  const inverse = f32x4.splat(1 / unit);
  const planeBytes = dimensions >> 3;
  let sum = i32x4.splat(0);
  for (let d: usize = 0; d < dimensions; d += 8) {
    const at = rotated + (d << 2);
    const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), inverse)));
    const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 16), inverse)));
    sum = i32x4.add(sum, i32x4.add(low, high));
    v128.store64_lane(signed + d, bytes8(low, high), 0);
    if (!single) continue;
    for (let plane: u32 = 0; plane < PLANES; plane++) putPlane(planes + <usize>plane * planeBytes + (d >> 3), low, high, plane);
  }
  putQuery(unit, <f32>addInts(sum));
  memory.fill(marksAt(), 0, <usize>leafCount());
}

// @ts-ignore: decorator
@inline
function addInts(sum: v128): i32 {
  return (
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + (i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3))
  );
}

/** Of 1-bit codes and a query of 4 bits. */
// @ts-ignore: decorator
@inline
function product1(code: usize, planes: usize, planeBytes: usize): i32 {
  let s0: i64 = 0;
  let s1: i64 = 0;
  let s2: i64 = 0;
  let s3: i64 = 0;
  const p1 = planes + planeBytes;
  const p2 = p1 + planeBytes;
  const p3 = p2 + planeBytes;
  for (let at: usize = 0; at < planeBytes; at += 8) {
    const x = load<u64>(code + at);
    s0 += popcnt<u64>(x & load<u64>(planes + at));
    s1 += popcnt<u64>(x & load<u64>(p1 + at));
    s2 += popcnt<u64>(x & load<u64>(p2 + at));
    s3 += popcnt<u64>(x & load<u64>(p3 + at));
  }
  return <i32>(s0 + (s1 << 1) + (s2 << 2) - (s3 << 3));
}

// @ts-ignore: decorator
@inline
function addLow(sum: v128, codes: v128, query: v128): v128 {
  return i16x8.add(sum, i16x8.extmul_low_i8x16_s(codes, query));
}

// @ts-ignore: decorator
@inline
function addHigh(sum: v128, codes: v128, query: v128): v128 {
  return i16x8.add(sum, i16x8.extmul_high_i8x16_s(codes, query));
}

/** So many bytes of codes of 4 bits stay in i16: 8 x 2 x 15 x 127. */
const BYTES_I16: usize = 128;

/** Of codes of 4 bits. */
// @ts-ignore: decorator
@inline
function product4(code: usize, query: usize, codeBytes: usize): i32 {
  const nibble = i8x16.splat(15);
  const ones = i16x8.splat(1);
  let total = i32x4.splat(0);
  for (const end = code + codeBytes; code < end; ) {
    let s0 = i16x8.splat(0);
    let s1 = s0;
    for (const stop = min<usize>(end, code + BYTES_I16); code < stop; code += 16, query += 32) {
      const x = v128.load(code);
      const low = v128.and(x, nibble);
      const high = i8x16.shr_u(x, 4);
      const q0 = v128.load(query);
      const q1 = v128.load(query, 16);
      s0 = addLow(addLow(s0, low, q0), high, q1);
      s1 = addHigh(addHigh(s1, low, q0), high, q1);
    }
    total = i32x4.add(total, i32x4.add(i32x4.dot_i16x8_s(s0, ones), i32x4.dot_i16x8_s(s1, ones)));
  }
  return addInts(total);
}

/** Of codes of 2 bits. */
// @ts-ignore: decorator
@inline
function product2(code: usize, query: usize, codeBytes: usize): i32 {
  const three = i8x16.splat(3);
  const ones = i16x8.splat(1);
  let total = i32x4.splat(0);
  for (const end = code + codeBytes; code < end; ) {
    let s0 = i16x8.splat(0);
    let s1 = s0;
    for (const stop = min<usize>(end, code + BYTES_I16); code < stop; code += 16, query += 64) {
      const x = v128.load(code);
      const a = v128.and(x, three);
      const b = v128.and(i8x16.shr_u(x, 2), three);
      const c = v128.and(i8x16.shr_u(x, 4), three);
      const d = i8x16.shr_u(x, 6);
      const q0 = v128.load(query);
      const q1 = v128.load(query, 16);
      const q2 = v128.load(query, 32);
      const q3 = v128.load(query, 48);
      s0 = addLow(addLow(addLow(addLow(s0, a, q0), b, q1), c, q2), d, q3);
      s1 = addHigh(addHigh(addHigh(addHigh(s1, a, q0), b, q1), c, q2), d, q3);
    }
    total = i32x4.add(total, i32x4.add(i32x4.dot_i16x8_s(s0, ones), i32x4.dot_i16x8_s(s1, ones)));
  }
  return addInts(total);
}

/** The leaf of a row. */
// @ts-ignore: decorator
@inline
function leafOf(row: u32): u32 {
  const starts = leafStartsAt();
  let leaf = <u32>load<u16>(leafOfAt() + ((<usize>row >> 5) << 1));
  while (row >= load<u32>(starts + (<usize>leaf << 2), 4)) leaf++;
  return leaf;
}

/** Where share and weight of the leaf lie: found when they are first asked for. */
// @ts-ignore: decorator
@inline
function shareAt(leaf: u32): usize {
  const at = sharesAt() + (<usize>leaf << 3);
  const mark = marksAt() + <usize>leaf;
  if (load<u8>(mark) == 0) {
    store<u8>(mark, 1);
    store<f32>(at, centroidShare(centroidsAt() + <usize>leaf * (<usize>padded() << 2)));
    store<f32>(at, shareWeight(), 4);
  }
  return at;
}

/** |c|^2, in units: a centroid that is no longer has no direction that is worth anything, and nothing is divided by it. */
const SQUARED_LEAST: f32 = 1e-20;

/** The share of a centroid, wherever it lies. Leaves the weight that goes with it in the struct. */
export function centroidShare(centroid: usize): f32 {
  const dimensions = padded();
  if (load<u32>(KIND) != DOT_KIND) {
    putWeight(1);
    return distance(L2, rotatedAt(), centroid, dimensions);
  }
  const share = distance(DOT, rotatedAt(), centroid, dimensions);
  // Both are negated.
  const squared = distance(DOT, centroid, centroid, dimensions);
  putWeight(squared < -SQUARED_LEAST ? share / squared : 0);
  return share;
}

/** Writes the estimated distance of each listed row to the prepared query to `out` (f32). */
export function measureRabitq(list: usize, count: u32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const planeBytes = <usize>padded() >> 3;
  const planes = planesAt();
  const signed = signedAt();
  const bits = codeBits();
  const unit = queryUnit();
  const middle = (<f32>((1 << bits) - 1) / 2) * querySum();
  const termsAt = <usize>bits * planeBytes;
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 4) {
    const row = load<u32>(list + i);
    const code = codes + <usize>row * stride;
    let sum: i32;
    if (bits == 1) sum = product1(code, planes, planeBytes);
    else if (bits == 2) sum = product2(code, signed, termsAt);
    else sum = product4(code, signed, termsAt);
    const terms = code + termsAt;
    const inner = unit * (<f32>sum - middle);
    const share = shareAt(leafOf(row));
    store<f32>(out + i, load<f32>(terms, 4) * inner + load<f32>(terms) * load<f32>(share, 4) + load<f32>(share));
  }
}
