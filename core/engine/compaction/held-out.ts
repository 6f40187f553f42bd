/**
 * Asks an index for rows that it does not hold yet, and tells the truth about them: the calibration's way to the data.
 */
import { clearBit, fullBitmap } from '../../base/bitmap.js';
import type { IndexBuilder } from '../../index/index.js';
import type { Kernel, Metric } from '../../kernel/index.js';
import type { Breathe } from './breath.js';
import type { CalibrationPort } from './calibrate.js';
import { exactDistances } from './exact-distances.js';

/** Up to so many bytes of codes a scan takes less than a walk of a thousand candidates. */
const SCANNED_FAST_BYTES = 8_388_608; // 8 MiB

export interface HeldOut {
  readonly index: IndexBuilder;
  /** What is searched is coarse codes. */
  readonly coarse: boolean;
  readonly kernel: Kernel;
  readonly dimension: number;
  readonly metric: Metric;
  /** Of the index. */
  readonly rows: number;
  /** Rows that are coded and not in the graph. */
  readonly heldOut: Uint32Array;
  readonly evict: () => boolean;
  readonly read: (rows: Uint32Array, target: Float32Array) => Promise<void>;
  /** Where a row is read from. */
  readonly sourceOf: (row: number) => number;
  readonly breathe: Breathe;
}

/** What is asked, for who measures something else with the same queries. */
export interface AskedRows extends CalibrationPort {
  rowOf(query: number): number;
  vectorOf(query: number): Float32Array;
}

export async function heldOutPort(options: HeldOut): Promise<AskedRows> {
  const { index, coarse, kernel, dimension, metric, rows, heldOut, evict } = options;
  const { read, sourceOf, breathe } = options;
  const vectors = new Float32Array(heldOut.length * dimension);
  await read(heldOut, vectors);
  const queries = Array.from(heldOut, (_, i) => vectors.subarray(i * dimension, (i + 1) * dimension));
  const inserted = fullBitmap(rows);
  for (const row of heldOut) clearBit(inserted, row);
  return {
    rowOf: (query) => heldOut[query]!,
    vectorOf: (query) => queries[query]!,
    queries: queries.length,
    coarse,
    growth: rows / (rows - heldOut.length),
    scansFast: rows * dimension <= SCANNED_FAST_BYTES,
    walk: (query, width) => index.walk({ query: queries[query]!, ...width }).rows,
    walkBuilt: (query, width) => index.walkBuilt({ query: queries[query]!, ...width }).rows,
    scan: (query, limit) => index.scan({ query: queries[query]!, limit, allowed: inserted }).rows,
    spread: (query, ef) => index.spread(queries[query]!, ef),
    scanBuilt: (query, limit) => index.scanBuilt({ query: queries[query]!, limit, allowed: inserted }).rows,
    distances: (wanted) =>
      exactDistances({ kernel, dimension, metric, queries, wanted, read, sourceOf, evict, breathe }),
    breathe,
  };
}
