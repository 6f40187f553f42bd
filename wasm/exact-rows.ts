/**
 * Rows whose codes hold their values (`exact` in core/index/layout/shape.ts): decoded one after another and compared as f32,
 * so that what a search has found is ordered exactly and no raw row is read for it.
 */
import { codeAt } from './code-rows';
import { distance } from './distance';
import { DOT, KIND, L1, L2, POOL } from './index-state';

// @ts-ignore: decorator
@inline
function decode4(codes: v128, low: usize, step: usize, out: usize): void {
  const value = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(codes), v128.load(step)), v128.load(low));
  v128.store(out, value);
}

/**
 * Writes lo + step x code of whole blocks of 16: of dimensions beyond the last it writes what follows the ranges. `lows` is
 * f32 lo[dimension], step[dimension].
 */
function decodeRow(code: usize, lows: usize, dimension: u32, out: usize): void {
  let low = lows;
  let step = lows + (<usize>dimension << 2);
  for (const end = code + dimension; code < end; code += 16) {
    const bytes = v128.load(code);
    const first = i16x8.extend_low_i8x16_u(bytes);
    const second = i16x8.extend_high_i8x16_u(bytes);
    decode4(i32x4.extend_low_i16x8_u(first), low, step, out);
    decode4(i32x4.extend_high_i16x8_u(first), low + 16, step + 16, out + 16);
    decode4(i32x4.extend_low_i16x8_u(second), low + 32, step + 32, out + 32);
    decode4(i32x4.extend_high_i16x8_u(second), low + 48, step + 48, out + 48);
    low += 64;
    step += 64;
    out += 64;
  }
}

// @ts-ignore: decorator
@inline
function measureBy(metric: i32, count: u32, query: usize, lows: usize, dimension: u32, row: usize): void {
  let key = <usize>load<u32>(POOL);
  for (const end = key + (<usize>count << 3); key < end; key += 8) {
    decodeRow(codeAt(load<u32>(key)), lows, dimension, row);
    // As the scan of f32 rows answers it: -0 is 0.
    store<f32>(key + 4, distance(metric, query, row, dimension) + 0.0);
  }
}

/**
 * Of the `count` keys at POOL the upper halves become the f32 distances of their rows from the f32 query. `row` is room for
 * one row in whole blocks of 16. Not for cosine, whose codes are of rows brought to length 1.
 */
export function measureExactly(count: u32, query: usize, lows: usize, dimension: u32, row: usize): void {
  const kind = load<u32>(KIND);
  if (kind == L1) measureBy(<i32>L1, count, query, lows, dimension, row);
  else if (kind == DOT) measureBy(<i32>DOT, count, query, lows, dimension, row);
  else measureBy(<i32>L2, count, query, lows, dimension, row);
}
