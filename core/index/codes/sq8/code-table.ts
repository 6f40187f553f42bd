/**
 * The rows as codes of one kind: where these lie, and what a query is weighed by to be measured against them. An index has
 * a table of all dimensions, and where it is walked on fewer, one of these. The kernels read the one that was selected last.
 */
import { assertInternal } from '../../../base/errors.js';
import { KERNEL_L2, kernelMetric, type Arena, type Metric } from '../../../kernel/index.js';
import { stepWeights, unitOf } from './code-params.js';
import { codeStride, codingNumbers, putQuery } from '../../layout/index.js';
import type { CodeParams, KernelState, Layout, QueryConstants, RowTable } from '../../layout/index.js';
import type { RowTables } from './row-tables.js';

/** Scratch of a table, all of it per dimension: of the query its f32, i16 weights, for L1 its codes; f64 of the ranges and for sums. */
export interface TableScratch {
  readonly query: number;
  readonly weights: number;
  readonly queryCodes: number;
  readonly middles: number;
  readonly steps: number;
  readonly weighed: number;
  readonly fromMiddles: number;
}

export function layOutTable(layout: Layout, dimension: number): TableScratch {
  const stride = codeStride(dimension);
  return {
    query: layout.take(stride * 4),
    weights: layout.take(stride * 2),
    queryCodes: layout.take(stride),
    middles: layout.take(stride * 8),
    steps: layout.take(stride * 8),
    weighed: layout.take(stride * 8),
    fromMiddles: layout.take(stride * 8),
  };
}

export interface CodeTableOptions extends TableScratch {
  readonly dimension: number;
  readonly metric: Metric;
  readonly params: CodeParams;
  /** Addresses in the arena. */
  readonly codes: number;
  readonly terms: number;
  /** Address of the ranges, for distances of the rows themselves. Requires: `params.exact`. */
  readonly exactLows?: number | undefined;
}

/** Of a prepared query: distance = base + termFactor x term + scale x sum. */
export class CodeTable implements RowTable {
  readonly dimension: number;
  readonly stride: number;
  readonly metric: Metric;
  readonly params: CodeParams;
  /** The widest step: distances inside are in this unit. */
  readonly unit: number;
  /** The kernel distance is that inside x unit + offset. */
  readonly scale: { readonly unit: number; readonly offset: number };
  /** Address of the f32 query. */
  readonly queryAt: number;
  readonly exact: boolean;
  readonly #state: KernelState;
  readonly #arena: Arena;
  readonly #addresses: Omit<CodeTableOptions, 'dimension' | 'metric' | 'params'>;
  /** What makes the kernels read this table. */
  readonly #selected: Uint32Array;
  /** By which a query comes into units. */
  readonly #factor: number;
  /** What one unit of the weights of L1 is worth. */
  readonly #stepScale: number | undefined;
  /** What a build needs on top. */
  #rows: RowTables | undefined;

  constructor(arena: Arena, state: KernelState, options: CodeTableOptions) {
    const { dimension, metric, params, ...addresses } = options;
    this.dimension = dimension;
    this.metric = metric;
    this.params = params;
    this.stride = codeStride(dimension);
    this.unit = unitOf(params);
    this.scale = scaleOf(metric, this.unit);
    this.queryAt = addresses.query;
    this.exact = addresses.exactLows !== undefined;
    this.#arena = arena;
    this.#state = state;
    this.#addresses = addresses;
    for (const [at, bytes] of [
      [addresses.query, 4],
      [addresses.weights, 2],
      [addresses.queryCodes, 1],
      [addresses.middles, 8],
      [addresses.steps, 8],
    ] as const)
      arena.u8.fill(0, at, at + this.stride * bytes);
    this.#selected = state.wordsOf({
      coding: codingNumbers.sq8,
      kind: kindOf(metric),
      stride: this.stride,
      codes: addresses.codes,
      terms: addresses.terms,
      weights: addresses.weights,
      queryCodes: addresses.queryCodes,
      middles: addresses.middles,
      steps: addresses.steps,
      weighed: addresses.weighed,
      fromMiddles: addresses.fromMiddles,
    });
    this.#factor = metric === 'dot' ? 1 : 1 / this.unit;
    params.lo.forEach((low, d) => {
      const step = params.step[d]!;
      arena.f64[addresses.middles / 8 + d] = (low + 128 * step) * this.#factor;
      arena.f64[addresses.steps / 8 + d] = step * this.#factor;
    });
    this.#stepScale = metric === 'manhattan' ? this.#weighSteps() : undefined;
  }

  /** Requires: this table is selected when rows are encoded, inserted or compared. */
  useForRows(rows: RowTables): void {
    this.#rows = rows;
  }

  /** Makes the kernels read this table. */
  select(): void {
    const state = this.#state;
    state.putWords(this.#selected);
    if (this.#stepScale !== undefined) state.putNumber('scale', this.#stepScale);
    if (this.#rows === undefined) return;
    state.set(this.#rows.addresses);
    state.putNumber('pairScale', this.#rows.pairScale);
    state.putNumber('rowScale', this.#rows.rowScale);
  }

  /** Prepares a query for the kernels. Requires: selected. */
  prepare(query: Float32Array): void {
    putQuery(this.#arena, this, query);
    this.prepareHere();
  }

  /** Prepares the query that lies at `queryAt`. Requires: selected. */
  prepareHere(): void {
    const { metric, dimension } = this;
    this.#arena.exports.prepareQuery(this.queryAt, dimension, metric === 'cosine' ? 1 : 0, this.#factor);
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
    const { exactLows, weighed } = this.#addresses;
    assertInternal(exactLows !== undefined, 'codes that are not exact');
    // What the preparation of a query left there is used up.
    this.#arena.exports.measureExactly(count, this.queryAt, exactLows, this.dimension, weighed);
  }

  /** L1 weighs codes by their steps, whatever the query. */
  #weighSteps(): number {
    const { weights, scale } = stepWeights(this.params, this.unit);
    new Int16Array(this.#arena.u8.buffer, this.#addresses.weights, this.stride).set(weights);
    return scale;
  }
}

/** Kind of the code kernels: cosine is L2 of vectors of length 1. */
export function kindOf(metric: Metric): number {
  return metric === 'cosine' ? KERNEL_L2 : kernelMetric(metric);
}

/** Half of the L2 of vectors of length 1, less 1, is -cos with an error that vanishes with the distance. */
export function scaleOf(metric: Metric, unit: number): { readonly unit: number; readonly offset: number } {
  if (metric === 'dot') return { unit: 1, offset: 0 };
  if (metric === 'manhattan') return { unit, offset: 0 };
  return metric === 'cosine' ? { unit: unit * unit * 0.5, offset: -1 } : { unit: unit * unit, offset: 0 };
}
