/** What becomes of a collection's quantization in the segments that get a graph: the others are scanned, and are sq8. */
import { rangeUnit } from '../../index/index.js';
import type { CodeParams, CodePlan, Coding, PqBooks } from '../../index/index.js';
import type { Metric } from '../../kernel/index.js';
import { pqCompression, quantizationInEffect, quantizationType, rabitqBits } from '../../log/index.js';
import type { CollectionSchema } from '../../log/index.js';

export function codingFor(schema: Pick<CollectionSchema, 'quantization' | 'metric'>): Coding {
  const quantization = quantizationInEffect(schema.quantization, schema.metric);
  const type = quantizationType(quantization);
  if (type === 'none') return { kind: 'f32' };
  if (type === 'pq') return { kind: 'pq', compression: pqCompression(quantization) };
  if (type === 'rabitq') return { kind: 'rabitq', bits: rabitqBits(quantization) };
  return { kind: 'sq8' };
}

interface Planned {
  readonly metric: Metric;
  readonly params: CodeParams;
  readonly leaves: number;
  readonly books: PqBooks | undefined;
}

/** What a builder is told of it, by what was learnt of the rows. Undefined: sq8. */
export function codePlan(coding: Coding, { metric, params, leaves, books }: Planned): CodePlan | undefined {
  if (coding.kind === 'sq8') return undefined;
  if (coding.kind === 'f32') return { kind: 'f32' };
  if (coding.kind === 'pq') return { kind: 'pq', compression: coding.compression, books: books! };
  // Of length 1 under cosine.
  const unit = metric === 'cosine' ? 1 : rangeUnit(params);
  return { kind: 'rabitq', bits: coding.bits, unit, leaves };
}
