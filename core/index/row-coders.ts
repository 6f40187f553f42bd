/** How a builder codes the rows that searches compare, where these are not the codes that it builds the graph on. */
import type { Arena } from '../kernel/index.js';
import { F32Coder, PqCoder, layOutF32Coder, layOutPqCoder } from './codes/index.js';
import type { F32CoderPlace, PqCoderPlace, PqPlan } from './codes/index.js';
import type { IndexShape, KernelState, Layout, RowCoder } from './layout/index.js';

/** Of a coding other than sq8, with what was learnt for it. */
export type CodePlan = { readonly coding: { readonly kind: 'f32' } } | PqPlan;

export type PlannedCoder =
  | { readonly kind: 'f32'; readonly place: F32CoderPlace }
  | { readonly kind: 'pq'; readonly place: PqCoderPlace };

export function layOutCoder(layout: Layout, shape: IndexShape, plan: CodePlan): PlannedCoder {
  return isPq(plan)
    ? { kind: 'pq', place: layOutPqCoder(layout, shape, plan) }
    : { kind: 'f32', place: layOutF32Coder(layout, shape) };
}

function isPq(plan: CodePlan): plan is PqPlan {
  return plan.coding.kind === 'pq';
}

export function openCoder(
  arena: Arena,
  state: KernelState,
  shape: IndexShape,
  { kind, place }: PlannedCoder,
): RowCoder {
  return kind === 'pq' ? new PqCoder(arena, state, shape, place) : new F32Coder(arena, state, shape, place);
}
