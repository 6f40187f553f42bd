/** A repeatable shuffle: the same seed, the same order. */
export function shuffle(rows: Uint32Array, seed: number): Uint32Array {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let i = rows.length - 1; i > 0; i--) {
    // xorshift32: its low bits will do for an order.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    const kept = rows[i]!;
    rows[i] = rows[j]!;
    rows[j] = kept;
  }
  return rows;
}
