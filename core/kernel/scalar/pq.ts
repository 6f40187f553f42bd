/** Scalar twins of wasm/pq.ts and pq-rows.ts: the same codes, tables and distances to the bit. */
import { KERNEL_DOT, KERNEL_L1, KERNEL_L2 } from '../metric.js';
import { inverseLengthScalar } from './query.js';

const { fround } = Math;
const CENTROIDS = 16;
const FAR = 16;

/** What was learnt: dimensions in the order of the sub-vectors, and of each place there 16 centroids. */
export interface PqBooks {
  readonly subs: number;
  readonly order: Uint32Array;
  readonly centroids: Float32Array;
}

/** First place and width of each sub-vector. */
function subVectors({ subs, order }: PqBooks): { readonly first: number; readonly width: number }[] {
  const width = Math.floor(order.length / subs);
  const wider = order.length % subs;
  return Array.from({ length: subs }, (_, s) => ({
    first: s * width + Math.min(s, wider),
    width: width + Number(s < wider),
  }));
}

function addUp(width: number, part: (place: number) => number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum = fround(sum + part(i));
  return sum;
}

export interface PqUnits {
  readonly middles: Float32Array;
  /** 1 by the unit. */
  readonly inverse: number;
}

/** The codes of a row, one per sub-vector. */
export function pqCodesScalar(
  row: Float32Array,
  scale: number,
  books: PqBooks,
  { middles, inverse }: PqUnits,
): Uint8Array {
  const values = Float32Array.from(books.order, (d) => {
    const value = fround(fround(fround(row[d]! * fround(scale)) - middles[d]!) * fround(inverse));
    return Math.max(-FAR, Math.min(FAR, value));
  });
  return Uint8Array.from(subVectors(books), ({ first, width }) => {
    const distances = Array.from({ length: CENTROIDS }, (_, k) =>
      addUp(width, (i) => {
        const difference = fround(books.centroids[(first + i) * CENTROIDS + k]! - values[first + i]!);
        return fround(difference * difference);
      }),
    );
    return distances.indexOf(Math.min(...distances));
  });
}

export interface PqQuery {
  /** u8[subs][16]. */
  readonly tables: Uint8Array;
  readonly base: number;
  readonly scale: number;
}

export interface PqQueryOptions {
  /** Code of the metric (metric.ts); cosine is L2 of vectors of length 1. */
  readonly kind: number;
  readonly isCosine: boolean;
  readonly factor: number;
  readonly unit: number;
  /** f64, in the units of the query times `factor`. */
  readonly middles: Float64Array;
}

export function preparePqScalar(query: Float32Array, books: PqBooks, options: PqQueryOptions): PqQuery {
  const { kind, isCosine, factor, unit } = options;
  const { offsets, start } = offsetsOf(
    query,
    isCosine ? inverseLengthScalar(query) * factor : factor,
    options,
  );
  const largest = offsets.reduce((most, offset) => Math.max(most, Math.abs(offset)), 0);
  const size = kind === KERNEL_L2 ? Math.max(1, largest) : kind === KERNEL_DOT && largest > 0 ? largest : 1;
  const times = kind === KERNEL_L2 ? -2 / size : kind === KERNEL_DOT ? -1 / size : 1;
  const own = kind === KERNEL_L2 ? fround(1 / size) : 0;
  const values = Float32Array.from(books.order, (d) => offsets[d]! * times);
  const part = (place: number, k: number): number => {
    const c = books.centroids[place * CENTROIDS + k]!;
    const value = values[place]!;
    if (kind === KERNEL_L1) return Math.abs(fround(value - c));
    return fround(c * fround(fround(c * own) + value));
  };
  let leasts = 0;
  let widest = 0;
  const floats = subVectors(books).map(({ first, width }) => {
    const sums = Array.from({ length: CENTROIDS }, (_, k) => addUp(width, (i) => part(first + i, k)));
    const least = Math.min(...sums);
    leasts += least;
    const table = Float32Array.from(sums, (sum) => sum - least);
    widest = Math.max(widest, ...table);
    return table;
  });
  const inverse = widest > fround(1e-36) ? fround(255 / widest) : 0;
  const tables = floats.flatMap((table) => Array.from(table, (value) => nearest(fround(value * inverse))));
  const weight = size * unit;
  return {
    tables: Uint8Array.from(tables),
    base: start + weight * leasts,
    scale: (weight * widest) / 255,
  };
}

/** What of the query lies off the middles, and what that alone adds to a distance. */
function offsetsOf(
  query: Float32Array,
  length: number,
  { kind, middles }: PqQueryOptions,
): { readonly offsets: Float64Array; readonly start: number } {
  const lanes = [0, 0];
  const offsets = Float64Array.from(query, (number, d) => {
    const value = number * length;
    const offset = kind === KERNEL_DOT ? value : value - middles[d]!;
    const inside = kind === KERNEL_L1 ? Math.max(-1, Math.min(1, offset)) : offset;
    lanes[d & 1]! +=
      kind === KERNEL_DOT
        ? value * middles[d]!
        : kind === KERNEL_L1
          ? Math.abs(offset - inside)
          : offset * offset;
    return inside;
  });
  const sum = lanes[0]! + lanes[1]!;
  return { offsets, start: kind === KERNEL_DOT ? -sum : sum };
}

/** To even where two are as near. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  return over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** The distance of a row of these codes. */
export function pqDistanceScalar(codes: Uint8Array, { tables, base, scale }: PqQuery): number {
  const sum = codes.reduce((total, code, s) => total + tables[s * CENTROIDS + code]!, 0);
  return fround(base + scale * sum);
}
