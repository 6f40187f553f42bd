/**
 * Codes the rows of leaves as they are written: of each leaf its centroid and its rows' 1-bit codes, in packs of 32 as a scan wants
 * them (wasm/fast-scan.ts). Rows are guests of a second leaf (second-leaves.ts), and coded for that one, too, when all leaves are
 * known. What is kept until all have passed by is a quarter of a byte per dimension and 16 bytes per row.
 */
import {
  PAYLOAD_OFFSET,
  isKeptByRotation,
  type Arena,
  type ArenaPool,
  type Metric,
} from '../../kernel/index.js';
import { Layout, acquireBytes, paddedDimension } from '../layout/index.js';
import type { CodeParams } from '../layout/index.js';
import { LeafTables, PACK_ROWS, layOutLeafTables, packBytes, recordBytes } from './leaf-tables.js';
import { NO_LEAF } from './second-leaves.js';

const NO_GUESTS = new Uint32Array(0);

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

/** Rows that are coded. */
export interface EncodedLeaf {
  /** How many are its own. */
  readonly rows: number;
  /** Rows of the file whose own leaf is another. */
  readonly guests: Uint32Array;
  /** Centroid and packs: those of its own, then those of its guests. */
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
  return isKeptByRotation(metric);
}

export class LeafEncoder {
  readonly #options: LeafEncoderOptions;
  readonly #pool: ArenaPool;
  readonly #factor: number;
  readonly #padded: number;
  readonly #places: EncoderPlaces;
  readonly #tables: LeafTables;
  #leaves: EncodedLeaf[] = [];
  #rows = 0;
  /** Records of guests, each at the place of its row in the file. */
  #guestRecords: Uint8Array = new Uint8Array(0);
  #guests: number[][] = [];
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
      records: layout.take(PACK_ROWS * this.#stride),
      pack: layout.take(this.#packBytes),
    };
    const arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena = arena;
    this.#tables = new LeafTables(arena, this.#places.tables, { dimension, metric, factor: this.#factor });
  }

  /** The next leaf of the file, whole. Its centroid is one of rows of length 1 under cosine. */
  add(rows: Float32Array, leafCentroid: Float32Array): void {
    const { f32, u8 } = this.#arena!;
    const { input, rotated, centroid, records, pack } = this.#places;
    const { dimension } = this.#options;
    const padded = this.#padded;
    const count = rows.length / dimension;
    const scanned = new Uint8Array(padded * 4 + Math.ceil(count / PACK_ROWS) * this.#packBytes);
    f32.set(leafCentroid, input / 4);
    this.#tables.rotateCentroid({ from: input, to: centroid });
    scanned.set(u8.subarray(centroid, centroid + padded * 4));
    for (let row = 0, to = padded * 4; row < count; row += PACK_ROWS, to += this.#packBytes) {
      const part = Math.min(PACK_ROWS, count - row);
      f32.set(rows.subarray(row * dimension, (row + part) * dimension), input / 4);
      this.#tables.pack({ from: input, rows: part, centroid, rotated, records, to: pack });
      scanned.set(u8.subarray(pack, pack + this.#packBytes), to);
    }
    this.#leaves.push({ rows: count, guests: NO_GUESTS, scanned });
    this.#rows += count;
  }

  /** Rows of the file from `first` on, each to be a guest of the leaf that is said, or `NO_LEAF`. Requires: all leaves were added. */
  addGuests(first: number, rows: Float32Array, leafOf: Uint32Array): void {
    const { exports, f32, u8 } = this.#arena!;
    const { input, rotated, centroid, records } = this.#places;
    const { dimension } = this.#options;
    const padded = this.#padded;
    const stride = this.#stride;
    if (this.#guests.length === 0) {
      this.#guests = this.#leaves.map(() => []);
      this.#guestRecords = new Uint8Array(this.#rows * stride);
    }
    for (let row = 0; row < leafOf.length; row += PACK_ROWS) {
      const part = Math.min(PACK_ROWS, leafOf.length - row);
      f32.set(rows.subarray(row * dimension, (row + part) * dimension), input / 4);
      this.#tables.rotate({ from: input, rows: part, to: rotated });
      for (let i = 0; i < part; i++) {
        const leaf = leafOf[row + i]!;
        if (leaf === NO_LEAF) continue;
        f32.set(new Float32Array(this.#leaves[leaf]!.scanned.buffer, 0, padded), centroid / 4);
        const at = rotated + i * padded * 4;
        exports.rabitqEncode(at, 1, padded, centroid, 1, Number(this.#tables.isDot), records, stride);
        this.#guestRecords.set(u8.subarray(records, records + stride), (first + row + i) * stride);
        this.#guests[leaf]!.push(first + row + i);
      }
    }
  }

  /** Packs the guests, whose records are let go of. Requires: all were added. */
  endGuests(): void {
    const { exports, u8 } = this.#arena!;
    const { records, pack } = this.#places;
    const stride = this.#stride;
    this.#leaves = this.#leaves.map(({ rows, scanned: own }, leaf) => {
      const guests = Uint32Array.from(this.#guests[leaf] ?? []);
      const scanned = new Uint8Array(own.length + Math.ceil(guests.length / PACK_ROWS) * this.#packBytes);
      scanned.set(own);
      for (let first = 0, to = own.length; first < guests.length; first += PACK_ROWS, to += this.#packBytes) {
        const packed = guests.subarray(first, first + PACK_ROWS);
        packed.forEach((row, i) => {
          u8.set(this.#guestRecords.subarray(row * stride, (row + 1) * stride), records + i * stride);
        });
        exports.packRows32(records, stride, packed.length, this.#padded, pack);
        scanned.set(u8.subarray(pack, pack + this.#packBytes), to);
      }
      return { rows, guests, scanned };
    });
    this.#guests = [];
    this.#guestRecords = new Uint8Array(0);
  }

  /** Those that were added, with guests once these have ended. */
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
    const stride = recordBytes(padded, bits);
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

  get #stride(): number {
    return recordBytes(this.#padded, 1);
  }

  get #packBytes(): number {
    return packBytes(this.#padded);
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
