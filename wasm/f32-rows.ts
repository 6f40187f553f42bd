/**
 * Rows as they were given, f32 numbers one row every STRIDE bytes, padded by zeros to a multiple of 4. The query lies at
 * WEIGHTS, padded alike. A row's distance is BASE + SCALE x term x the kernels' distance (distance.ts); without TERMS, 1 is the
 * term. For cosine the kernels' is that of products, the term 1 by the length of the row, BASE 1 and SCALE 1 by the query's: what
 * walks compare is never far below 0, and may be bounded.
 */
import { distance } from './distance';
import { BASE, CODES, DOT, KIND, L1, L2, POOL, SCALE, STRIDE, TERMS, WEIGHTS } from './index-state';

// @ts-ignore: decorator
@inline
function measureBy(metric: i32, list: usize, count: u32, out: usize): void {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const terms = <usize>load<u32>(TERMS);
  const query = <usize>load<u32>(WEIGHTS);
  const base = <f32>load<f64>(BASE);
  const scale = <f32>load<f64>(SCALE);
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 4) {
    const row = <usize>load<u32>(list + i);
    const value = distance(metric, query, codes + row * stride, <u32>(stride >> 2));
    const scaled: f32 = terms != 0 ? value * load<f32>(terms + (row << 2)) : value;
    store<f32>(out + i, base + scale * scaled);
  }
}

/** Writes the distance of each listed row to the prepared query to `out` (f32). */
export function measureF32(list: usize, count: u32, out: usize): void {
  const kind = load<u32>(KIND);
  if (kind == L1) measureBy(<i32>L1, list, count, out);
  else if (kind == DOT) measureBy(<i32>DOT, list, count, out);
  else measureBy(<i32>L2, list, count, out);
}

// @ts-ignore: decorator
@inline
function measureExactlyBy(metric: i32, count: u32, dimension: u32): void {
  const stride = <usize>load<u32>(STRIDE);
  const codes = <usize>load<u32>(CODES);
  const terms = <usize>load<u32>(TERMS);
  const query = <usize>load<u32>(WEIGHTS);
  let key = <usize>load<u32>(POOL);
  for (const end = key + (<usize>count << 3); key < end; key += 8) {
    const row = <usize>load<u32>(key);
    const value = distance(metric, query, codes + row * stride, dimension);
    // As the scan of f32 rows answers it: -0 is 0.
    store<f32>(key + 4, (terms != 0 ? value * load<f32>(terms + (row << 2)) : value) + 0.0);
  }
}

/** Of the `count` keys at POOL the upper halves become the f32 distances of their rows, as the scan of f32 rows has them (scan.ts). */
export function measureF32Exactly(count: u32, dimension: u32): void {
  const kind = load<u32>(KIND);
  if (kind == L1) measureExactlyBy(<i32>L1, count, dimension);
  else if (kind == DOT) measureExactlyBy(<i32>DOT, count, dimension);
  else measureExactlyBy(<i32>L2, count, dimension);
}
