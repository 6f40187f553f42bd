/** Rows as they were given, and a query that is compared with them (wasm/f32-rows.ts). */
import { cosineScale, kernelMetric, type Arena, type Metric } from '../../../kernel/index.js';
import { codeSizes, codingNumbers, putQuery } from '../../layout/index.js';
import type { CodeSizes, KernelState, Layout, QueryConstants, RowTable } from '../../layout/index.js';

export interface F32Scratch {
  readonly query: number;
  /** f64: the squared length of the query. */
  readonly squared: number;
}

export function layOutF32Table(layout: Layout, dimension: number): F32Scratch {
  return { query: layout.take(dimension * 4 + 16), squared: layout.take(8) };
}

export interface F32TableOptions extends F32Scratch {
  readonly dimension: number;
  readonly metric: Metric;
  /** Addresses in the arena. */
  readonly codes: number;
  readonly terms: number;
}

export class F32Table implements RowTable {
  readonly dimension: number;
  readonly scale: RowTable['scale'];
  readonly queryAt: number;
  readonly exact: boolean = true;
  readonly #arena: Arena;
  readonly #state: KernelState;
  readonly #options: F32TableOptions;
  readonly #sizes: CodeSizes;

  constructor(arena: Arena, state: KernelState, options: F32TableOptions) {
    const { dimension, metric, query } = options;
    this.dimension = dimension;
    this.scale = { unit: 1, offset: metric === 'cosine' ? -1 : 0 };
    this.queryAt = query;
    this.#arena = arena;
    this.#state = state;
    this.#options = options;
    this.#sizes = codeSizes({ kind: 'f32' }, options);
    arena.u8.fill(0, query, query + this.#sizes.stride);
  }

  select(): void {
    const { metric, codes, terms, query } = this.#options;
    const { stride, termBytes } = this.#sizes;
    const state = this.#state;
    state.put('coding', codingNumbers.f32);
    state.put('kind', kernelMetric(metric));
    state.put('stride', stride);
    state.put('codes', codes);
    state.put('terms', termBytes === 0 ? 0 : terms);
    state.put('weights', query);
  }

  prepare(query: Float32Array): void {
    putQuery(this.#arena, this, query);
    this.prepareHere();
  }

  prepareHere(): void {
    const { metric, squared } = this.#options;
    if (metric !== 'cosine') {
      this.putConstants({ base: 0, scale: 1, termFactor: 0 });
      return;
    }
    const { exports, f64 } = this.#arena;
    exports.sumSquares(this.queryAt, 1, this.dimension, this.#sizes.stride, squared);
    const length = f64[squared / 8]!;
    this.putConstants({ base: 1, scale: length > 0 ? cosineScale(length) : 0, termFactor: 0 });
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

  measureExactly(count: number): void {
    this.#arena.exports.measureF32Exactly(count, this.dimension);
  }
}
