/**
 * Learns the books of a product quantization from sampled rows: k-means in each sub-vector, all of them at once, because a code of
 * a row is the nearest centroid of each.
 *
 * Which dimensions share a sub-vector decides how much a code can say. Dimensions that vary together say more side by side, as
 * they come from pixels; where they do not, a sub-vector does best that holds some that vary much and some that vary little. Both
 * orders are tried, and the one that leaves less is kept. A rotation (Ge et al., "Optimized Product Quantization", CVPR 2013) has
 * no place here: at random it destroys the first kind, and learnt it costs a query as much as its tables do.
 */
import { assertInternal } from '../../../base/errors.js';
import { randomSource } from '../../../base/random-source.js';
import { PAYLOAD_OFFSET, type Arena, type ArenaPool, type Metric } from '../../../kernel/index.js';
import { Layout, PQ_CENTROIDS, acquireBytes, pqStride, pqSubVectors } from '../../layout/index.js';
import type { PqCoding } from '../../layout/index.js';
import type { PqBooks } from './pq-books.js';
import { TURN_NUMBERS, centred, pqSampleRows, thinned } from './pq-sample.js';

const ROUNDS = 10;
/** Rows and rounds by which the orders are compared. */
const TRIED_ROWS = 1_024;
const TRIED_ROUNDS = 4;
export interface PqTraining {
  readonly dimension: number;
  readonly metric: Metric;
  readonly coding: PqCoding;
  readonly seed: number;
}

/** Dimensions by how much they vary, dealt to the sub-vectors in turns. */
function dealtOrder(rows: Float32Array, dimension: number, subVectors: number): Uint32Array {
  const variances = new Float64Array(dimension);
  for (let at = 0; at < rows.length; at++) variances[at % dimension]! += rows[at]! ** 2;
  const ranked = Uint32Array.from({ length: dimension }, (_, d) => d).toSorted(
    (a, b) => variances[b]! - variances[a]! || a - b,
  );
  const order = new Uint32Array(dimension);
  let place = 0;
  for (let s = 0; s < subVectors; s++)
    for (let rank = s; rank < dimension; rank += subVectors) order[place++] = ranked[rank]!;
  return order;
}

interface Trained {
  readonly centroids: Float32Array<ArrayBuffer>;
  /** Squares of what the codes of the last round leave, added up. */
  readonly error: number;
}

/** An arena in which rows are coded while the centroids move. */
export class PqTrainer {
  readonly #pool: ArenaPool;
  readonly #arena: Arena;
  readonly #options: PqTraining;
  readonly #dimension: number;
  readonly #subVectors: number;
  readonly #stride: number;
  readonly #rowsAtOnce: number;
  readonly #books: number;
  readonly #input: number;
  /** f32[dimension], zeros: rows come without their middles. */
  readonly #middles: number;
  readonly #values: number;
  readonly #codes: number;
  readonly #next: () => number;
  #trained: PqBooks | undefined;

  /** Throws `memory_budget_exceeded`. */
  constructor(pool: ArenaPool, options: PqTraining) {
    const { dimension, coding, seed } = options;
    const layout = new Layout(PAYLOAD_OFFSET);
    this.#pool = pool;
    this.#options = options;
    this.#dimension = dimension;
    this.#subVectors = pqSubVectors(dimension, coding);
    this.#stride = pqStride(dimension, coding);
    this.#rowsAtOnce = Math.max(1, Math.floor(TURN_NUMBERS / dimension));
    this.#books = layout.take(dimension * (PQ_CENTROIDS + 1) * 4);
    this.#middles = layout.take(dimension * 4);
    this.#values = layout.take(dimension * 4);
    this.#input = layout.take(this.#rowsAtOnce * dimension * 4);
    this.#codes = layout.take(this.#rowsAtOnce * this.#stride);
    this.#next = randomSource(seed);
    this.#arena = acquireBytes(pool, layout.end - PAYLOAD_OFFSET);
    this.#arena.f32.fill(0, this.#middles / 4, this.#middles / 4 + dimension);
  }

  release(): void {
    this.#pool.release(this.#arena);
  }

