/**
 * Brings rows and queries to the few dimensions that a graph is walked on (wasm/projection.ts). A query is put on the grid of
 * the codes first, as rows are, but may lie outside of it.
 */
import type { Arena, Metric } from '../kernel/index.js';
import { inverseLengths } from './code-params.js';
import type { KernelState } from './kernel-state.js';
import { codeStride, type CodeParams, type Layout } from './shape.js';

/** What a value may be before the sums leave i32: projection.ts. */
const VALUE_MAX = 256;

export interface ProjectorScratch {
  /** i16[stride]. */
  readonly values: number;
  /** f32[outputs]. */
  readonly projected: number;
}

export function layOutProjector(
  layout: Layout,
  { dimension, outputs }: { readonly dimension: number; readonly outputs: number },
): ProjectorScratch {
  return { values: layout.take(codeStride(dimension) * 2), projected: layout.take(outputs * 4) };
}

export class Projector {
  readonly outputs: number;
  readonly #arena: Arena;
  readonly #metric: Metric;
  readonly #projected: number;
  readonly #values: Int16Array;
  readonly #out: Float32Array;
  readonly #exact: Float64Array;
  readonly #middles: Float64Array;
  /** 0 for a dimension that does not vary. */
  readonly #inverses: Float64Array;

  constructor(
    arena: Arena,
    state: KernelState,
    options: {
      readonly metric: Metric;
      readonly dimension: number;
      readonly params: CodeParams;
      readonly outputs: number;
      /** Address of the section. */
      readonly projection: number;
      readonly scratch: ProjectorScratch;
    },
  ) {
    const { metric, dimension, params, outputs, projection, scratch } = options;
    this.outputs = outputs;
    this.#arena = arena;
    this.#metric = metric;
    this.#projected = scratch.projected;
    this.#values = new Int16Array(arena.u8.buffer, scratch.values, codeStride(dimension)).fill(0);
    this.#out = arena.f32.subarray(scratch.projected / 4, scratch.projected / 4 + outputs);
    this.#exact = new Float64Array(dimension);
    this.#middles = Float64Array.from(params.lo, (low, d) => low + 128 * params.step[d]!);
    this.#inverses = Float64Array.from(params.step, (step) => (step > 0 ? 1 / step : 0));
    state.set({ projection, outputs, values: scratch.values });
  }

  /** The answer is good until the next call. Requires: the table of all dimensions is selected. */
  project(query: Float32Array): Float32Array {
    const [exact, middles, inverses, values] = [this.#exact, this.#middles, this.#inverses, this.#values];
    const length = this.#metric === 'cosine' ? inverseLengths(query, query.length)[0]! : 1;
    let largest = 0;
    for (let d = 0; d < exact.length; d++) {
      const value = (query[d]! * length - middles[d]!) * inverses[d]!;
      exact[d] = value;
      const size = Math.abs(value);
      if (size > largest) largest = size;
    }
    // What lies far outside is measured more coarsely: beside such distances nobody sees the difference.
    const scale = largest > VALUE_MAX ? VALUE_MAX / largest : 1;
    for (let d = 0; d < exact.length; d++) values[d] = Math.floor(exact[d]! * scale + 0.5);
    this.#arena.exports.project(1 / scale, this.#projected);
    return this.#out;
  }
}
