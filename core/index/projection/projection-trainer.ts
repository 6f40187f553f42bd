/**
 * Learns the directions in which rows differ most (principal components), by orthogonal iteration on the covariance of a
 * sample, and how many of them are worth walking on. Half of the sample only judges, because directions of few rows flatter
 * these. Distances between rows change by as little as their projections leave out; what a walk finds is measured anew.
 */
import { PAYLOAD_OFFSET, type Arena, type ArenaPool, type Metric } from '../../kernel/index.js';
import { inSpace } from '../order/index.js';
import { Layout, acquireBytes } from '../layout/index.js';
import { randomSource } from '../../base/random-source.js';
import type { Projection } from './projection.js';

/** Fewer rows say too little of the directions. */
const SAMPLE_LEAST = 2_048;
const SAMPLE_MOST = 4_096;
/** A walk on more than a quarter of the dimensions gains too little to pay for the projected codes. */
const OUTPUTS_SHARE = 4;
/** Codes of a row fill whole cache lines. */
const OUTPUTS_STEP = 64;
const OUTPUTS_MOST = 512;
/** Of the variance: with less, the walk must be so much wider that nothing is gained. */
const VARIANCE_SHARE = 0.9;
const ROUNDS = 6;
/** What is left of a direction, as a share of its length: with less, taking off the others is done once more. */
const REPEATED_BELOW = 0.1;
/** Rows of the sample whose products are summed at once: what is multiplied stays in the cache. */
const BLOCK = 256;
/** Values beyond what the sample showed are cut off at this share of its range. */
const MARGIN = 0.05;

export interface ProjectionOptions {
  readonly dimension: number;
  readonly metric: Metric;
  readonly seed: number;
}

/** Directions that may be learnt: 0 where projecting cannot pay. */
export function projectedOutputsMost(dimension: number): number {
  const share = Math.floor(dimension / OUTPUTS_SHARE / OUTPUTS_STEP) * OUTPUTS_STEP;
  return Math.min(OUTPUTS_MOST, share);
}

/** Undefined where the rows vary in too many directions. Throws `memory_budget_exceeded`. */
export function trainProjection(
  pool: ArenaPool,
  sample: Float32Array,
  options: ProjectionOptions,
): Projection | undefined {
  const { dimension, metric } = options;
  const most = projectedOutputsMost(dimension);
  const sampled = sample.length / dimension;
  // Other metrics are none that a rotation keeps, or ask for directions of large products, not of large differences.
  const fits = metric === 'euclidean' || metric === 'cosine';
  if (!fits || most === 0 || sampled < SAMPLE_LEAST) return undefined;
  const rows = thinned(inSpace(sample, { pool, dimension, normalised: metric === 'cosine' }), dimension);
  const trainer = new Trainer(pool, { ...options, most, count: rows.length / dimension });
  try {
    return trainer.train(rows);
  } finally {
    trainer.release();
  }
}

