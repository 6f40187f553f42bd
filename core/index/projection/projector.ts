/** Brings queries to the few dimensions that a graph is walked on (wasm/projection.ts). */
import type { Arena } from '../../kernel/index.js';
import { codeStride } from '../layout/index.js';
import type { CodeParams, KernelState, Layout } from '../layout/index.js';

export interface ProjectorScratch {
  /** i16[stride]. */
  readonly values: number;
  /** f64[dimension]. */
  readonly inverses: number;
}

export function layOutProjector(layout: Layout, dimension: number): ProjectorScratch {
  return { values: layout.take(codeStride(dimension) * 2), inverses: layout.take((dimension + 1) * 8) };
}

export class Projector {
  readonly #arena: Arena;
  readonly #dimension: number;

  constructor(
    arena: Arena,
    state: KernelState,
    options: {
      /** The table of all dimensions: its ranges, and the unit in which a query is prepared. */
      readonly full: { readonly params: CodeParams; readonly unit: number };
      readonly outputs: number;
      /** Address of the section. */
      readonly projection: number;
      readonly scratch: ProjectorScratch;
    },
  ) {
    const { full, outputs, projection, scratch } = options;
    const { step } = full.params;
    const dimension = step.length;
    this.#arena = arena;
    this.#dimension = dimension;
    arena.u8.fill(0, scratch.values, scratch.values + codeStride(dimension) * 2);
    const inverses = arena.f64.subarray(scratch.inverses / 8, scratch.inverses / 8 + dimension + 1).fill(0);
    step.forEach((width, d) => (inverses[d] = width > 0 ? full.unit / width : 0));
    state.set({ projection, outputs, values: scratch.values, inverseSteps: scratch.inverses });
  }

  /**
   * Projects the query that was prepared last to `out`, an address of f32. Requires: the table of all dimensions is selected.
   * What was prepared stays good, but cannot be projected again.
   */
  project(out: number): void {
    const { exports } = this.#arena;
    exports.project(exports.putValues(this.#dimension), out);
  }
}
