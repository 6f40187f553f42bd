/** Puts vectors in an order in which near ones are neighbours. */

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d]! - b[d]!) ** 2;
  return sum;
}

/** Visits the vectors nearest-first from `from` on. Cost: quadratic in their number. */
export function nearestChain(vectors: readonly Float32Array[], from: Float32Array): number[] {
  const left = new Set(vectors.keys());
  const order: number[] = [];
  let at = from;
  while (left.size > 0) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const i of left) {
      const value = squaredDistance(vectors[i]!, at);
      if (best < 0 || value < least) {
        best = i;
        least = value;
      }
    }
    left.delete(best);
    order.push(best);
    at = vectors[best]!;
  }
  return order;
}

/** The vectors of a row-major array. */
export function vectorsOf(all: Float32Array, dimension: number): Float32Array[] {
  return Array.from({ length: all.length / dimension }, (_, i) =>
    all.subarray(i * dimension, (i + 1) * dimension),
  );
}
