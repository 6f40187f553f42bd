/**
 * Rows as RaBitQ codes, and a query that is compared with them (wasm/rabitq.ts). Codes are relative to the centroid of the row's
 * leaf: a table says which rows are in which.
 */
import { assertInternal } from '../../../base/errors.js';
import { cosineScale, isKeptByRotation, type Arena, type Metric } from '../../../kernel/index.js';
import {
  RABITQ_STATE_BYTES,
  codeSizes,
  codingNumbers,
  paddedDimension,
  putQuery,
  putRabitqState,
} from '../../layout/index.js';
import type { KernelState, Layout, QueryConstants, RowTable } from '../../layout/index.js';
import { kindOf } from '../sq8/index.js';
import { rotationSigns } from './rotation.js';

/** Leaves of an index: their numbers are u16. */
export const LEAVES_MOST = 65_535;
/** Rows that share an entry of the table of leaves. */
const ROWS_PER_ENTRY = 32;
const CONSTANTS: QueryConstants = { base: 0, scale: 1, termFactor: 0 };

export interface RabitqScratch {
  readonly query: number;
  /** f64: the squared length of the query. */
  readonly squared: number;
  readonly signs: number;
  readonly state: number;
  readonly rotated: number;
  readonly signed: number;
  readonly planes: number;
  readonly leafOf: number;
  readonly leafStarts: number;
  readonly shares: number;
  readonly marks: number;
}

export function layOutRabitqTable(
  layout: Layout,
  { dimension, rows, leaves }: { readonly dimension: number; readonly rows: number; readonly leaves: number },
): RabitqScratch {
  const padded = paddedDimension(dimension);
  return {
    query: layout.take(dimension * 4),
    squared: layout.take(8),
    signs: layout.take(padded / 2),
    state: layout.take(RABITQ_STATE_BYTES),
    rotated: layout.take(padded * 4),
    signed: layout.take(padded),
    planes: layout.take(padded / 2),
    leafOf: layout.take(Math.ceil(rows / ROWS_PER_ENTRY) * 2),
    leafStarts: layout.take((leaves + 1) * 4),
    shares: layout.take(leaves * 8),
    marks: layout.take(leaves),
  };
}

export interface RabitqTableOptions extends RabitqScratch {
  readonly dimension: number;
  readonly metric: Metric;
  readonly bits: number;
  readonly unit: number;
  /** Rows of the index. */
  readonly rows: number;
  /** The first row of each leaf. */
  readonly starts: Uint32Array;
  /** Addresses in the arena. */
  readonly codes: number;
  readonly centroids: number;
}

export class RabitqTable implements RowTable {
  readonly dimension: number;
  readonly scale: RowTable['scale'];
  readonly queryAt: number;
  readonly exact: boolean = false;
  readonly #arena: Arena;
  readonly #state: KernelState;
  readonly #options: RabitqTableOptions;
  readonly #stride: number;
  readonly #padded: number;

  /** Requires: at most `LEAVES_MOST` leaves, whose starts ascend from 0 to less than `rows`; a metric that a rotation keeps. */
  constructor(arena: Arena, state: KernelState, options: RabitqTableOptions) {
    const { dimension, metric, bits, unit, query, signs, starts, rows } = options;
    assertInternal(
      isKeptByRotation(metric) && starts.length <= LEAVES_MOST,
      `rabitq of ${starts.length} leaves`,
    );
    this.dimension = dimension;
    this.scale = scaleOf(metric, unit);
    this.queryAt = query;
    this.#arena = arena;
    this.#state = state;
    this.#options = options;
    this.#stride = codeSizes({ kind: 'rabitq', bits }, options).stride;
    this.#padded = paddedDimension(dimension);
    arena.u8.set(rotationSigns(this.#padded), signs);
    putRabitqState(arena, options.state, {
      padded: this.#padded,
      bits,
      rotated: options.rotated,
      signed: options.signed,
      planes: options.planes,
      leafOf: options.leafOf,
      leafStarts: options.leafStarts,
    });
    this.beginRows(0, rows);
  }

  select(): void {
    const { metric, codes, state: own } = this.#options;
    const state = this.#state;
    state.put('coding', codingNumbers.rabitq);
    state.put('kind', kindOf(metric));
    state.put('stride', this.#stride);
    state.put('codes', codes);
    state.put('rabitq', own);
  }

  prepare(query: Float32Array): void {
    putQuery(this.#arena, this, query);
    this.prepareHere();
  }

  prepareHere(): void {
    const { signs, rotated, marks, starts } = this.#options;
    const { exports, u8 } = this.#arena;
    // What leaves' shares were of the query before is forgotten, of those too that no row is in now.
    u8.fill(0, marks, marks + starts.length);
    exports.rotateRows(this.queryAt, 1, this.dimension, 0, this.#factor(), signs, this.#padded, rotated);
    exports.prepareRabitq();
  }

  /** Shares and centroids are of the whole index, and only which rows are in which leaf is told anew. */
  beginRows(first: number, count: number): void {
    const { starts, leafOf, leafStarts, centroids, shares, marks } = this.#options;
    const { u32 } = this.#arena;
    const from = leafOfRow(starts, first);
    let leaf = from;
    u32[leafStarts / 4] = 0;
    for (; leaf + 1 < starts.length && starts[leaf + 1]! < first + count; leaf++)
      u32[leafStarts / 4 + leaf + 1 - from] = starts[leaf + 1]! - first;
    const leaves = leaf + 1 - from;
    u32[leafStarts / 4 + leaves] = count;
    const entries = new Uint16Array(this.#arena.u8.buffer, leafOf, Math.ceil(count / ROWS_PER_ENTRY));
    for (let entry = 0, at = 0; entry < entries.length; entry++) {
      while (u32[leafStarts / 4 + at + 1]! <= entry * ROWS_PER_ENTRY) at++;
      entries[entry] = at;
    }
    putRabitqState(this.#arena, this.#options.state, {
      centroids: centroids + from * this.#padded * 4,
      shares: shares + from * 8,
      marks: marks + from,
      leaves,
    });
  }

  /** All of it lies in the table's scratch. */
  constants(): QueryConstants {
    return CONSTANTS;
  }

  putConstants(): void {
    // As `constants` says.
  }

  measureExactly(): void {
    assertInternal(false, 'rabitq codes are not exact');
  }

  /** By which a query comes into units; a cosine's to length 1. */
  #factor(): number {
    const { metric, unit, squared } = this.#options;
    if (metric === 'dot') return 1;
    if (metric === 'euclidean') return 1 / unit;
    const { exports, f64 } = this.#arena;
    exports.sumSquares(this.queryAt, 1, this.dimension, this.dimension * 4, squared);
    const length = f64[squared / 8]!;
    return length > 0 ? cosineScale(length) : 0;
  }
}

/** The last leaf that begins at the row or before it. */
function leafOfRow(starts: Uint32Array, row: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Half of the L2 of vectors of length 1, less 1, is -cos. */
function scaleOf(metric: Metric, unit: number): RowTable['scale'] {
  if (metric === 'dot') return { unit, offset: 0 };
  return metric === 'cosine' ? { unit: 0.5, offset: -1 } : { unit: unit * unit, offset: 0 };
}
