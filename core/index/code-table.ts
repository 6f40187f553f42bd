/**
 * The rows as codes of one kind: where these lie, and what a query is weighed by to be measured against them. An index has
 * a table of all dimensions, and where it is walked on fewer, one of these. The kernels read the one that was selected last.
 */
import { assertInternal } from '../base/errors.js';
import { KERNEL_L1, KERNEL_L2, kernelMetric, type Arena, type Metric } from '../kernel/index.js';
import { stepWeights, unitOf } from './code-params.js';
import type { KernelState } from './kernel-state.js';
import { prepareL1, QueryWeights, type QueryConstants } from './query.js';
import type { RowTables } from './row-tables.js';
import { codeStride, type CodeParams, type Layout } from './shape.js';

/** Scratch of a table: i16 weights of a query, and for L1 its codes. */
export interface TableScratch {
  readonly weights: number;
  readonly queryCodes: number;
}

export function layOutTable(layout: Layout, dimension: number): TableScratch {
  const stride = codeStride(dimension);
  return { weights: layout.take(stride * 2), queryCodes: layout.take(stride) };
}

export interface CodeTableOptions extends TableScratch {
  readonly dimension: number;
  readonly metric: Metric;
  readonly params: CodeParams;
  /** Addresses in the arena. */
  readonly codes: number;
  readonly terms: number;
}

export class CodeTable {
  readonly dimension: number;
  readonly stride: number;
  readonly metric: Metric;
  readonly params: CodeParams;
  /** The widest step: distances inside are in this unit. */
  readonly unit: number;
  readonly #state: KernelState;
  readonly #addresses: Pick<CodeTableOptions, 'codes' | 'terms' | 'weights' | 'queryCodes'>;
  readonly #weights: Int16Array;
  readonly #queryCodes: Uint8Array;
  readonly #queryWeights: QueryWeights;
  readonly #stepScale: number;
  /** What a build needs on top. */
  #rows: RowTables | undefined;

  constructor(arena: Arena, state: KernelState, options: CodeTableOptions) {
    const { dimension, metric, params, codes, terms, weights, queryCodes } = options;
    this.dimension = dimension;
    this.metric = metric;
    this.params = params;
    this.stride = codeStride(dimension);
    this.unit = unitOf(params);
    this.#state = state;
    this.#addresses = { codes, terms, weights, queryCodes };
    this.#weights = new Int16Array(arena.u8.buffer, weights, this.stride).fill(0);
    this.#queryCodes = arena.u8.subarray(queryCodes, queryCodes + this.stride).fill(0);
    this.#queryWeights = new QueryWeights(metric, params, metric === 'dot' ? 1 : this.unit);
    this.#stepScale = this.#weighSteps();
  }

  /** Requires: this table is selected when rows are encoded, inserted or compared. */
  useForRows(rows: RowTables): void {
    this.#rows = rows;
  }

  /** Makes the kernels read this table. */
  select(): void {
    const state = this.#state;
    const { codes, terms, weights, queryCodes } = this.#addresses;
    state.put('stride', this.stride);
    state.put('codes', codes);
    state.put('terms', terms);
    state.put('weights', weights);
    state.put('queryCodes', queryCodes);
    if (this.#rows === undefined) return;
    state.set(this.#rows.addresses);
    state.putNumber('pairScale', this.#rows.pairScale);
    state.putNumber('rowScale', this.#rows.rowScale);
  }

  /** Prepares a query for the kernels. Requires: selected. */
  prepare(query: Float32Array): QueryConstants {
    assertInternal(
      query.length === this.dimension,
      () => `a query of ${query.length} numbers, not ${this.dimension}`,
    );
    const constants = this.#weigh(query);
    this.putConstants(constants);
    return constants;
  }

  /** Goes back to the query that was prepared last in this table. Requires: selected. */
  putConstants({ base, scale, termFactor }: QueryConstants): void {
    this.#state.putNumber('base', base);
    this.#state.putNumber('scale', scale);
    this.#state.putNumber('termFactor', termFactor);
  }

  #weigh(query: Float32Array): QueryConstants {
    if (this.metric === 'dot') return this.#queryWeights.dot(query, this.#weights);
    if (this.metric !== 'manhattan') return this.#queryWeights.l2(query, this.#weights);
    // A build makes rows the query by their address.
    this.#state.put('queryCodes', this.#addresses.queryCodes);
    return prepareL1(query, this.params, this.unit, this.#stepScale, this.#queryCodes);
  }

  /** L1 weighs codes by their steps, whatever the query. */
  #weighSteps(): number {
    if (kindOf(this.metric) !== KERNEL_L1) return 1;
    const { weights, scale } = stepWeights(this.params, this.unit);
    this.#weights.set(weights);
    this.#state.putNumber('scale', scale);
    return scale;
  }
}

/** Kind of the code kernels: cosine is L2 of vectors of length 1. */
export function kindOf(metric: Metric): number {
  return metric === 'cosine' ? KERNEL_L2 : kernelMetric(metric);
}
