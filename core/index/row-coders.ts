/** How a builder codes the rows that searches compare, where these are not the codes that it builds the graph on. */
import type { Arena } from '../kernel/index.js';
import {
  F32Coder,
  PqCoder,
  RabitqCoder,
  layOutF32Coder,
  layOutPqCoder,
  layOutRabitqCoder,
} from './codes/index.js';
import type { F32CoderPlace, PqCoderPlace, PqPlan, RabitqCoderPlace, RabitqPlan } from './codes/index.js';
import { codingNumbers } from './layout/index.js';
import type { Coding, IndexNumbers, IndexShape, KernelState, Layout, RowCoder } from './layout/index.js';

/** Of a coding other than sq8. */
export type CodePlan =
  { readonly kind: 'f32' } | ({ readonly kind: 'rabitq' } & RabitqPlan) | ({ readonly kind: 'pq' } & PqPlan);

export type PlannedCoder =
  | { readonly kind: 'f32'; readonly place: F32CoderPlace }
  | { readonly kind: 'rabitq'; readonly plan: RabitqPlan; readonly place: RabitqCoderPlace }
  | { readonly kind: 'pq'; readonly plan: PqPlan; readonly place: PqCoderPlace };

export function plannedCoding(plan: CodePlan): Coding {
  if (plan.kind === 'pq') return { kind: 'pq', compression: plan.compression };
  return plan.kind === 'f32' ? { kind: 'f32' } : { kind: 'rabitq', bits: plan.bits };
}

/** What an index's numbers say of its coding. */
export function plannedNumbers(
  plan: CodePlan,
): Pick<IndexNumbers, 'coding' | 'bits' | 'unit' | 'compression'> {
  const coding = codingNumbers[plan.kind];
  if (plan.kind === 'pq') return { coding, compression: plan.compression };
  return plan.kind === 'f32' ? { coding } : { coding, bits: plan.bits, unit: plan.unit };
}

export function layOutCoder(layout: Layout, shape: IndexShape, plan: CodePlan): PlannedCoder {
  if (plan.kind === 'pq') return { kind: 'pq', plan, place: layOutPqCoder(layout, shape, plan) };
  return plan.kind === 'f32'
    ? { kind: 'f32', place: layOutF32Coder(layout, shape) }
    : { kind: 'rabitq', plan, place: layOutRabitqCoder(layout, shape, plan) };
}

export function openCoder(
  arena: Arena,
  state: KernelState,
  shape: IndexShape,
  planned: PlannedCoder,
): RowCoder {
  if (planned.kind === 'pq') return new PqCoder(arena, state, { shape, ...planned });
  return planned.kind === 'f32'
    ? new F32Coder(arena, state, shape, planned.place)
    : new RabitqCoder(arena, state, { shape, ...planned });
}
