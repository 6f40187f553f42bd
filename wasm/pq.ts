/**
 * Product quantization (Jégou, Douze & Schmid, TPAMI 2011) in codes of 4 bits: the dimensions are dealt to sub-vectors, and a code
 * is the number of the nearest of 16 centroids of a sub-vector. Two codes are a byte, the first in its lower half.
 *
 * Books hold what was learnt: f32[dimension][16], of each place the 16 centroids, and u32[dimension], which dimension is at the
 * place; those of a sub-vector lie together. Of `subs` sub-vectors the first have one more where dimensions do not go up evenly.
 * Centroids and rows are in units, less the middle of each dimension.
 *
 * A query becomes a table for each sub-vector, u8[16]: what its centroids add to a distance, above the least of them.
 *   distance = BASE + SCALE x sum of table[code]
 * The codes of 16 rows are transposed in registers, so that one swizzle looks up one sub-vector of all ("Quicker ADC", André et
 * al., TPAMI 2019, looks up blocks that lie transposed). Rows lie by themselves, and a walk takes those that it meets.
 */
import { BASE, CODES, DOT, FROM_MIDDLES, KIND, L1, L2, MIDDLES, SCALE, STRIDE, WEIGHED, WEIGHTS } from './index-state';
import { inverseLength } from './query';
import { lookUp } from './relaxed';

const CENTROIDS: usize = 16;
const CODE_MOST: f32 = 255;
/** Units: no centroid lies farther out than 1, so that this is far out in any case, and its square is an ordinary number. */
const FAR: f32 = 16;
/** Tables that are no wider are all 0: what one divided by it is would leave f32. */
const NARROW: f32 = 1e-36;

// @ts-ignore: decorator
@inline
function orderAt(books: usize, dimension: u32): usize {
  return books + <usize>dimension * (CENTROIDS << 2);
}

/** The least of sixteen numbers, in every lane. */
// @ts-ignore: decorator
@inline
function leastOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const of4 = f32x4.min(f32x4.min(a, b), f32x4.min(c, d));
  const of2 = f32x4.min(of4, v128.shuffle<i32>(of4, of4, 2, 3, 0, 1));
  return f32x4.min(of2, v128.shuffle<i32>(of2, of2, 1, 0, 3, 2));
}

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, centroid: usize, value: v128): v128 {
  const difference = f32x4.sub(v128.load(centroid), value);
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

/** The number of the centroid that is nearest to the `width` values, the first of equals. */
// @ts-ignore: decorator
@inline
function nearestCentroid(values: usize, width: usize, centroids: usize): u32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (const end = values + (width << 2); values < end; values += 4, centroids += CENTROIDS << 2) {
    const value = v128.load32_splat(values);
    a = addSquare(a, centroids, value);
    b = addSquare(b, centroids + 16, value);
    c = addSquare(c, centroids + 32, value);
    d = addSquare(d, centroids + 48, value);
  }
  const least = leastOf(a, b, c, d);
  return ctz<u32>(
    i32x4.bitmask(f32x4.eq(a, least)) |
      (i32x4.bitmask(f32x4.eq(b, least)) << 4) |
      (i32x4.bitmask(f32x4.eq(c, least)) << 8) |
      (i32x4.bitmask(f32x4.eq(d, least)) << 12),
  );
}

/**
 * Encodes `count` f32 rows, one code every `stride` bytes from `out` on. A row is multiplied by its scale (`scales`; 0: none), the
 * middles (f32) are taken off, and the rest is multiplied by `inverse`. `values`: room for f32[dimension].
 */
