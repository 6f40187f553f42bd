/** Puts leaves in an order in which near ones are neighbours, and rows in the order of their leaves. */
import type { LeafTree } from './centroids.js';

const LEAF_ROWS_MIN = 256;
const LEAF_ROWS_MAX = 1_024;

export interface RowOrder {
  /** Source row of each new row. */
  readonly rowOrder: Uint32Array;
  /** First new row of each leaf, and the number of rows at the end. */
  readonly leafStarts: Uint32Array;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d]! - b[d]!) ** 2;
  return sum;
}

/** Visits the vectors nearest-first from `from` on. Cost: quadratic in their number. */
function nearestChain(vectors: readonly Float32Array[], from: Float32Array): number[] {
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

/** Place of each leaf: groups in a chain, and in each group its leaves, from the one nearest to the last before. */
export function chain({ groups, starts, leaves }: LeafTree, dimension: number): Uint32Array {
  const vectors = (all: Float32Array, from: number, to: number): Float32Array[] =>
    Array.from({ length: to - from }, (_, i) =>
      all.subarray((from + i) * dimension, (from + i + 1) * dimension),
    );
  const tops = vectors(groups, 0, starts.length - 1);
  const places = new Uint32Array(leaves.length / dimension);
  let place = 0;
  let last = tops[0]!;
  for (const group of nearestChain(tops, last)) {
    const start = starts[group]!;
    const members = vectors(leaves, start, starts[group + 1]!);
    for (const i of nearestChain(members, last)) {
      places[start + i] = place++;
      last = members[i]!;
    }
  }
  return places;
}

/** Sorts rows by the places of their leaves, then splits what is too large and joins what is too small. */
export function fitLeaves(leafOfRow: Uint32Array, places: Uint32Array): RowOrder {
  const ends = new Uint32Array(places.length + 1);
  for (const leaf of leafOfRow) ends[places[leaf]! + 1]!++;
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const sizes: number[] = [];
  for (let i = 0; i < places.length; i++) sizes.push(ends[i + 1]! - ends[i]!);
  const next = ends.slice();
  const rowOrder = new Uint32Array(leafOfRow.length);
  for (let row = 0; row < leafOfRow.length; row++) rowOrder[next[places[leafOfRow[row]!]!]!++] = row;
  return { rowOrder, leafStarts: startsOf(fitSizes(sizes)) };
}

/** Neighbours join until each has enough rows, and what has too many is cut into equal parts. */
export function fitSizes(sizes: readonly number[]): number[] {
  const joined: number[] = [];
  let open = 0;
  for (const size of sizes) {
    open += size;
    if (open < LEAF_ROWS_MIN) continue;
    joined.push(open);
    open = 0;
  }
  if (open > 0) joined.push((joined.pop() ?? 0) + open);
  return joined.flatMap((size) => {
    const parts = Math.ceil(size / LEAF_ROWS_MAX);
    return Array.from(
      { length: parts },
      (_, i) => Math.floor(((i + 1) * size) / parts) - Math.floor((i * size) / parts),
    );
  });
}

function startsOf(sizes: readonly number[]): Uint32Array {
  const starts = new Uint32Array(sizes.length + 1);
  for (let i = 0; i < sizes.length; i++) starts[i + 1] = starts[i]! + sizes[i]!;
  return starts;
}
