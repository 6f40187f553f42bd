/**
 * Codes the rows of leaves as they are written: of each leaf its centroid and its rows' 1-bit codes, in packs of 32 as a scan wants
 * them (wasm/fast-scan.ts). What is kept until all have passed by is an eighth of a byte per dimension and 8 bytes per row.
 *
 * The centroid is the mean of the rows, of as many of a large leaf as are held at once: rows of a leaf come in no order.
 */
import { assertInternal } from '../../base/errors.js';
import { PAYLOAD_OFFSET, type Arena, type ArenaPool, type Metric } from '../../kernel/index.js';
import { Layout, acquireBytes, paddedDimension } from '../layout/index.js';
import type { CodeParams } from '../layout/index.js';
import { LeafTables, layOutLeafTables } from './leaf-tables.js';

/** Of rotated rows that are held at once. */
const HELD_BYTES = 3_145_728; // 3 MiB
const INPUT_BYTES = 65_536;
const PACK_ROWS = 32;

export interface LeafEncoderOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly rows: number;
  readonly leafStarts: Uint32Array;
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

interface EncoderPlaces {
  readonly tables: ReturnType<typeof layOutLeafTables>;
  readonly input: number;
  readonly held: number;
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
  readonly #heldMost: number;
  readonly #inputMost: number;
  readonly #tables: LeafTables;
  readonly #done: Uint8Array<ArrayBuffer>[] = [];
  #arena: Arena | undefined;
  /** The leaf that is being coded, and how many of its rows are. */
  #leaf = 0;
  #coded = 0;
  #held = 0;

  /** Throws `memory_budget_exceeded`. Requires: a metric that `hasLeafCodes`; leaves. */
  constructor(pool: ArenaPool, options: LeafEncoderOptions) {
    const { dimension, metric, params } = options;
    assertInternal(options.leafStarts.length > 0, 'rows in no leaves');
    this.#options = options;
    this.#pool = pool;
    this.#factor = metric === 'cosine' ? 1 : factorOf(params);
    this.#padded = paddedDimension(dimension);
    // Whole packs: what does not fit is coded behind them.
    this.#heldMost = PACK_ROWS * Math.max(1, Math.floor(HELD_BYTES / (this.#padded * 4 * PACK_ROWS)));
    this.#inputMost = Math.max(1, Math.floor(INPUT_BYTES / (dimension * 4)));
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#places = {
      tables: layOutLeafTables(layout, dimension),
      input: layout.take(this.#inputMost * dimension * 4),
      held: layout.take(this.#heldMost * this.#padded * 4),
      centroid: layout.take(this.#padded * 4),
      records: layout.take(PACK_ROWS * (this.#padded / 8 + 8)),
      pack: layout.take(this.#packBytes),
    };
    const arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena = arena;
    this.#tables = new LeafTables(arena, this.#places.tables, { dimension, metric, factor: this.#factor });
  }

  /** Whole rows in the order of the file, over any number of calls. */
  add(rows: Float32Array): void {
    const { dimension } = this.#options;
    const { f32 } = this.#arena!;
    const { input, held } = this.#places;
    for (let row = 0, all = rows.length / dimension; row < all;) {
      const room = Math.min(this.#heldMost - this.#held, this.#leafRows - this.#coded - this.#held);
      const count = Math.min(this.#inputMost, all - row, room);
      f32.set(rows.subarray(row * dimension, (row + count) * dimension), input / 4);
      this.#tables.rotate({ from: input, rows: count, to: held + this.#held * this.#padded * 4 });
      this.#held += count;
      row += count;
      if (count === room) this.#codeHeld();
    }
  }

  /** Centroid and packs of each leaf. Requires: all rows were added. */
  get leaves(): readonly Uint8Array<ArrayBuffer>[] {
    assertInternal(this.#leaf === this.#options.leafStarts.length, () => `${this.#leaf} leaves are coded`);
    return this.#done;
  }

  /** Requires: all rows were added, and the memory was not given back. */
  centroids(bits: number): CentroidCodes {
    const { exports, f32, u8 } = this.#arena!;
    const { held, centroid: meanAt } = this.#places;
    const padded = this.#padded;
    const all = this.leaves.map((leaf) => new Float32Array(leaf.buffer, 0, padded));
    const mean = meanOf(all);
    const stride = (bits * padded) / 8 + 8;
    const records = new Uint8Array(all.length * stride);
    f32.set(mean, meanAt / 4);
    all.forEach((centroid, leaf) => {
      f32.set(centroid, held / 4);
      // Behind the one row that is held there is room for its record.
      const at = held + padded * 4;
      exports.rabitqEncode(held, 1, padded, meanAt, bits, Number(this.#tables.isDot), at, stride);
      records.set(u8.subarray(at, at + stride), leaf * stride);
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

  get #leafRows(): number {
    const { leafStarts, rows } = this.#options;
    return (leafStarts[this.#leaf + 1] ?? rows) - leafStarts[this.#leaf]!;
  }

  /** Codes the rows that are held: all of the leaf, or a part of it that begins with a pack. */
  #codeHeld(): void {
    const { exports, f32, u8 } = this.#arena!;
    const { held, centroid, records, pack } = this.#places;
    const padded = this.#padded;
    const rows = this.#held;
    if (this.#coded === 0) this.#beginLeaf();
    const leaf = this.#done[this.#leaf]!;
    f32.set(new Float32Array(leaf.buffer, 0, padded), centroid / 4);
    const stride = padded / 8 + 8;
    for (let row = 0; row < rows; row += PACK_ROWS) {
      const count = Math.min(PACK_ROWS, rows - row);
      const at = held + row * padded * 4;
      exports.rabitqEncode(at, count, padded, centroid, 1, Number(this.#tables.isDot), records, stride);
      exports.packRows32(records, stride, count, padded, pack);
      const to = padded * 4 + ((this.#coded + row) / PACK_ROWS) * this.#packBytes;
      leaf.set(u8.subarray(pack, pack + this.#packBytes), to);
    }
    this.#coded += rows;
    this.#held = 0;
    if (this.#coded < this.#leafRows) return;
    this.#leaf++;
    this.#coded = 0;
  }

  #beginLeaf(): void {
    const padded = this.#padded;
    const packs = Math.ceil(this.#leafRows / PACK_ROWS);
    const leaf = new Uint8Array(padded * 4 + packs * this.#packBytes);
    const { f32 } = this.#arena!;
    const at = this.#places.held / 4;
    const rows = Array.from({ length: this.#held }, (_, row) =>
      f32.subarray(at + row * padded, at + (row + 1) * padded),
    );
    new Float32Array(leaf.buffer, 0, padded).set(meanOf(rows));
    this.#done.push(leaf);
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
