/** How a builder codes the rows that searches compare, where these are not the codes that it builds the graph on. */
import type { Arena } from '../kernel/index.js';
import { F32Coder, layOutF32Coder } from './codes/index.js';
import type { F32CoderPlace } from './codes/index.js';
import type { Coding, IndexShape, KernelState, Layout, RowCoder } from './layout/index.js';

/** Of a coding other than sq8. */
export interface CodePlan {
  readonly coding: Exclude<Coding, { kind: 'sq8' }>;
}

export interface PlannedCoder {
  readonly kind: 'f32';
  readonly place: F32CoderPlace;
}

export function layOutCoder(layout: Layout, shape: IndexShape, { coding }: CodePlan): PlannedCoder {
  return { kind: coding.kind, place: layOutF32Coder(layout, shape) };
}

export function openCoder(
  arena: Arena,
  state: KernelState,
  shape: IndexShape,
  { place }: PlannedCoder,
): RowCoder {
  return new F32Coder(arena, state, shape, place);
}