/** A copy of every so many-th row. */
function thinned(rows: Float32Array, dimension: number): Float32Array {
  const count = rows.length / dimension;
  if (count <= SAMPLE_MOST) return rows.slice();
  const kept = new Float32Array(SAMPLE_MOST * dimension);
  for (let i = 0; i < SAMPLE_MOST; i++) {
    const row = Math.floor((i * count) / SAMPLE_MOST);
    kept.set(rows.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  }
  return kept;
}

class Trainer {
  readonly #pool: ArenaPool;
  readonly #arena: Arena;
  readonly #options: ProjectionOptions & { readonly most: number; readonly count: number };
  /** Dimensions, padded by zeros to a multiple of 4. */
  readonly #wide: number;
  /** A block of the sample by columns or by rows, the covariance, the directions, and what becomes of them. */
  readonly #block: number;
  readonly #covariance: number;
  #directions: number;
  #next: number;

  constructor(
    pool: ArenaPool,
    options: ProjectionOptions & { readonly most: number; readonly count: number },
  ) {
    const { dimension, most } = options;
    this.#pool = pool;
    this.#options = options;
    this.#wide = Math.ceil(dimension / 4) * 4;
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#block = layout.take(this.#wide * BLOCK * 4);
    this.#covariance = layout.take(this.#wide * this.#wide * 4);
    this.#directions = layout.take(most * this.#wide * 4);
    this.#next = layout.take(Math.max(most * this.#wide, BLOCK * most) * 4);
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
  }

  release(): void {
    this.#pool.release(this.#arena);
  }

  train(rows: Float32Array): Projection | undefined {
    const { count } = this.#options;
    const means = this.#centre(rows);
    this.#sumCovariance(rows);
    this.#draw();
    for (let round = 0; round < ROUNDS; round++) {
      this.#multiply();
      this.#orthonormalise();
    }
    const projected = this.#project(rows);
    const outputs = this.#enough(rows, projected);
    if (outputs === 0) return undefined;
    const lo = new Float32Array(outputs);
    const step = new Float32Array(outputs);
    for (let p = 0; p < outputs; p++) {
      let low = Infinity;
      let high = -Infinity;
      for (let row = 0; row < count; row++) {
        const value = projected[row * this.#options.most + p]!;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      const range = (high - low) * (1 + 2 * MARGIN);
      lo[p] = low - (high - low) * MARGIN;
      step[p] = range / 255;
    }
    return { outputs, directions: this.#read(outputs), means, params: { lo, step } };
  }

  /** Takes the mean off the rows, in place. */
  #centre(rows: Float32Array): Float32Array {
    const { dimension, count } = this.#options;
    const sums = new Float64Array(dimension);
    for (let row = 0, at = 0; row < count; row++) for (let d = 0; d < dimension; d++) sums[d]! += rows[at++]!;
    const means = Float32Array.from(sums, (sum) => sum / count);
    for (let row = 0, at = 0; row < count; row++)
      for (let d = 0; d < dimension; d++) rows[at++]! -= means[d]!;
    return means;
  }

  /** Of the even rows. */
  #sumCovariance(rows: Float32Array): void {
    const { dimension, count } = this.#options;
    const { f32, exports } = this.#arena;
    const [block, covariance, wide] = [this.#block, this.#covariance, this.#wide];
    f32.fill(0, covariance / 4, covariance / 4 + wide * wide);
    for (let first = 0; first < count; first += 2 * BLOCK) {
      f32.fill(0, block / 4, block / 4 + wide * BLOCK);
      for (let i = 0; i < BLOCK && first + 2 * i < count; i++) {
        const row = (first + 2 * i) * dimension;
        for (let d = 0, at = block / 4 + i; d < dimension; d++, at += BLOCK) f32[at] = rows[row + d]!;
      }
      // The half from the diagonal on, by groups of four columns.
      for (let d = 0; d < wide; d += 4) {
        for (let i = d; i < d + 4; i++) {
          const out = covariance + (i * wide + d) * 4;
          exports.addProducts(block + i * BLOCK * 4, 1, block + d * BLOCK * 4, wide - d, BLOCK, out);
        }
      }
    }
    for (let i = 0; i < wide; i++)
      for (let j = 0; j < i; j++) f32[covariance / 4 + i * wide + j] = f32[covariance / 4 + j * wide + i]!;
  }

  #draw(): void {
    const { most, dimension, seed } = this.#options;
    const next = randomSource(seed);
    const { f32 } = this.#arena;
    for (let p = 0; p < most; p++) {
      const at = this.#next / 4 + p * this.#wide;
      f32.fill(0, at, at + this.#wide);
      for (let d = 0; d < dimension; d++) f32[at + d] = next() / 2 ** 31 - 1;
    }
    this.#orthonormalise();
  }

  /** The covariance times the directions. */
  #multiply(): void {
    const { most } = this.#options;
    const { f32, exports } = this.#arena;
    f32.fill(0, this.#next / 4, this.#next / 4 + most * this.#wide);
    exports.addProducts(this.#directions, most, this.#covariance, this.#wide, this.#wide, this.#next);
  }

  /** Makes directions of what stands behind them (modified Gram-Schmidt): at right angles, of length 1 or 0. */
  #orthonormalise(): void {
    const { most } = this.#options;
    const { f32, exports } = this.#arena;
    const wide = this.#wide;
    [this.#directions, this.#next] = [this.#next, this.#directions];
    const length = (at: number): number => Math.sqrt(-exports.negatedDot(at, at, wide));
    for (let p = 0; p < most; p++) {
      const at = this.#directions + p * wide * 4;
      const before = length(at);
      this.#straighten(at, p);
      let after = length(at);
      // Where much was taken off, what it left of the others by rounding is no longer small.
      if (after < REPEATED_BELOW * before) {
        this.#straighten(at, p);
        after = length(at);
      }
      // What is left of a direction that others hold is rounding.
      const inverse = after > 1e-6 * before ? 1 / after : 0;
      for (let d = at / 4; d < at / 4 + wide; d++) f32[d]! *= inverse;
    }
  }

  /** Takes the first `count` directions off what stands at `at`. */
  #straighten(at: number, count: number): void {
    const { exports } = this.#arena;
    const wide = this.#wide;
    for (let q = 0; q < count; q++) {
      const other = this.#directions + q * wide * 4;
      exports.addScaled(at, other, exports.negatedDot(at, other, wide), wide);
    }
  }

  /** All rows on all directions. */
  #project(rows: Float32Array): Float32Array {
    const { dimension, count, most } = this.#options;
    const { f32, exports } = this.#arena;
    const projected = new Float32Array(count * most);
    for (let first = 0; first < count; first += BLOCK) {
      const part = Math.min(BLOCK, count - first);
      f32.fill(0, this.#block / 4, this.#block / 4 + part * this.#wide);
      for (let i = 0; i < part; i++) {
        const row = rows.subarray((first + i) * dimension, (first + i + 1) * dimension);
        f32.set(row, this.#block / 4 + i * this.#wide);
      }
      f32.fill(0, this.#next / 4, this.#next / 4 + part * most);
      exports.addProducts(this.#block, part, this.#directions, most, this.#wide, this.#next);
      projected.set(f32.subarray(this.#next / 4, this.#next / 4 + part * most), first * most);
    }
    return projected;
  }

  /** How many of the first directions hold enough of the odd rows' variance; 0 where all do not. */
  #enough(rows: Float32Array, projected: Float32Array): number {
    const { dimension, count, most } = this.#options;
    let total = 0;
    const held = new Float64Array(most);
    for (let row = 1; row < count; row += 2) {
      for (let at = row * dimension; at < (row + 1) * dimension; at++) total += rows[at]! ** 2;
      for (let p = 0; p < most; p++) held[p]! += projected[row * most + p]! ** 2;
    }
    // Rows that are all alike have nothing to project, and any number of directions would hold all of it.
    if (!(total > 0 && Number.isFinite(total))) return 0;
    let sum = 0;
    for (let p = 0; p < most; p++) {
      sum += held[p]!;
      if ((p + 1) % OUTPUTS_STEP === 0 && sum >= VARIANCE_SHARE * total) return p + 1;
    }
    return 0;
  }

  #read(outputs: number): Float32Array {
    const { dimension } = this.#options;
    const directions = new Float32Array(outputs * dimension);
    for (let p = 0; p < outputs; p++) {
      const at = this.#directions / 4 + p * this.#wide;
      directions.set(this.#arena.f32.subarray(at, at + dimension), p * dimension);
    }
    return directions;
  }
}