  /** Learns from sampled rows. Yields between turns of a few milliseconds. Requires: a row at least. */
  *train(sample: Float32Array): Generator<void> {
    const { dimension } = this.#options;
    const kept = thinned(sample, dimension, pqSampleRows(sample.length / dimension, dimension));
    const { rows, middles, unit } = yield* centred(kept, this.#options);
    const order = yield* this.#bestOrder(rows);
    const { centroids } = yield* this.#cluster(rows, order, ROUNDS);
    this.#trained = { centroids, order, middles, unit };
  }

  /** Requires: trained. */
  books(): PqBooks {
    assertInternal(this.#trained !== undefined, 'books before there are any');
    return this.#trained;
  }

  *#bestOrder(rows: Float32Array): Generator<void, Uint32Array> {
    const dimension = this.#dimension;
    const asTheyCome = Uint32Array.from({ length: dimension }, (_, d) => d);
    if (this.#subVectors === dimension) return asTheyCome;
    const dealt = dealtOrder(rows, dimension, this.#subVectors);
    const tried = thinned(rows, dimension, Math.min(TRIED_ROWS, rows.length / dimension));
    const first = yield* this.#cluster(tried, asTheyCome, TRIED_ROUNDS);
    const second = yield* this.#cluster(tried, dealt, TRIED_ROUNDS);
    return second.error < first.error ? dealt : asTheyCome;
  }

  /** Lloyd's algorithm from rows of the sample; a centroid that nothing is near starts anew at another. */
  *#cluster(rows: Float32Array, order: Uint32Array, rounds: number): Generator<void, Trained> {
    const dimension = this.#dimension;
    const count = rows.length / dimension;
    const centroids = new Float32Array(dimension * PQ_CENTROIDS);
    for (let k = 0; k < PQ_CENTROIDS; k++) {
      for (let s = 0, place = 0; s < this.#subVectors; s++) {
        const row = Math.min(count - 1, Math.floor(((k + this.#next() / 2 ** 32) * count) / PQ_CENTROIDS));
        for (const end = place + this.#widthOf(s); place < end; place++)
          centroids[place * PQ_CENTROIDS + k] = rows[row * dimension + order[place]!]!;
      }
    }
    this.#arena.u32.set(order, this.#books / 4 + centroids.length);
    let error = 0;
    for (let round = 0; round < rounds; round++) {
      this.#arena.f32.set(centroids, this.#books / 4);
      const sums = new Sums(centroids.length, this.#subVectors);
      for (let first = 0; first < count; first += this.#rowsAtOnce) {
        const part = rows.subarray(first * dimension, (first + this.#rowsAtOnce) * dimension);
        this.#add(part, order, centroids, sums);
        yield;
      }
      this.#move(centroids, sums, rows, order);
      error = sums.error;
    }
    return { centroids, error };
  }

  #widthOf(s: number): number {
    return Math.floor(this.#dimension / this.#subVectors) + Number(s < this.#dimension % this.#subVectors);
  }

  /** Adds rows to the sums of the centroids that they are nearest to. */
  #add(rows: Float32Array, order: Uint32Array, centroids: Float32Array, sums: Sums): void {
    const dimension = this.#dimension;
    const count = rows.length / dimension;
    const { exports, f32, u8 } = this.#arena;
    f32.set(rows, this.#input / 4);
    exports.pqEncode(
      ...([this.#input, count, dimension, 0, this.#middles, 1, this.#books] as const),
      ...([this.#subVectors, this.#values, this.#codes, this.#stride] as const),
    );
    for (let s = 0, place = 0; s < this.#subVectors; s++) {
      const width = this.#widthOf(s);
      const shift = (s & 1) * 4;
      for (let row = 0, at = this.#codes + (s >> 1); row < count; row++, at += this.#stride) {
        const k = (u8[at]! >> shift) & 15;
        sums.counts[s * PQ_CENTROIDS + k]!++;
        for (let i = place; i < place + width; i++) {
          const value = rows[row * dimension + order[i]!]!;
          sums.values[i * PQ_CENTROIDS + k]! += value;
          sums.error += (value - centroids[i * PQ_CENTROIDS + k]!) ** 2;
        }
      }
      place += width;
    }
  }

  #move(centroids: Float32Array, { values, counts }: Sums, rows: Float32Array, order: Uint32Array): void {
    const dimension = this.#dimension;
    for (let s = 0, place = 0; s < this.#subVectors; s++) {
      const width = this.#widthOf(s);
      for (let k = 0; k < PQ_CENTROIDS; k++) {
        const count = counts[s * PQ_CENTROIDS + k]!;
        const row = count > 0 ? 0 : this.#next() % (rows.length / dimension);
        for (let i = place; i < place + width; i++)
          centroids[i * PQ_CENTROIDS + k] =
            count > 0 ? values[i * PQ_CENTROIDS + k]! / count : rows[row * dimension + order[i]!]!;
      }
      place += width;
    }
  }
}

class Sums {
  readonly values: Float64Array;
  readonly counts: Uint32Array;
  error = 0;

  constructor(length: number, subVectors: number) {
    this.values = new Float64Array(length);
    this.counts = new Uint32Array(subVectors * PQ_CENTROIDS);
  }
}
