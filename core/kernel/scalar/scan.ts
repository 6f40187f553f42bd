/**
 * Scalar twins of wasm/scan.ts and wasm/nearest.ts: exact search by measuring every row and sorting. Equal distances are in the order of
 * their rows, -0 counts as 0, and NaN comes last.
 */
import { distanceScalar } from './distance.js';

export interface ScalarRows {
  /** Kernel metric code (metric.ts). */
  readonly metric: number;
  readonly query: Float32Array;
  readonly rows: readonly Float32Array[];
  readonly isLive: (row: number) => boolean;
  /** One factor per row, multiplied into the distance. Absent: 1. */
  readonly scales?: Float32Array | undefined;
}

export interface ScalarHit {
  readonly row: number;
  readonly distance: number;
}

/** Distance of every live row, in row order. */
function measure(search: ScalarRows): ScalarHit[] {
  const hits: ScalarHit[] = [];
  for (const [row, vector] of search.rows.entries()) {
    if (!search.isLive(row)) continue;
    const raw = distanceScalar(search.metric, search.query, vector);
    const scale = search.scales?.[row];
    hits.push({ row, distance: (scale === undefined ? raw : Math.fround(raw * scale)) + 0 });
  }
  return hits;
}

function rank(distance: number): number {
  return Number.isNaN(distance) ? 1 : 0;
}

function nearer(a: ScalarHit, b: ScalarHit): number {
  if (rank(a.distance) !== rank(b.distance)) return rank(a.distance) - rank(b.distance);
  if (a.distance < b.distance) return -1;
  return a.distance > b.distance ? 1 : a.row - b.row;
}

/** The nearest `k` live rows. */
export function topKScalar(search: ScalarRows, k: number): ScalarHit[] {
  return measure(search).toSorted(nearer).slice(0, k);
}

/** The nearest `limit` live rows of those within the bound. */
export function nearestOfScalar(
  distances: Float32Array,
  {
    isLive,
    limit,
    bound,
  }: { readonly isLive: (row: number) => boolean; readonly limit: number; readonly bound: number },
): number[] {
  return Array.from(distances, (distance, row) => ({ row, distance }))
    .filter(({ row, distance }) => isLive(row) && distance <= bound)
    .toSorted(nearer)
    .slice(0, limit)
    .map(({ row }) => row);
}

/** The live rows at exactly `distance`, ascending. */
export function equalRowsScalar(search: ScalarRows, distance: number): number[] {
  const wanted = distance + 0;
  return measure(search)
    .filter((hit) => Object.is(hit.distance, wanted))
    .map((hit) => hit.row);
}
