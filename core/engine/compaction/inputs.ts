/** The policy, asked of a head. */
import { tierLimits } from '../../base/limits.js';
import type { Head, SegmentEntry } from '../../log/index.js';
import { chooseInputs } from './policy.js';
import type { Handler } from './policy.js';

export interface InputsAsked {
  readonly handler: Handler;
  /** Rows of the log that are folded too. */
  readonly logRows: number;
}

/** The segments to merge, of those that no job has. */
export function inputsOf(
  { schema, segments, jobs }: Head,
  { handler, logRows }: InputsAsked,
): readonly SegmentEntry[] {
  const taken = new Set(jobs.flatMap(({ inputs }) => inputs));
  const chosen = chooseInputs({
    tier: schema.tier,
    handler,
    dimension: schema.dimension,
    metric: schema.metric,
    quantization: schema.quantization,
    m: schema.index.m,
    logRows,
    segments: segments.map((segment) => ({ ...segment, taken: taken.has(segment.key) })),
  });
  return chosen.map((key) => segments.find((segment) => segment.key === key)!);
}

/** Whether there is something to merge without any log: a compaction that was ended before its end has left it. */
export function hasMerge(head: Head, handler: Handler): boolean {
  return inputsOf(head, { handler, logRows: 0 }).length > 0;
}

/** The same for any handler of the collection's own tier, with the memory that one has at least, or that we have. */
export function hasMergeOfTier(head: Head, memoryBytes: number): boolean {
  const { tier } = head.schema;
  return hasMerge(head, { tier, memoryBytes: Math.max(memoryBytes, tierLimits[tier].memoryBytes) });
}