export function pqEncode(
  rows: usize,
  count: u32,
  dimension: u32,
  scales: usize,
  middles: usize,
  inverse: f32,
  books: usize,
  subs: u32,
  values: usize,
  out: usize,
  stride: u32,
): void {
  const bytes = <usize>dimension << 2;
  const order = orderAt(books, dimension);
  const width = <usize>(dimension / subs);
  const wider = dimension % subs;
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = rows + i * bytes;
    const scale: f32 = scales != 0 ? load<f32>(scales + (i << 2)) : 1;
    for (let at: usize = 0; at < bytes; at += 4) {
      const d = <usize>load<u32>(order + at) << 2;
      const value = (load<f32>(row + d) * scale - load<f32>(middles + d)) * inverse;
      store<f32>(values + at, max<f32>(-FAR, min<f32>(FAR, value)));
    }
    const code = out + i * <usize>stride;
    memory.fill(code, 0, stride);
    let place: usize = 0;
    for (let s: u32 = 0; s < subs; s++) {
      const own = width + usize(s < wider);
      const found = nearestCentroid(values + (place << 2), own, books + place * (CENTROIDS << 2));
      const at = code + <usize>(s >> 1);
      store<u8>(at, <u32>load<u8>(at) | (found << ((s & 1) << 2)));
      place += own;
    }
  }
}

// @ts-ignore: decorator
@inline
function sumLanes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Writes what of the query lies off the middles to FROM_MIDDLES (f64), for L1 no farther than the centroids; returns the largest. */
function putOffsets(query: usize, even: u32, length: f64): f64 {
  const kind = load<u32>(KIND);
  const middles = <usize>load<u32>(MIDDLES);
  const offsets = <usize>load<u32>(FROM_MIDDLES);
  const lengths = f64x2.splat(length);
  const one = f64x2.splat(1);
  let sum = f64x2.splat(0);
  let largest = f64x2.splat(0);
  for (let at: usize = 0, end = <usize>even << 3; at < end; at += 16) {
    const value = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(query + (at >> 1))), lengths);
    const middle = v128.load(middles + at);
    let offset = value;
    if (kind == DOT) sum = f64x2.add(sum, f64x2.mul(value, middle));
    else offset = f64x2.sub(value, middle);
    if (kind == L2) sum = f64x2.add(sum, f64x2.mul(offset, offset));
    if (kind == L1) {
      const inside = f64x2.max(f64x2.neg(one), f64x2.min(one, offset));
      sum = f64x2.add(sum, f64x2.abs(f64x2.sub(offset, inside)));
      offset = inside;
    }
    largest = f64x2.max(largest, f64x2.abs(offset));
    v128.store(offsets + at, offset);
  }
  store<f64>(BASE, kind == DOT ? -sumLanes(sum) : sumLanes(sum));
  return max<f64>(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
}

/** What a centroid c adds of a value v: |v - c|; c v; c (c + v), or c (c own + v). */
const FROM_VALUE: i32 = 0;
const BY_VALUE: i32 = 1;
const NEAR: i32 = 2;
const FAR_AWAY: i32 = 3;

// @ts-ignore: decorator
@inline
function addPart(part: i32, sum: v128, centroids: usize, value: v128, own: v128): v128 {
  const c = v128.load(centroids);
  if (part == FROM_VALUE) return f32x4.add(sum, f32x4.abs(f32x4.sub(value, c)));
  if (part == BY_VALUE) return f32x4.add(sum, f32x4.mul(c, value));
  return f32x4.add(sum, f32x4.mul(c, f32x4.add(part == NEAR ? c : f32x4.mul(c, own), value)));
}

