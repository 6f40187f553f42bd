/**
 * Rows in codes of product quantization, measured by the tables of a query (pq.ts): distance = BASE + SCALE x sum of table[code].
 *
 * The codes of 16 rows are transposed in registers, so that one swizzle looks up one sub-vector of all ("Quicker ADC", André et
 * al., TPAMI 2019, looks up blocks that lie transposed). Rows lie by themselves, and a walk takes those that it meets.
 */
import { BASE, CODES, SCALE, STRIDE, WEIGHTS } from './index-state';
import { lookUp } from './relaxed';

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

/** Blocks of 16 bytes whose sums stay in u16: 8 x 32 x 255. */
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
