/**
 * Codes the rows of leaves as they are written: of each leaf its centroid and its rows' 1-bit codes, in packs of 32 as a scan wants
 * them (wasm/fast-scan.ts). What is kept until all have passed by is an eighth of a byte per dimension and 8 bytes per row.
 */
import { PAYLOAD_OFFSET, type Arena, type ArenaPool, type Metric } from '../../kernel/index.js';
import { Layout, acquireBytes, paddedDimension } from '../layout/index.js';
import type { CodeParams } from '../layout/index.js';
import { LeafTables, layOutLeafTables } from './leaf-tables.js';

const PACK_ROWS = 32;

export interface LeafEncoderOptions {
  readonly dimension: number;
  readonly metric: Metric;
  /** Ranges of the values of rows: of what length vectors are. */
  readonly params: CodeParams;
}

/** Centroids as codes relative to their mean, to know the nearest by. */
export interface CentroidCodes {
  readonly bits: number;
  readonly factor: number;
  readonly mean: Float32Array;
  readonly records: Uint8Array;
}

/** Rows that are coded, and how many there are. */
export interface EncodedLeaf {
  readonly rows: number;
  /** Centroid and packs. */
  readonly scanned: Uint8Array<ArrayBuffer>;
}

interface EncoderPlaces {
  readonly tables: ReturnType<typeof layOutLeafTables>;
  readonly input: number;
  readonly rotated: number;
  readonly centroid: number;
  readonly records: number;
  readonly pack: number;
}

/** Whether rows compared by this metric can be coded so. */
export function hasLeafCodes(metric: Metric): boolean {
  return metric !== 'manhattan';
}

export class LeafEncoder {
  readonly #options: LeafEncoderOptions;
  readonly #pool: ArenaPool;
  readonly #factor: number;
  readonly #padded: number;
  readonly #places: EncoderPlaces;
  readonly #tables: LeafTables;
  readonly #leaves: EncodedLeaf[] = [];
  #arena: Arena | undefined;

  /** Throws `memory_budget_exceeded`. Requires: a metric that `hasLeafCodes`. */
  constructor(pool: ArenaPool, options: LeafEncoderOptions) {
    const { dimension, metric, params } = options;
    this.#options = options;
    this.#pool = pool;
    this.#factor = metric === 'cosine' ? 1 : factorOf(params);
    this.#padded = paddedDimension(dimension);
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#places = {
      tables: layOutLeafTables(layout, dimension),
      input: layout.take(PACK_ROWS * dimension * 4),
      rotated: layout.take(PACK_ROWS * this.#padded * 4),
      centroid: layout.take(this.#padded * 4),
      records: layout.take(PACK_ROWS * (this.#padded / 8 + 8)),
      pack: layout.take(this.#packBytes),
    };
    const arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena = arena;
    this.#tables = new LeafTables(arena, this.#places.tables, { dimension, metric, factor: this.#factor });
  }

  /** The next leaf of the file, whole. Its centroid is one of rows of length 1 under cosine. */
  add(rows: Float32Array, leafCentroid: Float32Array): void {
    const { exports, f32, u8 } = this.#arena!;
    const { input, rotated, centroid, records, pack } = this.#places;
    const { dimension } = this.#options;
    const padded = this.#padded;
    const count = rows.length / dimension;
    const scanned = new Uint8Array(padded * 4 + Math.ceil(count / PACK_ROWS) * this.#packBytes);
    f32.set(leafCentroid, input / 4);
    this.#tables.rotateCentroid({ from: input, to: centroid });
    scanned.set(u8.subarray(centroid, centroid + padded * 4));
    const stride = padded / 8 + 8;
    for (let row = 0, to = padded * 4; row < count; row += PACK_ROWS, to += this.#packBytes) {
      const part = Math.min(PACK_ROWS, count - row);
      f32.set(rows.subarray(row * dimension, (row + part) * dimension), input / 4);
      this.#tables.rotate({ from: input, rows: part, to: rotated });
      exports.rabitqEncode(rotated, part, padded, centroid, 1, Number(this.#tables.isDot), records, stride);
      exports.packRows32(records, stride, part, padded, pack);
      scanned.set(u8.subarray(pack, pack + this.#packBytes), to);
    }
    this.#leaves.push({ rows: count, scanned });
  }

  /** Those that were added. */
  get leaves(): readonly EncodedLeaf[] {
    return this.#leaves;
  }

  /** Of all leaves. Requires: there are some, and the memory was not given back. */
  centroids(bits: number): CentroidCodes {
    const { exports, f32, u8 } = this.#arena!;
    const { rotated, centroid: meanAt, records: recordAt } = this.#places;
    const padded = this.#padded;
    const all = this.#leaves.map(({ scanned }) => new Float32Array(scanned.buffer, 0, padded));
    const mean = meanOf(all);
    const stride = (bits * padded) / 8 + 8;
    const records = new Uint8Array(all.length * stride);
    f32.set(mean, meanAt / 4);
    all.forEach((centroid, leaf) => {
      f32.set(centroid, rotated / 4);
      // There is room for a pack of records of one bit.
      exports.rabitqEncode(rotated, 1, padded, meanAt, bits, Number(this.#tables.isDot), recordAt, stride);
      records.set(u8.subarray(recordAt, recordAt + stride), leaf * stride);
    });
    return { bits, factor: this.#factor, mean, records };
  }

  /** Gives the memory back. What is coded stays. */
  release(): void {
    if (this.#arena !== undefined) this.#pool.release(this.#arena);
    this.#arena = undefined;
  }

  get #packBytes(): number {
    return this.#padded * 4 + PACK_ROWS * 8;
  }
}

function meanOf(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const { length } = rows[0]!;
  const sums = new Float64Array(length);
  for (const row of rows) for (let d = 0; d < length; d++) sums[d]! += row[d]!;
  return Float32Array.from(sums, (sum) => sum / rows.length);
}

/** Brings the longest vectors that there may be within the ranges to about length 1. */
function factorOf({ lo, step }: CodeParams): number {
  let squares = 0;
  lo.forEach((low, d) => {
    const most = Math.max(Math.abs(low), Math.abs(low + 255 * step[d]!));
    squares += most * most;
  });
  const factor = Math.fround(1 / Math.sqrt(squares));
  return factor > 0 && factor < Infinity ? factor : 1;
}