/** Writes the tables of all sub-vectors, each less its least, as f32[16] to `floats`; BASE_SUM: the sum of these; returns the widest. */
// @ts-ignore: decorator
@inline
function putTables(part: i32, values: usize, own: f32, dimension: u32, books: usize, subs: u32, floats: usize, weight: f64): f32 {
  const width = <usize>(dimension / subs);
  const wider = dimension % subs;
  const owns = f32x4.splat(own);
  let centroids = books;
  let widest = f32x4.splat(0);
  let leasts: f64 = 0;
  for (let s: u32 = 0; s < subs; s++, floats += CENTROIDS << 2) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (const end = values + ((width + usize(s < wider)) << 2); values < end; values += 4, centroids += CENTROIDS << 2) {
      const value = v128.load32_splat(values);
      a = addPart(part, a, centroids, value, owns);
      b = addPart(part, b, centroids + 16, value, owns);
      c = addPart(part, c, centroids + 32, value, owns);
      d = addPart(part, d, centroids + 48, value, owns);
    }
    const least = leastOf(a, b, c, d);
    a = f32x4.sub(a, least);
    b = f32x4.sub(b, least);
    c = f32x4.sub(c, least);
    d = f32x4.sub(d, least);
    widest = f32x4.max(widest, f32x4.max(f32x4.max(a, b), f32x4.max(c, d)));
    v128.store(floats, a);
    v128.store(floats, b, 16);
    v128.store(floats, c, 32);
    v128.store(floats, d, 48);
    leasts += <f64>f32x4.extract_lane(least, 0);
  }
  store<f64>(BASE, load<f64>(BASE) + weight * leasts);
  const most = f32x4.max(widest, v128.shuffle<i32>(widest, widest, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
}

/** Rounds four numbers from 0 to 255: beyond 2^23 the last bits of an f32 are a whole number. */
// @ts-ignore: decorator
@inline
function grid4(at: usize, inverse: v128): v128 {
  const rounded = f32x4.add(f32x4.mul(v128.load(at), inverse), f32x4.splat(8_388_608));
  return v128.and(rounded, i32x4.splat(255));
}

/**
 * Prepares the query (f32, a zero behind an odd number of them) times `factor`. `isCosine`: brought to length 1 first. `unit`: what
 * one unit of centroids is worth where the query is not in units (dot), else 1. `floats`: room for f32[subs][16]. Requires: the f64 at MIDDLES
 * times `factor` too, for dot not, and padded by a zero to an even number.
 */
export function preparePq(
  query: usize,
  dimension: u32,
  isCosine: bool,
  factor: f64,
  unit: f64,
  books: usize,
  subs: u32,
  floats: usize,
): void {
  const kind = load<u32>(KIND);
  const even = (dimension + 1) & ~1;
  const largest = putOffsets(query, even, isCosine ? inverseLength(query, even) * factor : factor);
  // |q - c|^2 = |q|^2 + c (c - 2 q), which stays in f32 however far away the query is when both are divided by that.
  const size: f64 = kind == L2 ? max<f64>(1, largest) : kind == DOT && largest > 0 ? largest : 1;
  const times: f64 = kind == L2 ? -2 / size : kind == DOT ? -1 / size : 1;
  const offsets = <usize>load<u32>(FROM_MIDDLES);
  const values = <usize>load<u32>(WEIGHED);
  const order = orderAt(books, dimension);
  for (let at: usize = 0, end = <usize>dimension << 2; at < end; at += 4) {
    store<f32>(values + at, <f32>(load<f64>(offsets + (<usize>load<u32>(order + at) << 3)) * times));
  }
  const weight = size * unit;
  const own: f32 = kind == L2 ? <f32>(1 / size) : 0;
  let widest: f32;
  if (kind == L1) widest = putTables(FROM_VALUE, values, own, dimension, books, subs, floats, weight);
  else if (kind == DOT) widest = putTables(BY_VALUE, values, own, dimension, books, subs, floats, weight);
  else if (own == 1) widest = putTables(NEAR, values, own, dimension, books, subs, floats, weight);
  else widest = putTables(FAR_AWAY, values, own, dimension, books, subs, floats, weight);
  store<f64>(SCALE, (weight * <f64>widest) / <f64>CODE_MOST);
  const inverse = f32x4.splat(widest > NARROW ? CODE_MOST / widest : 0);
  const tables = <usize>load<u32>(WEIGHTS);
  const end = <usize>subs << 4;
  for (let at: usize = 0; at < end; at += 16) {
    const from = floats + (at << 2);
    v128.store(
      tables + at,
      i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(grid4(from, inverse), grid4(from + 16, inverse)),
        i16x8.narrow_i32x4_s(grid4(from + 32, inverse), grid4(from + 48, inverse)),
      ),
    );
  }
  // Codes fill whole blocks of 16 bytes: those of no sub-vector add nothing.
  memory.fill(tables + end, 0, (<usize>load<u32>(STRIDE) << 5) - end);
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Transposes 16 bytes of each of 16 rows, whose addresses are at `rows` (u32), to `out`. */
// @ts-ignore: decorator
@inline
function transpose(rows: usize, offset: usize, out: usize): void {
  const x0 = v128.load(<usize>load<u32>(rows) + offset);
  const x1 = v128.load(<usize>load<u32>(rows, 4) + offset);
  const x2 = v128.load(<usize>load<u32>(rows, 8) + offset);
  const x3 = v128.load(<usize>load<u32>(rows, 12) + offset);
  const x4 = v128.load(<usize>load<u32>(rows, 16) + offset);
  const x5 = v128.load(<usize>load<u32>(rows, 20) + offset);
  const x6 = v128.load(<usize>load<u32>(rows, 24) + offset);
  const x7 = v128.load(<usize>load<u32>(rows, 28) + offset);
  const x8 = v128.load(<usize>load<u32>(rows, 32) + offset);
  const x9 = v128.load(<usize>load<u32>(rows, 36) + offset);
  const xa = v128.load(<usize>load<u32>(rows, 40) + offset);
  const xb = v128.load(<usize>load<u32>(rows, 44) + offset);
  const xc = v128.load(<usize>load<u32>(rows, 48) + offset);
  const xd = v128.load(<usize>load<u32>(rows, 52) + offset);
  const xe = v128.load(<usize>load<u32>(rows, 56) + offset);
  const xf = v128.load(<usize>load<u32>(rows, 60) + offset);
  const y0 = low(x0, x8);
  const y1 = high(x0, x8);
  const y2 = low(x1, x9);
  const y3 = high(x1, x9);
  const y4 = low(x2, xa);
  const y5 = high(x2, xa);
  const y6 = low(x3, xb);
  const y7 = high(x3, xb);
  const y8 = low(x4, xc);
  const y9 = high(x4, xc);
  const ya = low(x5, xd);
  const yb = high(x5, xd);
  const yc = low(x6, xe);
  const yd = high(x6, xe);
  const ye = low(x7, xf);
  const yf = high(x7, xf);
  const z0 = low(y0, y8);
  const z1 = high(y0, y8);
  const z2 = low(y1, y9);
  const z3 = high(y1, y9);
  const z4 = low(y2, ya);
  const z5 = high(y2, ya);
  const z6 = low(y3, yb);
  const z7 = high(y3, yb);
  const z8 = low(y4, yc);
  const z9 = high(y4, yc);
  const za = low(y5, yd);
  const zb = high(y5, yd);
  const zc = low(y6, ye);
  const zd = high(y6, ye);
  const ze = low(y7, yf);
  const zf = high(y7, yf);
  const w0 = low(z0, z8);
  const w1 = high(z0, z8);
  const w2 = low(z1, z9);
  const w3 = high(z1, z9);
  const w4 = low(z2, za);
  const w5 = high(z2, za);
  const w6 = low(z3, zb);
  const w7 = high(z3, zb);
  const w8 = low(z4, zc);
  const w9 = high(z4, zc);
  const wa = low(z5, zd);
  const wb = high(z5, zd);
  const wc = low(z6, ze);
  const wd = high(z6, ze);
  const we = low(z7, zf);
  const wf = high(z7, zf);
  v128.store(out, low(w0, w8));
  v128.store(out, high(w0, w8), 16);
  v128.store(out, low(w1, w9), 32);
  v128.store(out, high(w1, w9), 48);
  v128.store(out, low(w2, wa), 64);
  v128.store(out, high(w2, wa), 80);
  v128.store(out, low(w3, wb), 96);
  v128.store(out, high(w3, wb), 112);
  v128.store(out, low(w4, wc), 128);
  v128.store(out, high(w4, wc), 144);
  v128.store(out, low(w5, wd), 160);
  v128.store(out, high(w5, wd), 176);
  v128.store(out, low(w6, we), 192);
  v128.store(out, high(w6, we), 208);
  v128.store(out, low(w7, wf), 224);
  v128.store(out, high(w7, wf), 240);
}

/** Sub-vectors whose u8 stay in u16 together. */
const BLOCKS_U16: usize = 8;

/** Sums of 16 rows, whose addresses are at `rows` (u32), as i32 at `out`. `scratch`: 256 bytes. */
function sums16(rows: usize, tables: usize, stride: usize, scratch: usize, out: usize): void {
  const nibble = i8x16.splat(15);
  const zero = i32x4.splat(0);
  let e0 = zero;
  let e1 = zero;
  let o0 = zero;
  let o1 = zero;
  for (let offset: usize = 0; offset < stride; ) {
    // Rows 0, 2, 4, ... in the lower bytes of words, the others in the upper ones. What these carry into `both` goes out again.
    let both = zero;
    let odd = zero;
    for (const stop = min<usize>(stride, offset + (BLOCKS_U16 << 4)); offset < stop; offset += 16) {
      transpose(rows, offset, scratch);
      for (let at = scratch; at < scratch + 256; at += 16, tables += 32) {
        const codes = v128.load(at);
        const a = lookUp(v128.load(tables), v128.and(codes, nibble));
        const b = lookUp(v128.load(tables, 16), v128.and(i16x8.shr_u(codes, 4), nibble));
        both = i16x8.add(both, i16x8.add(a, b));
        odd = i16x8.add(odd, i16x8.add(i16x8.shr_u(a, 8), i16x8.shr_u(b, 8)));
      }
    }
    const even = i16x8.sub(both, i16x8.shl(odd, 8));
    e0 = i32x4.add(e0, i32x4.extend_low_i16x8_u(even));
    e1 = i32x4.add(e1, i32x4.extend_high_i16x8_u(even));
    o0 = i32x4.add(o0, i32x4.extend_low_i16x8_u(odd));
    o1 = i32x4.add(o1, i32x4.extend_high_i16x8_u(odd));
  }
  v128.store(out, v128.shuffle<i32>(e0, o0, 0, 4, 1, 5));
  v128.store(out, v128.shuffle<i32>(e0, o0, 2, 6, 3, 7), 16);
  v128.store(out, v128.shuffle<i32>(e1, o1, 0, 4, 1, 5), 32);
  v128.store(out, v128.shuffle<i32>(e1, o1, 2, 6, 3, 7), 48);
}

/** The sum of one row. */
// @ts-ignore: decorator
@inline
function sum1(code: usize, tables: usize, stride: usize): u32 {
  let a: u32 = 0;
  let b: u32 = 0;
  for (const end = code + stride; code < end; code += 2, tables += 64) {
    const x = <usize>load<u8>(code);
    const y = <usize>load<u8>(code, 1);
    a += <u32>load<u8>(tables + (x & 15)) + <u32>load<u8>(tables + (x >> 4), 16);
    b += <u32>load<u8>(tables + (y & 15), 32) + <u32>load<u8>(tables + (y >> 4), 48);
  }
  return a + b;
}

/** So many rows are looked up one by one sooner than sixteen at a time. */
const SINGLE_MOST: u32 = 2;

/** Writes the distance of each listed row to the prepared query to `out` (f32). Behind the tables: 384 bytes of room. */
export function measurePq(list: usize, count: u32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const tables = <usize>load<u32>(WEIGHTS);
  const base = load<f64>(BASE);
  const scale = load<f64>(SCALE);
  const rows = tables + (stride << 5);
  const sums = rows + 64;
  const end = <usize>count << 2;
  let i: usize = 0;
  while (end - i > SINGLE_MOST << 2) {
    // Where there are fewer than 16 left, the last one stands in for those that are missing.
    const last = min<usize>(end - i, 64) - 4;
    for (let at: usize = 0; at < 64; at += 4) {
      store<u32>(rows + at, <u32>(codes + <usize>load<u32>(list + i + min<usize>(at, last)) * stride));
    }
    sums16(rows, tables, stride, sums + 64, sums);
    for (let at: usize = 0; at <= last; at += 4) {
      store<f32>(out + i + at, <f32>(base + scale * <f64>load<u32>(sums + at)));
    }
    i += last + 4;
  }
  for (; i < end; i += 4) {
    const sum = sum1(codes + <usize>load<u32>(list + i) * stride, tables, stride);
    store<f32>(out + i, <f32>(base + scale * <f64>sum));
  }
}
