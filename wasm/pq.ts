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
 */
import { BASE, DOT, FROM_MIDDLES, KIND, L1, L2, MIDDLES, SCALE, STRIDE, WEIGHED, WEIGHTS } from './index-state';
import { inverseLength } from './query';

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

/** Writes the tables of all sub-vectors, each less its least, as f32[16] to `floats`; BASE grows by `weight` times these; returns the widest. */
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
