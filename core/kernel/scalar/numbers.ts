/** Scalar twins of wasm/numbers.ts. */

export function firstNonFiniteScalar(values: Float32Array): number {
  return values.findIndex((value) => !Number.isFinite(value));
}

/** |row|^2 in f64, added in the kernel's order: 8 lanes over blocks of 8, folded in pairs, then the last 0-7 elements. */
export function normSquaredScalar(row: Float32Array): number {
  const lanes = new Float64Array(8);
  const blocks = row.length & ~7;
  for (let i = 0; i < blocks; i++) lanes[i & 7] = lanes[i & 7]! + row[i]! * row[i]!;
  const [low, high] = [0, 1].map((i) => lanes[i]! + lanes[i + 2]! + (lanes[i + 4]! + lanes[i + 6]!));
  let sum = low! + high!;
  for (let i = blocks; i < row.length; i++) sum += row[i]! * row[i]!;
  return sum;
}
