/**
 * A fixed random rotation (Gao et al. 2025, RaBitQ's): four rounds of random signs and a fast Hadamard transform, of the first
 * 2^k dimensions in odd rounds and of the last in even ones; where that is not all of them, sums and differences of the two
 * halves behind it. Lengths and angles stay; each dimension becomes a mixture of all.
 */

// @ts-ignore: decorator
@inline
function flip(row: usize, signs: usize, dimension: usize): void {
  const selected = i32x4(1, 2, 4, 8);
  const sign = i32x4.splat(0x80000000);
  for (let d: usize = 0; d < dimension; d += 8) {
    const bits = i32x4.splat(<i32>load<u8>(signs + (d >> 3)));
    const at = row + (d << 2);
    const low = i32x4.eq(v128.and(bits, selected), selected);
    const high = v128.and(i32x4.shr_u(bits, 4), selected);
    v128.store(at, v128.xor(v128.load(at), v128.and(low, sign)));
    v128.store(at, v128.xor(v128.load(at, 16), v128.and(i32x4.eq(high, selected), sign)), 16);
  }
}

/** The Hadamard transform of `count` (a power of two, 64 at least) f32, times `scale`. */
function transform(at: usize, count: usize, scale: f32): void {
  const end = at + (count << 2);
  const odd = f32x4(1, -1, 1, -1);
  const upper = f32x4(1, 1, -1, -1);
  const scales = f32x4.splat(scale);
  for (let p = at; p < end; p += 16) {
    let v = f32x4.mul(v128.load(p), scales);
    v = f32x4.add(f32x4.mul(v, odd), v128.shuffle<f32>(v, v, 1, 0, 3, 2));
    v = f32x4.add(f32x4.mul(v, upper), v128.shuffle<f32>(v, v, 2, 3, 0, 1));
    v128.store(p, v);
  }
  let half: usize = 16;
  // Two steps at once, for half as many loads and stores.
  for (; half < count << 1; half <<= 2) {
    for (let block = at; block < end; block += half << 2) {
      for (let p = block; p < block + half; p += 16) {
        const a = v128.load(p);
        const b = v128.load(p + half);
        const c = v128.load(p + half * 2);
        const d = v128.load(p + half * 3);
        const sum = f32x4.add(a, b);
        const difference = f32x4.sub(a, b);
        const sumBehind = f32x4.add(c, d);
        const differenceBehind = f32x4.sub(c, d);
        v128.store(p, f32x4.add(sum, sumBehind));
        v128.store(p + half, f32x4.add(difference, differenceBehind));
        v128.store(p + half * 2, f32x4.sub(sum, sumBehind));
        v128.store(p + half * 3, f32x4.sub(difference, differenceBehind));
      }
    }
  }
  if (half < count << 2) mixHalves(at, count);
}

/** Sums and differences of the two halves. */
// @ts-ignore: decorator
@inline
function mixHalves(row: usize, padded: usize): void {
  const half = padded << 1;
  for (let p = row; p < row + half; p += 16) {
    const a = v128.load(p);
    const b = v128.load(p + half);
    v128.store(p, f32x4.add(a, b));
    v128.store(p + half, f32x4.sub(a, b));
  }
}

/** `signs`: four times a bit per dimension. */
function rotate(row: usize, padded: usize, signs: usize): void {
  const power = 31 - clz<u32>(<u32>padded);
  const count = (<usize>1) << power;
  const whole = count == padded;
  // Each of four steps between the halves makes it longer by sqrt(2).
  const scale = <f32>(1 / sqrt<f64>(<f64>count) / (whole ? 1 : sqrt<f64>(2)));
  for (let round: usize = 0; round < 4; round++) {
    flip(row, signs + round * (padded >> 3), padded);
    transform((round & 1) == 0 ? row : row + ((padded - count) << 2), count, scale);
    if (whole) continue;
    // What was not transformed is scaled alike.
    const rest = (round & 1) == 0 ? row + (count << 2) : row;
    const scales = f32x4.splat(<f32>Math.SQRT1_2);
    for (let p = rest; p < rest + ((padded - count) << 2); p += 16) v128.store(p, f32x4.mul(v128.load(p), scales));
    mixHalves(row, padded);
  }
}

/**
 * Rotates `count` rows of f32[dimension], each times its f32 at `scales` (0: none) and `factor`, to f32[padded]. Requires:
 * `padded` is the next multiple of 64.
 */
export function rotateRows(
  from: usize,
  count: u32,
  dimension: u32,
  scales: usize,
  factor: f32,
  signs: usize,
  padded: u32,
  to: usize,
): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = from + ((i * <usize>dimension) << 2);
    const out = to + ((i * <usize>padded) << 2);
    const scale = scales != 0 ? load<f32>(scales + (i << 2)) * factor : factor;
    const times = f32x4.splat(scale);
    const fours = <usize>dimension & ~3;
    for (let d: usize = 0; d < fours; d += 4) v128.store(out + (d << 2), f32x4.mul(v128.load(row + (d << 2)), times));
    for (let d = fours; d < <usize>dimension; d++) store<f32>(out + (d << 2), load<f32>(row + (d << 2)) * scale);
    memory.fill(out + (<usize>dimension << 2), 0, <usize>(padded - dimension) << 2);
    rotate(out, <usize>padded, signs);
  }
}
