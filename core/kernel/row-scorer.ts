/**
 * Exact distances of vectors that lie anywhere: they pass through one block, whose arena is acquired when it is first
 * needed and kept, so that ranking candidates anew asks for no memory when memory is short.
 *
 * The kernels are those of the memtable's blocks, and so is the scale of a cosine: a record's distance is the same to the
 * bit wherever the record lies.
 */
import { sliceBits } from '../base/bitmap.js';
import type { Kernel } from './kernel.js';
import { arenaClasses } from './layout.js';
import { cosineScale, type Metric } from './metric.js';
import { RowBlock } from './row-block.js';

/** Fewer rows than this per round cost more in calls than in distances. */
const ROWS_PER_ROUND = 64;

export interface ScoredQuery {
  readonly query: Float32Array;
  readonly metric: Metric;
  /** Rows one behind the other, of the query's dimension. */
  readonly vectors: Float32Array;
}

export interface ScoredRows extends Omit<ScoredQuery, 'vectors'> {
  readonly count: number;
  /** Copies some of the rows, little-endian f32, to a place in `target`. False: it cannot. */
  readonly copy: (part: RowPart, target: Uint8Array, place: RowPlace) => boolean;
}

export interface RowPart {
  readonly first: number;
  readonly count: number;
}

export interface RowPlace {
  readonly at: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
}

/** Positions among the given rows with their kernel distances, in no order. */
export interface NearestRows {
  readonly rows: readonly number[];
  readonly distances: readonly number[];
}

export class RowScorer {
  readonly #kernel: Kernel;
  #block: RowBlock | undefined;
  #rows = new Uint32Array(0);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * In the order of the rows; undefined where they cannot be copied. Throws `memory_budget_exceeded` where the first call finds
   * no room.
   */
  tryDistances({ query, metric, count, copy }: ScoredRows): Float32Array | undefined {
    const block = this.#blockFor(query.length);
    const scoreFrom = (first: number): Float32Array | undefined => {
      const part = Math.min(block.capacity, count - first);
      block.clear();
      const copied = block.appendCopied(part, metric, (target, at, stride) =>
        copy({ first, count: part }, target, { at, stride }),
      );
      return copied ? block.scores({ query, metric, rows: this.#everyRow(part) }) : undefined;
    };
    if (count <= block.capacity) return scoreFrom(0);
    const out = new Float32Array(count);
    for (let first = 0; first < count; first += block.capacity) {
      const distances = scoreFrom(first);
      if (distances === undefined) return undefined;
      out.set(distances, first);
    }
    return out;
  }

  /** The k nearest of the allowed rows, and besides every row that is as far as a k-th nearest. */
  nearest(
    search: ScoredQuery & { readonly k: number; readonly allowed: Uint8Array | undefined },
  ): NearestRows {
    const { query, metric, k, allowed } = search;
    const rows: number[] = [];
    const distances: number[] = [];
    this.#eachPart(search, (block, first) => {
      const mask = allowed === undefined ? undefined : sliceBits(allowed, first, block.rowCount);
      const hits = block.search({ query, metric, k: k + 1, mask });
      const worst = hits.distances[k - 1];
      hits.rows.forEach((row, i) => {
        if (worst !== undefined && hits.distances[i] === worst) return;
        rows.push(first + row);
        distances.push(hits.distances[i]!);
      });
      if (worst === undefined) return;
      for (const row of block.equalRows({ query, metric, mask, distance: worst })) {
        rows.push(first + row);
        distances.push(worst);
      }
    });
    return { rows, distances };
  }

  /** Acquires the arena for vectors of so many numbers, where it is not there. Throws `memory_budget_exceeded`. */
  makeReady(dimension: number): void {
    this.#blockFor(dimension);
  }

  /** Gives the arena back; the next call acquires one anew. */
  release(): void {
    this.#block?.release();
    this.#block = undefined;
  }

  #eachPart({ query, metric, vectors }: ScoredQuery, use: (block: RowBlock, first: number) => void): void {
    const dimension = query.length;
    const block = this.#blockFor(dimension);
    const step = block.capacity;
    for (let first = 0; first * dimension < vectors.length; first += step) {
      const part = vectors.subarray(first * dimension, (first + step) * dimension);
      block.clear();
      block.appendRows(part, metric === 'cosine' ? this.#scales(part, dimension) : undefined);
      use(block, first);
    }
  }

  /** 0, 1, 2, ... */
  #everyRow(count: number): Uint32Array {
    if (this.#rows.length < count) this.#rows = Uint32Array.from({ length: count }, (_, row) => row);
    return this.#rows.subarray(0, count);
  }

  #scales(vectors: Float32Array, dimension: number): Float32Array {
    return Float32Array.from(this.#kernel.normSquared(vectors, dimension), cosineScale);
  }

  #blockFor(dimension: number): RowBlock {
    if (this.#block?.dimension === dimension) return this.#block;
    this.release();
    const fits = arenaClasses.find(
      (candidate) => RowBlock.capacityOf(dimension, candidate) >= ROWS_PER_ROUND,
    );
    this.#block = new RowBlock(this.#kernel.pool, dimension, fits ?? arenaClasses[3]);
    return this.#block;
  }
}
