/** Rows as codes of product quantization, and the tables that a query becomes (wasm/pq.ts, pq-rows.ts). */
import { assertInternal } from '../../../base/errors.js';
import type { Arena, Metric } from '../../../kernel/index.js';
import {
  PQ_CENTROIDS,
  codeStride,
  codingNumbers,
  pqStride,
  pqSubVectors,
  putQuery,
} from '../../layout/index.js';
import type { CodesAt, KernelState, Layout, PqCoding, QueryConstants, RowTable } from '../../layout/index.js';
import { kindOf, scaleOf } from '../sq8/index.js';
import { booksAt } from './pq-books.js';

/** Behind the tables: addresses and sums of 16 rows, and 16 bytes of each transposed. */
const MEASURED_BYTES = 64 + 64 + 256;

/** Scratch of a table: of the query its f32, tables of u8 and of f32, its numbers in order; f64 of the middles and off them. */
export interface PqScratch {
  readonly query: number;
  readonly tables: number;
  readonly floats: number;
  readonly values: number;
  readonly middles: number;
  readonly offsets: number;
}

export function layOutPqTable(layout: Layout, coding: PqCoding, dimension: number): PqScratch {
  const wide = codeStride(dimension);
  return {
    query: layout.take(wide * 4),
    tables: layout.take(pqStride(dimension, coding) * 2 * PQ_CENTROIDS + MEASURED_BYTES),
    floats: layout.take(pqSubVectors(dimension, coding) * PQ_CENTROIDS * 4),
    values: layout.take(wide * 4),
    middles: layout.take(wide * 8),
    offsets: layout.take(wide * 8),
  };
}

export interface PqTableOptions extends PqScratch, Pick<CodesAt, 'params' | 'codes'> {
  readonly dimension: number;
  readonly metric: Metric;
  readonly coding: PqCoding;
}

export class PqTable implements RowTable {
  readonly dimension: number;
  readonly scale: RowTable['scale'];
  readonly queryAt: number;
  readonly exact: boolean = false;
  readonly #arena: Arena;
  readonly #state: KernelState;
  readonly #options: PqTableOptions;
  readonly #subVectors: number;
  /** By which a query comes into units; for dot it does not. */
  readonly #factor: number;
  readonly #unit: number;

  /** Requires: sound books at the address of the parameters. */
  constructor(arena: Arena, state: KernelState, options: PqTableOptions) {
    const { dimension, metric, coding, params, query, tables, middles } = options;
    const at = booksAt(params, dimension);
    const unit = arena.f32[at.unit / 4]!;
    this.dimension = dimension;
    this.scale = scaleOf(metric, unit);
    this.queryAt = query;
    this.#arena = arena;
    this.#state = state;
    this.#options = options;
    this.#subVectors = pqSubVectors(dimension, coding);
    this.#factor = metric === 'dot' ? 1 : 1 / unit;
    this.#unit = metric === 'dot' ? unit : 1;
    const wide = codeStride(dimension);
    arena.u8.fill(0, query, query + wide * 4);
    arena.u8.fill(0, tables, tables + pqStride(dimension, coding) * 2 * PQ_CENTROIDS);
    arena.u8.fill(0, middles, middles + wide * 8);
    for (let d = 0; d < dimension; d++)
      arena.f64[middles / 8 + d] = arena.f32[at.middles / 4 + d]! * this.#factor;
  }

  select(): void {
    const { metric, coding, dimension, codes, tables, middles, offsets, values } = this.#options;
    const state = this.#state;
    state.put('coding', codingNumbers.pq);
    state.put('kind', kindOf(metric));
    state.put('stride', pqStride(dimension, coding));
    state.put('codes', codes);
    state.put('weights', tables);
    state.put('middles', middles);
    state.put('fromMiddles', offsets);
    state.put('weighed', values);
  }

  prepare(query: Float32Array): void {
    putQuery(this.#arena, this, query);
    this.prepareHere();
  }

  prepareHere(): void {
    const { dimension, metric, params, floats } = this.#options;
    this.#arena.exports.preparePq(
      ...([this.queryAt, dimension, metric === 'cosine' ? 1 : 0, this.#factor, this.#unit] as const),
      ...([params, this.#subVectors, floats] as const),
    );
  }

  beginRows(): void {
    // Any rows are coded alike.
  }

  constants(): QueryConstants {
    return this.#state.constants();
  }

  putConstants(constants: QueryConstants): void {
    this.#state.putConstants(constants);
  }

  measureExactly(): void {
    assertInternal(false, 'codes that are not exact');
  }
}
